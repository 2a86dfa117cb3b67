"""A proposal of who looks after whom: what is asked, the library's answer, and adopting exactly what was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from muheng.liaison import spread as library
from muheng.liaison.ground import Point
from muheng.liaison.spread import Pair, Spread, spread
from muheng.web.entrance import read_number
from muheng.web.liaison import actions
from muheng.web.liaison.models import Pairing
from muheng.web.liaison.queries import PAIR, VISIT, office_of, officers_in
from muheng.web.liaison.rules import city_rules
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import official_scope

MOST = 2000
"""Enterprises that are arranged at once; a city with more does so county by county."""


@dataclass(frozen=True)
class Wish:
    """What is to be arranged: the enterprises that are paired, those of a filter besides, those of listed codes."""

    officers: tuple[int, ...] = ()
    county: int | None = None
    scale: str = ""
    grade: str = ""
    add: bool = False
    """Whether all of the filter are paired, not only those that are already."""
    codes: tuple[str, ...] = ()
    keep: bool = False
    most: int = 20


@dataclass(frozen=True)
class Load:
    """What an officer has before and after."""

    officer: User
    office: Organisation | None
    before: int
    after: int
    new: int
    gone: int


@dataclass(frozen=True)
class Line:
    """An enterprise and whom it gets."""

    enterprise: Enterprise
    before: User | None
    officer: User
    pair: Pair


@dataclass(frozen=True)
class Proposal:
    """What the library proposes, with the rows of the site. ``mark`` says that it is still the same."""

    wish: Wish
    spread: Spread
    lines: tuple[Line, ...]
    left: tuple[tuple[Enterprise, Any], ...]
    loads: tuple[Load, ...]
    mark: str
    counts: Mapping[str, int] = field(default_factory=dict)


def read_wish(given: QueryDict) -> Wish:
    """What a form or an address asks; what cannot be understood is left out."""
    numbers = (read_number(text) for text in given.getlist("officer"))
    listed = given.get("codes", "").replace(",", " ").replace("，", " ").replace("、", " ").split()
    most = read_number(given.get("most", ""))
    return Wish(
        officers=tuple(sorted({number for number in numbers if number is not None})),
        county=read_number(given.get("county", "")),
        scale=given.get("scale", "")[:20],
        grade=given.get("grade", "")[:8],
        add=bool(given.get("add")),
        codes=tuple(dict.fromkeys(code.upper() for code in listed))[:MOST],
        keep=bool(given.get("keep")),
        most=min(max(most, 1), 1000) if most is not None else city_rules().pairing.most,
    )


def propose(actor: User, wish: Wish) -> Proposal:
    """Who would look after whom. Changes nothing. Raises Refused."""
    require(actor, PAIR)
    officers = list(officers_in(actor).filter(pk__in=wish.officers))
    if not officers:
        raise Refused(_("请选至少一名联络员。"), status=422, code="invalid", at="officer")
    enterprises = _find_enterprises(actor, wish)
    held = {
        row.enterprise_id: row.officer_id
        for row in Pairing.objects.filter(enterprise__in=enterprises, until=None)
    }
    found = spread(
        [_as_enterprise(each, held.get(each.pk)) for each in enterprises],
        [_as_officer(each, enterprises, wish.most) for each in officers],
        keep=wish.keep,
    )
    by_code = {each.code: each for each in enterprises}
    before = User.objects.in_bulk(set(held.values()))
    chosen = {each.pk: each for each in officers}
    lines = tuple(
        Line(enterprise, before.get(held.get(enterprise.pk, 0)), chosen[pair.officer], pair)
        for pair in found.pairs
        if (enterprise := by_code[pair.code])
    )
    return Proposal(
        wish,
        found,
        lines,
        tuple((by_code[left.code], left.reason) for left in found.left),
        _loads(officers, lines, found),
        _mark(wish, lines),
        {change: found.count(change) for change in ("kept", "moved", "new")},
    )


def adopt(actor: User, wish: Wish, mark: str, reason: str, *, at: datetime | None = None) -> dict[str, int]:
    """Make it so. ``mark``: what was looked at; where it would come out otherwise by now, nothing is done."""
    proposal = propose(actor, wish)
    if proposal.mark != mark:
        raise Refused(
            _("您看过以后，结对或企业情况变了，方案也变了。"),
            _("请看过新的方案再采用。"),
            code="changed",
        )
    return actions.adopt(
        actor, [(line.enterprise, line.officer) for line in proposal.lines], reason=reason, at=at
    )


def _find_enterprises(actor: User, wish: Wish) -> list[Enterprise]:
    rows = official_scope(actor, PAIR).filter(Enterprise.objects.filter(merged_into=None))
    paired = Q(pk__in=Pairing.objects.filter(until=None).values("enterprise"))
    chosen = Q() if wish.add else paired
    wanted = chosen & _filter(wish)
    if wish.codes:
        known = set(rows.filter(code__in=wish.codes).values_list("code", flat=True))
        unknown = [code for code in wish.codes if code not in known]
        if unknown:
            raise Refused(
                _("没有找到这些代码的企业：%(codes)s。") % {"codes": "、".join(unknown[:10])},
                _("请核对统一社会信用代码，一行一个。"),
                status=422,
                code="invalid",
                at="codes",
            )
        wanted |= Q(code__in=wish.codes)
    # Who gives up enterprises in another filter is not spoken of: only what is asked for is arranged.
    found = list(
        rows.filter(wanted)
        .select_related("county", "township")
        .prefetch_related("parks")
        .order_by("code")[: MOST + 1]
    )
    if len(found) > MOST:
        raise Refused(
            _("一次最多安排 %(most)s 户，选出的更多。") % {"most": MOST},
            _("请分县区安排。"),
            status=422,
            code="invalid",
            at="county",
        )
    if not found:
        raise Refused(
            _("没有选出企业。"),
            _("还没有结对的，请勾选“没有结对的也安排”，或填写信用代码。"),
            status=422,
            code="invalid",
            at="codes",
        )
    return found


def _filter(wish: Wish) -> Q:
    wanted = Q()
    if wish.county is not None:
        wanted &= Q(county=wish.county)
    if wish.scale:
        wanted &= Q(scale=wish.scale)
    if wish.grade:
        wanted &= Q(grade=wish.grade)
    return wanted


def point_of(enterprise: Enterprise) -> Point | None:
    """Where it stands, if that is known."""
    if enterprise.longitude is None or enterprise.latitude is None:
        return None
    return enterprise.longitude, enterprise.latitude


def _as_enterprise(row: Enterprise, officer: int | None) -> library.Enterprise:
    places = {number for number in (row.county_id, row.township_id) if number is not None}
    places |= {park.pk for park in row.parks.all()}
    return library.Enterprise(
        row.code, frozenset(places), row.township_id, row.industry, point_of(row), officer
    )


def _as_officer(officer: User, enterprises: Sequence[Enterprise], most: int) -> library.Officer:
    scope = official_scope(officer, VISIT)
    here = [each.pk for each in enterprises]
    elsewhere = Pairing.objects.filter(officer=officer, until=None, enterprise__merged_into=None)
    places = None if scope.everything else scope.counties | scope.townships | scope.parks
    return library.Officer(officer.pk, places, most, elsewhere.exclude(enterprise__in=here).count())


def _loads(officers: Sequence[User], lines: Sequence[Line], found: Spread) -> tuple[Load, ...]:
    before = dict(
        Pairing.objects.filter(officer__in=officers, until=None, enterprise__merged_into=None)
        .order_by()
        .values_list("officer")
        .annotate(many=Count("pk"))
    )
    gone: dict[int, int] = {}
    new: dict[int, int] = {}
    for line in lines:
        if line.pair.change == "kept":
            continue
        new[line.officer.pk] = new.get(line.officer.pk, 0) + 1
        if line.before is not None:
            gone[line.before.pk] = gone.get(line.before.pk, 0) + 1
    return tuple(
        Load(
            each,
            office_of(each),
            before.get(each.pk, 0),
            found.loads[each.pk],
            new.get(each.pk, 0),
            gone.get(each.pk, 0),
        )
        for each in officers
    )


def _mark(wish: Wish, lines: Sequence[Line]) -> str:
    """A digest of what is proposed, and of what it begins from."""
    told = [
        f"{line.enterprise.code} {line.before.pk if line.before else '-'} {line.officer.pk}" for line in lines
    ]
    return sha256("\n".join([repr(wish), *told]).encode()).hexdigest()


def choices_for(actor: User) -> dict[str, Any]:
    """What the form of the arrangement offers."""
    rows: QuerySet[Enterprise] = official_scope(actor, PAIR).filter(
        Enterprise.objects.filter(merged_into=None)
    )
    counties = Organisation.objects.filter(pk__in=rows.order_by().values("county").distinct())
    return {
        "counties": list(counties.order_by("order", "pk")),
        "scales": sorted(filter(None, rows.order_by().values_list("scale", flat=True).distinct())),
        "grades": sorted(filter(None, rows.order_by().values_list("grade", flat=True).distinct())),
    }
