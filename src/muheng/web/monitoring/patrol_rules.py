"""The city's rules of proofs, late marks and patrols, read once by a process."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.utils.translation import gettext as _

from muheng.cities.pack import load_pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.monitoring.patrolling import Patrolling, load_patrolling
from muheng.web.reading import language
from muheng.web.refusal import Refused


@lru_cache(maxsize=1)
def patrol_rules() -> Patrolling:
    """Raises Refused where the city's file has mistakes."""
    pack, _found = load_pack(settings.CITY)
    rules, found = load_patrolling(pack.folder if pack is not None else None)
    if rules is None:
        raise Refused(_("本市的自证和巡查规则有错误，不能使用。"), format_diagnostics(found, language()))
    return rules
