"""Moments as the database has them and as the devices write them: aware, and China's local time without a zone."""

from __future__ import annotations

from datetime import date, datetime, time

from muheng.casework.standing import CHINA


def to_local(moment: datetime) -> datetime:
    """As devices and the library of judgement write it."""
    return moment.astimezone(CHINA).replace(tzinfo=None)


def to_aware(local: datetime) -> datetime:
    """As the database has it."""
    return local.replace(tzinfo=CHINA)


def midnight(day: date) -> datetime:
    """The beginning of a day in China."""
    return datetime.combine(day, time.min, CHINA)
