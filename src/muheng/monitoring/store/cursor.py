"""``digest.json``: how far the store has been digested, and what is about to be done next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from muheng.documents.message import say
from muheng.monitoring.store.segments import Place, StoreError
from muheng.monitoring.store.values import replace_durably

STATE = "digest.json"


def read_state(store: Path) -> dict[str, Any]:
    """As ``write_state`` left it; empty where nothing was digested yet."""
    empty: dict[str, Any] = {
        "done": None,
        "serial": 0,
        "parts": [],
        "locked": [],
        "list": "",
        "tidied": "",
        "doing": None,
    }
    try:
        found: dict[str, Any] = json.loads((store / STATE).read_bytes())
    except FileNotFoundError:
        return empty
    except ValueError:
        raise StoreError(
            say("{file} 读不出来。", file=store / STATE),
            say("删除它和 values、fresh 两个文件夹，就会从报文段重新整理。"),
        ) from None
    return empty | found


def write_state(store: Path, state: dict[str, Any]) -> None:
    draft = store / (STATE + ".draft")
    draft.write_text(json.dumps(state), encoding="utf-8")
    replace_durably(draft, store / STATE)


def read_place(written: list[Any] | None) -> Place | None:
    return None if written is None else Place(*written)
