"""The word a person probably meant: nearest known name for a misspelt one, and the sentence that offers it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from muheng.documents.message import Message, say


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None when none is like it."""
    candidates = sorted(set(known))
    folded = {candidate.casefold(): candidate for candidate in reversed(candidates)}
    found = get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.5)
    return folded[found[0]] if found else None


def offer(word: str, known: Iterable[str]) -> Message | None:
    """What to write instead of `word`: the nearest known name, or all of them in their order; None of none."""
    names = list(known)
    if (meant := nearest(word, names)) is not None:
        return say("是不是“{meant}”？", meant=meant)
    return say("可以写：{choices}。", choices="、".join(names)) if names else None
