"""What rules did in a run, shown beside them: rooms that know runs give them here.

The evaluation room names a source in its ``AppConfig.ready``; this room knows nothing of runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from muheng.documents.message import Message
from muheng.web.people.models import User
from muheng.web.policy.models import PolicyVersion


@dataclass(frozen=True)
class Beside:
    """``title`` says which run, ``address`` leads to it; ``effects`` by the key of the rule."""

    title: str
    address: str
    effects: Mapping[str, tuple[Message, ...]]


Source = Callable[[User, PolicyVersion], Beside | None]
_sources: list[Source] = []


def add_source(source: Source) -> Source:
    """Name a function that gives the effects of a version's rules for a person, or None."""
    if source not in _sources:
        _sources.append(source)
    return source


def find_effects(user: User, version: PolicyVersion) -> Beside | None:
    """The first source's answer for a person."""
    for source in _sources:
        if (found := source(user, version)) is not None:
            return found
    return None
