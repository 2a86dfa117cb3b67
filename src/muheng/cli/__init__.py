"""The command line: `muheng …`, one module for each verb.

Reads files, calls the library, writes files, and says in words or as JSON what came out. Decides nothing that
the library could decide.
"""
