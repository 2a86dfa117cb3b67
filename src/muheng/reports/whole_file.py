"""Write a file that is whole or not there: what a reader finds is never half a report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def write_whole(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose bytes take the place of ``path`` at the end; after a failure what was there stays.

    Raises OSError where the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
