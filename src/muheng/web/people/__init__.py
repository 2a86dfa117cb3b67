"""Organisations, people, roles, rights and the rows that each may see. Knows nothing of enterprises' figures."""
