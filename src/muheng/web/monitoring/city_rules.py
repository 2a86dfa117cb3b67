"""The rules of the site's city: of judgement, and of proofs, late marks and patrols. Read once by a process."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from django.conf import settings
from django.utils.translation import gettext as _

from muheng.cities.pack import find_pack
from muheng.documents.diagnostic import Diagnostic, format_diagnostics
from muheng.monitoring.judgement.rules import Rules, load_rules
from muheng.monitoring.patrolling import Patrolling, load_patrolling
from muheng.web.reading import language
from muheng.web.refusal import Refused

R = TypeVar("R", Rules, Patrolling)


@lru_cache(maxsize=1)
def city_rules() -> Rules:
    """Raises Refused where the city's files have mistakes."""
    rules, found = load_rules(find_pack(settings.CITY))
    return _usable(rules, found, _("本市的监测判定规则有错误，不能使用。"))


@lru_cache(maxsize=1)
def patrol_rules() -> Patrolling:
    """Raises Refused where the city's file has mistakes."""
    rules, found = load_patrolling(find_pack(settings.CITY))
    return _usable(rules, found, _("本市的自证和巡查规则有错误，不能使用。"))


def _usable(rules: R | None, found: list[Diagnostic], otherwise: str) -> R:
    if rules is None:
        raise Refused(otherwise, format_diagnostics(found, language()))
    return rules
