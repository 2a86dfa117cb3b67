"""A child of the receiver: turns what it has kept into values, every two seconds. Knows no socket."""

from __future__ import annotations

import os
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import cast

import polars as pl

from muheng.documents.message import Language, Message, Refusal, say
from muheng.documents.os_error import name_reason
from muheng.monitoring.store.digest import digest
from muheng.monitoring.store.segments import CHINA
from muheng.wire.children import Child, watch_parent

EVERY = 2.0


def make_child(store: Path, lang: Language = "zh") -> Child:
    return Child("digest", "muheng.wire.digesting", [str(store), lang])


def main(store: Path, lang: Language) -> int:
    """The code it ends with; it is begun anew then, and goes on where it was."""
    try:
        _digest_on(store)
    except Refusal as refusal:
        _warn(refusal.what, lang)
    except OSError as error:
        _warn(say("{file}：{reason}。", file=error.filename or store, reason=name_reason(error)), lang)
    except pl.exceptions.PolarsError as error:
        _warn(say("{file}：{reason}。", file=store, reason=_find_reason(error)), lang)
    else:
        return 0
    return 1


def _find_reason(error: pl.exceptions.PolarsError) -> Message | str:
    """A disk that is full, among others, is known by its number only."""
    found = re.search(r"os error (\d+)", str(error))
    return str(error) if found is None else name_reason(OSError(int(found[1]), str(error)))


def _warn(message: Message, lang: Language) -> None:
    print(message.render(lang), file=sys.stderr, flush=True)


def _digest_on(store: Path) -> None:
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
    sys.exit(main(Path(sys.argv[1]), cast(Language, sys.argv[2])))
