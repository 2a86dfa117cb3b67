"""The peer of the site's lists: a bare Django project over the same table, a page of 50 rows with the count.

As ``startproject`` leaves it, with nobody to log in and nothing to filter.
"""
