"""Evaluation methods as documents with versions: read, copied, edited, compared. Computes through the library."""
