"""``digest.json``: how far the store has been digested, and what is about to be done next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from muheng.documents.message import say
from muheng.monitoring.store.segments import Finding, Place, StoreError, segment_path
from muheng.monitoring.store.values import replace_durably

STATE = "digest.json"
SEGMENTS = "segments"


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


def verify_reach(store: Path) -> list[Finding]:
    """Whether what was digested is still there: segments that are gone from the end leave a chain that is whole."""
    try:
        done = read_place(read_state(store)["done"])
    except StoreError as error:
        return [Finding(STATE, None, error.what)]
    if done is None:
        return []
    path = segment_path(store / SEGMENTS, done.segment)
    size = path.stat().st_size if path.exists() else None
    if size is None:
        return [Finding(done.segment, None, say("已整理过的一段不见了。"))]
    if size < done.offset:
        what = say(
            "已整理到第 {done} 字节，现在只有 {size} 字节：后面的报文不见了。", done=done.offset, size=size
        )
        return [Finding(done.segment, size, what)]
    return []


def read_place(written: list[Any] | None) -> Place | None:
    return None if written is None else Place(*written)
