"""Casework: a case type is a file, a case is its append-only history, and what it is now is what the history says.

Knows nothing of people, of the web site or of today.
"""
