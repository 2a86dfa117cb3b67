"""Policy as code: a city's rule text → diagnostics → typed plan → exact result, explanation, advice, seal.

Knows nothing of people, dates of today or the web site.
"""
