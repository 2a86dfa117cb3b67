"""How many files the process may open: every connection is one, and many systems begin with 1,024."""

from __future__ import annotations

import resource


def allow_open_files(count: int) -> int:
    """Ask for so many; how many there may be now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return count if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
