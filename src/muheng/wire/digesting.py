"""A child of the receiver: turns what it has kept into values, every two seconds. Knows no socket."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

from muheng.monitoring.store.digest import digest
from muheng.monitoring.store.segments import CHINA
from muheng.wire.children import Child, watch_parent

EVERY = 2.0


def make_child(store: Path) -> Child:
    return Child("digest", "muheng.wire.digesting", [str(store)])


def main(store: Path) -> None:
    gone = watch_parent()
    os.nice(5)  # receiving goes first
    while True:
        # What was received before the parent ended is still read.
        last = gone.is_set()
        while digest(store, datetime.now(CHINA)).records:
            pass
        if last:
            return
        gone.wait(EVERY)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
