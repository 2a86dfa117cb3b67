"""Engines that run a ``program``: Polars (default), Ibis on a SQL engine, and numpy for what-if.

All give the same integers, in any row order and with any number of threads.
"""
