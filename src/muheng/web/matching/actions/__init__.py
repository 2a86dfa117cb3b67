"""Deeds of matching, by what they are about. Each asks for the right, calls the library, saves, and is recorded."""
