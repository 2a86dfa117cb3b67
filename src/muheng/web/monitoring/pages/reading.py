"""What people type into the room's forms: moments, days, several numbers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.web.entrance import read_number
from muheng.web.refusal import Refused


def read_moment(text: str, at: str, *, optional: bool = False) -> datetime | None:
    """A moment as browsers send it. Raises Refused."""
    text = text.strip()
    if not text and optional:
        return None
    try:
        found = datetime.fromisoformat(text)
        if timezone.is_naive(found):
            found = timezone.make_aware(found)
    except (ValueError, OverflowError) as error:
        raise Refused(
            _("“%(text)s”不是时间。") % {"text": text[:40]},
            _("例如 2026-11-20 08:00。"),
            status=422,
            code="invalid",
            at=at,
        ) from error
    return found


def read_day(text: str) -> date | None:
    """A day of an address; None where it is none."""
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def read_numbers(texts: Iterable[str]) -> list[int]:
    """Numbers that were chosen; what is none is left out."""
    return [number for text in texts if (number := read_number(text)) is not None]
