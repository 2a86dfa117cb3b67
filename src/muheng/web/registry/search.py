"""Find an enterprise by any part of its name, a former name, the initials of its pinyin, or its code.

What an enterprise is found by stands in one short text, so that a search reads one narrow table and works alike on
every database.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from pypinyin import Style, lazy_pinyin

from muheng.web.registry.models import Enterprise, NameRecord, SearchEntry

_LATIN = re.compile(r"[a-z0-9]+")


def fold(text: str) -> str:
    """Text as it is compared: full-width forms narrowed, no spaces, lower case."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def initials(name: str) -> str:
    """The first letters of a name's pinyin; letters and digits in the name stay: 亩衡3D厂 → mh3dc."""
    return "".join(
        part if _LATIN.fullmatch(part) else part[:1] for part in lazy_pinyin(fold(name), style=Style.NORMAL)
    )


def search_text(code: str, names: Iterable[str]) -> str:
    """The lines that an enterprise is found by."""
    lines = [code.lower()]
    for name in dict.fromkeys(names):
        lines += [fold(name), initials(name)]
    return "\n".join(lines)


def refresh(enterprise: Enterprise) -> None:
    """Bring an enterprise's search text up to its names."""
    names = [
        enterprise.name,
        *NameRecord.objects.filter(enterprise=enterprise).values_list("name", flat=True),
    ]
    SearchEntry.objects.update_or_create(
        enterprise=enterprise, defaults={"text": search_text(enterprise.code, names)}
    )
