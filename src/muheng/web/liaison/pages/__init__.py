"""Pages of pairing and visits."""
