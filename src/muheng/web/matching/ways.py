"""From a demand for money, technology or labour to the need that it is."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from muheng.web.casework.models import Case
from muheng.web.casework.ways import Way, register_way
from muheng.web.matching.actions.needs import CASE_KINDS
from muheng.web.matching.queries import EDIT, needs_seen
from muheng.web.people.models import User
from muheng.web.registry.queries import is_own, may


@register_way
def find_need(case: Case, user: User) -> Way | None:
    """The need that was made of a demand, or the page that makes it."""
    if case.type != "demand" or case.kind not in CASE_KINDS or case.enterprise is None:
        return None
    if not may(user, EDIT, case.enterprise) and not is_own(user, case.enterprise):
        return None
    made = needs_seen(user).filter(case=case).exists()
    if not made and not case.live:
        return None
    title = _("看它转成的供需需求") if made else _("转成供需需求")
    return Way(title, reverse("matching:need_from_case", args=[case.number]))
