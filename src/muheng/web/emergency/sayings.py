"""Words of the room that are put together when they are read, each in the language of its reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.functional import lazy

from muheng.web.emergency.models import Alert, Level


def say_later(template: Any, /, *arguments: Any, **values: Any) -> Any:
    """A sentence for several readers: a template with values, or a function with its arguments."""
    if callable(template) and not isinstance(template, str) and arguments:
        return _later(lambda: str(template(*arguments)))
    return _later(lambda: str(template) % {name: str(value) for name, value in values.items()})


def join_lines(*lines: Any) -> Any:
    """Lines below each other, empty ones left out."""
    return _later(lambda: "\n".join(text for text in map(str, lines) if text))


def say_level(level: str) -> Any:
    """黄色, orange … in the reader's language."""
    return Level(level).label if level in Level.values else ""


def say_cause(cause: str) -> Any:
    """细颗粒物, ozone …"""
    return Alert.Cause(cause).label if cause in Alert.Cause.values else ""


def _later(text: Callable[[], str]) -> Any:
    return lazy(text, str)()
