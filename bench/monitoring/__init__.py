"""Packets of HJ 212 read one by one and by the archive."""
