"""The case types of the city that the site serves, and the calendar that their clocks count by; read once a process."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.translation import gettext as _

from muheng.casework.case_type import load_types
from muheng.casework.document import CaseType
from muheng.cities.pack import find_pack
from muheng.standards.calendar import Calendar, load_calendar
from muheng.web.refusal import Refused


@cache
def case_types() -> dict[str, CaseType]:
    """By id, in the order of the files. Raises ValueError where a file has a mistake: the site must not guess."""
    found, mistakes = load_types(find_pack(settings.CITY))
    wrong = [str(mistake) for mistake in mistakes if mistake.severity == "error"]
    if wrong:
        raise ValueError("\n".join(wrong))
    return found


def find_type(type_id: str) -> CaseType:
    """The type of an id. Raises Refused (404)."""
    found = case_types().get(type_id)
    if found is None:
        raise Refused(_("没有名为“%(type)s”的事项类型。") % {"type": type_id}, status=404, code="not_found")
    return found


def calendar() -> Calendar:
    """The working days that clocks are counted by."""
    return load_calendar()
