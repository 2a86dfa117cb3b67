"""What people are told: in the site, by e-mail, and to the robots of their groups."""
