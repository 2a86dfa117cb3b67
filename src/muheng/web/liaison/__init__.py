"""Who looks after which enterprise, when they visit, and what they found."""
