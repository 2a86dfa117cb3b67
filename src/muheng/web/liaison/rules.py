"""The rules of pairing and visits of the city that the site serves; read once a process."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from muheng.cities.pack import find_pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.liaison.rules import Rules, load_rules


@cache
def city_rules() -> Rules:
    """Raises ValueError where the file has a mistake: the site must not guess."""
    rules, mistakes = load_rules(find_pack(settings.CITY))
    if rules is None:
        raise ValueError(format_diagnostics(mistakes))
    return rules
