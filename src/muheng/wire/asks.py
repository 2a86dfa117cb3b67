"""What people ask of devices, as files: ``<id>.json`` in, ``<id>.done.json`` out.

``{"mn": …, "command": "3012", "cp": [["PolId", "w01018"]]}``. Taken up it is called ``<id>.taken.json``, so that a receiver that
is begun anew does not make a device take a second sample; answered, it is part of the answer and goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from muheng.monitoring.dialogue.requests import Outcome

TAKEN, DONE = ".taken.json", ".done.json"
LARGEST = 1 << 16
UNREADABLE, INTERRUPTED = "unreadable", "interrupted"


@dataclass(frozen=True)
class Ask:
    name: str
    mn: str
    command: str
    cp: tuple[tuple[str, str], ...]


class Asks:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for taken in folder.glob("*" + TAKEN):
            self._answer(taken.name.removesuffix(TAKEN), {"result": INTERRUPTED})

    def find_new(self) -> Iterator[Ask]:
        for path in sorted(self._folder.glob("*.json")):
            name = path.name.removesuffix(".json")
            if "." in name:
                continue
            try:
                path.rename(self._folder / (name + TAKEN))
                yield _read(name, self._folder / (name + TAKEN))
            except FileNotFoundError:
                continue  # whoever asked has taken it back
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                self._answer(name, {"result": UNREADABLE})

    def settle(self, outcome: Outcome) -> None:
        """Answer where a person asked."""
        if outcome.wanted.purpose != "ask":
            return
        self._answer(
            outcome.wanted.name,
            {
                "mn": outcome.mn,
                "command": outcome.wanted.command,
                "cp": [list(item) for item in outcome.wanted.cp],
                "result": outcome.result,
                "qn": outcome.qn,
                "qn_rtn": outcome.qn_rtn,
                "exe_rtn": outcome.exe_rtn,
                "answers": list(outcome.answers),
                "sent": outcome.sent,
                "begun": write_time(outcome.begun),
                "ended": write_time(outcome.ended),
            },
        )

    def _answer(self, name: str, about: dict[str, Any]) -> None:
        draft = self._folder / f"{name}.done.draft"
        draft.write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        draft.replace(self._folder / (name + DONE))
        (self._folder / (name + TAKEN)).unlink(missing_ok=True)


def _read(name: str, path: Path) -> Ask:
    with path.open("rb") as file:
        asked = json.loads(file.read(LARGEST))
    items = tuple((str(key), str(value)) for key, value in asked.get("cp", []))
    return Ask(name, str(asked["mn"]), str(asked["command"]), items)


def write_time(moment: int) -> str | None:
    """None for 0, which is never."""
    return (
        datetime.fromtimestamp(moment / 1_000_000, UTC).isoformat(timespec="milliseconds") if moment else None
    )
