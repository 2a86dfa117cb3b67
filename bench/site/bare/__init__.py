"""The peer of the site's lists: a bare Django project over the same table, a page of 50 rows with the count.

As ``startproject`` leaves it, for who is logged in, with nothing to filter and everything to be seen.
"""
