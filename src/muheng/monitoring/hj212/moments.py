"""Times as the wire writes them: ``YYYYMMDDhhmmss``, with milliseconds in QN; local time in China, no zone."""

from __future__ import annotations

from datetime import datetime


def read_moment(text: str) -> datetime | None:
    """Fourteen or seventeen digits; None for anything else and for a time that does not exist."""
    if len(text) not in (14, 17) or not (text.isascii() and text.isdigit()):
        return None
    try:
        moment = datetime(
            int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12]), int(text[12:14])
        )
    except ValueError:
        return None
    return moment.replace(microsecond=int(text[14:]) * 1000) if len(text) == 17 else moment


def write_moment(moment: datetime) -> str:
    """As DataTime."""
    return f"{moment:%Y%m%d%H%M%S}" if moment.year > 999 else f"0{moment:%Y%m%d%H%M%S}"[-14:]


def write_qn(moment: datetime) -> str:
    """As QN: to the millisecond."""
    return f"{write_moment(moment)}{moment.microsecond // 1000:03d}"
