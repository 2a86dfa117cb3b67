"""Who is on a roster and why not, as far as a person may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from muheng.policy.plan import RATED
from muheng.web.evaluation.actions.roster import within
from muheng.web.evaluation.models import Evaluation, Participant
from muheng.web.people.scope import scope_of
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise, SearchEntry
from muheng.web.registry.panels import read_panel
from muheng.web.registry.search import matching


@dataclass(frozen=True)
class RosterCount:
    """How many are in and rated, in but not rated by the method (``exempt``, by reason), and taken out by hand."""

    rated: int
    exempt: int
    out: int
    reasons: tuple[tuple[str, str, int], ...]
    """Standing, reason, how many."""

    @property
    def inside(self) -> int:
        return self.rated + self.exempt

    @property
    def everyone(self) -> int:
        return self.inside + self.out


def participants_for(user: Any, evaluation: Evaluation) -> QuerySet[Participant]:
    """The rows of the roster that a person may see."""
    return scope_of(user, "evaluation.view").filter(evaluation.participants.all(), "enterprise__")


def count_roster(user: Any, evaluation: Evaluation) -> RosterCount:
    """The roster in numbers, in one question."""
    rows = participants_for(user, evaluation).values_list("included", "standing", "ground")
    rated = exempt = out = 0
    reasons = []
    for included, standing, ground, count in rows.annotate(count=Count("pk")).order_by("standing", "ground"):
        if not included:
            out += count
        elif standing in ("", RATED):
            rated += count
        else:
            exempt += count
            reasons.append((standing, ground, count))
    return RosterCount(rated, exempt, out, tuple(sorted(reasons, key=lambda row: -row[2])))


def filter_roster(rows: QuerySet[Participant], query: str, show: str) -> QuerySet[Participant]:
    """``show``: rated, exempt, out or empty; ``query``: part of a name, initials or code."""
    if show == "rated":
        rows = rows.filter(included=True, standing__in=("", RATED))
    elif show == "exempt":
        rows = rows.filter(included=True).exclude(standing__in=("", RATED))
    elif show == "out":
        rows = rows.filter(included=False)
    if query.strip():
        found = matching(SearchEntry.objects.all(), query).values("enterprise")
        rows = rows.filter(enterprise__in=found)
    return rows.select_related("enterprise__county", "enterprise__township", "decided_by").order_by(
        "enterprise__code"
    )


def count_strangers(evaluation: Evaluation) -> tuple[int, int]:
    """How many of the year's facts have no file or lie elsewhere, and how many files have no facts."""
    if not evaluation.roster_panel:
        return 0, 0
    on = evaluation.participants.count()
    facts = read_panel(evaluation.roster_panel).frame.height
    files = Enterprise.objects.filter(within(evaluation.organisation), merged_into=None).count()
    return facts - on, files - on


def find_enterprises(user: Any, codes: Iterable[str]) -> list[Enterprise]:
    """The enterprises of these codes. Raises Refused where there are none, or one that the person may not see."""
    wanted = list(dict.fromkeys(code.strip().upper() for code in codes if code.strip()))
    if not wanted:
        raise Refused(_("还没有选企业。"), status=422, code="invalid", at="codes")
    found: dict[str, Enterprise] = {}
    rows = scope_of(user, "evaluation.view").filter(Enterprise.objects.all())
    for start in range(0, len(wanted), 5_000):
        found |= {each.code: each for each in rows.filter(code__in=wanted[start : start + 5_000])}
    missing = [code for code in wanted if code not in found]
    if missing:
        raise Refused(
            _("没有这样的企业：%(codes)s。") % {"codes": "、".join(missing[:5])},
            _("请核对统一社会信用代码。"),
            status=422,
            code="invalid",
            at="codes",
        )
    return list(found.values())
