"""Cases of every type: whose they are, what was done, by when the next step is due."""
