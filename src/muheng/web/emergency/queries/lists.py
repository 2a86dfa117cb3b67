"""What a person may see of emergency lists: all of one that is kept for a place of theirs, and of a wider one the
enterprises of their own places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.http import Http404

from muheng.emergency.inventory.model import Line
from muheng.standards.rounding import divide_half_up
from muheng.web.emergency.models import EmergencyList, ListedFirm, Plan
from muheng.web.emergency.stored import Listing, read_list
from muheng.web.people.models import Organisation
from muheng.web.people.rights import holds, posts_of
from muheng.web.registry.models import SearchEntry
from muheng.web.registry.queries import official_scope
from muheng.web.registry.search import matching

VIEW, EDIT, ADOPT = "emergency.view", "emergency.edit", "emergency.adopt"
POLLUTANTS = ("so2", "nox", "pm", "voc")
POLLUTANT_TITLES = ("SO2", "NOx", "PM", "VOCs")


def lists_for(user: Any) -> QuerySet[EmergencyList]:
    """The lists of the places that a person looks after, and of those that their places lie in."""
    seen = Q(pk__in=())
    for post in posts_of(user):
        if VIEW in post.rights:
            above = [int(number) for number in post.path.strip("/").split("/")]
            seen |= Q(organisation__path__startswith=post.path) | Q(organisation__in=above)
    return EmergencyList.objects.filter(seen).select_related(
        "organisation", "made_by", "job", "file", "marked"
    )


def find_list(user: Any, number: int) -> EmergencyList:
    """One list. Raises Http404."""
    found = lists_for(user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def list_in_force(user: Any) -> EmergencyList | None:
    """The list that counts for a person: of the widest place."""
    rows = lists_for(user).filter(state=EmergencyList.State.IN_FORCE)
    return rows.order_by("organisation__path").first()


def sees_all(user: Any, inventory: EmergencyList) -> bool:
    """Whether the totals of the list are for this person."""
    return holds(user, VIEW, inventory.organisation)


def firms_of(user: Any, inventory: EmergencyList) -> QuerySet[ListedFirm]:
    """The enterprises of a list that a person may see."""
    rows = ListedFirm.objects.filter(inventory=inventory)
    if sees_all(user, inventory):
        return rows
    scope = official_scope(user, VIEW)
    return rows.filter(scope.q("enterprise__") | Q(enterprise=None, county__in=scope.counties))


def find_firm(user: Any, inventory: EmergencyList, code: str) -> ListedFirm:
    """An enterprise of the list. Raises Http404."""
    rows = firms_of(user, inventory).select_related("county", "enterprise")
    found = rows.filter(code=code.strip().upper()).first()
    if found is None:
        raise Http404
    return found


def listing_of(inventory: EmergencyList) -> Listing:
    """The stored list."""
    if not inventory.folder:
        raise Http404
    return read_list(inventory.folder)


def lines_of(inventory: EmergencyList, code: str) -> tuple[Line, ...]:
    return listing_of(inventory).lines_of.get(code, ())


@dataclass(frozen=True)
class FirmQuestion:
    """What is asked of the enterprises of a list."""

    q: str = ""
    county: int | None = None
    trade: str = ""
    grade: str = ""
    guarantee: str = ""
    sort: str = ""


NO_GRADE = "-"
ANY_GUARANTEE = "+"
SORTS = {
    "code": ("code",),
    "name": ("name", "code"),
    "county": ("county__order", "county", "code"),
    "grade": ("grade", "code"),
    "lines": ("lines", "code"),
    **{pollutant: (pollutant, "code") for pollutant in POLLUTANTS},
}


def ask_firms(rows: QuerySet[ListedFirm], asked: FirmQuestion) -> QuerySet[ListedFirm]:
    """The rows that answer, in the order asked for; the largest emitters first where nothing is asked."""
    if asked.q:
        by_name = matching(SearchEntry.objects.all(), asked.q).values("enterprise")
        rows = rows.filter(
            Q(code__startswith=asked.q.upper()) | Q(name__contains=asked.q) | Q(enterprise__in=by_name)
        )
    if asked.county is not None:
        rows = rows.filter(county=asked.county)
    if asked.trade:
        rows = rows.filter(trade=asked.trade)
    if asked.grade:
        rows = rows.filter(grade="" if asked.grade == NO_GRADE else asked.grade)
    if asked.guarantee:
        rows = (
            rows.exclude(guarantee="")
            if asked.guarantee == ANY_GUARANTEE
            else rows.filter(guarantee=asked.guarantee)
        )
    key = asked.sort.lstrip("-")
    if key not in SORTS:
        return rows.order_by("-pm", "-nox", "code")
    turned = "-" if asked.sort.startswith("-") else ""
    first, *rest = SORTS[key]
    return rows.order_by(f"{turned}{first}", *rest)


def choices_of(rows: QuerySet[ListedFirm]) -> dict[str, list[Any]]:
    """What filters offer."""
    counties = set(rows.values_list("county", flat=True).distinct()) - {None}
    return {
        "counties": list(Organisation.objects.filter(pk__in=counties).order_by("order", "pk")),
        **{
            name: sorted(set(rows.exclude(**{name: ""}).order_by().values_list(name, flat=True).distinct()))
            for name in ("trade", "grade", "guarantee")
        },
    }


@dataclass(frozen=True)
class Row:
    """Enterprises of a kind, their lines, and what they emit: g a day."""

    name: str
    key: Any
    firms: int
    lines: int
    emission: tuple[int, int, int, int]


def sum_by(rows: QuerySet[ListedFirm], field: str) -> list[Row]:
    """Enterprises by county, trade, grade or guarantee, the most particles first."""
    found = (
        rows.order_by()
        .values(field)
        .annotate(firms=Count("pk"), count=Sum("lines"), **{f"all_{p}": Sum(p) for p in POLLUTANTS})
    )
    names = (
        {
            place.pk: place.title
            for place in Organisation.objects.filter(pk__in=[r[field] for r in found if r[field]])
        }
        if field == "county"
        else {}
    )
    return sorted(
        (
            Row(
                names.get(row[field], "") if field == "county" else row[field],
                row[field],
                row["firms"],
                row["count"],
                (row["all_so2"], row["all_nox"], row["all_pm"], row["all_voc"]),
            )
            for row in found
        ),
        key=lambda row: (-row.emission[2], -row.firms, str(row.key)),
    )


def total_of(rows: QuerySet[ListedFirm]) -> Row:
    """All of them."""
    found = rows.aggregate(firms=Count("pk"), count=Sum("lines"), **{f"all_{p}": Sum(p) for p in POLLUTANTS})
    so2, nox, pm, voc = (found[f"all_{p}"] or 0 for p in POLLUTANTS)
    return Row("", None, found["firms"], found["count"] or 0, (so2, nox, pm, voc))


def findings_of(user: Any, inventory: EmergencyList) -> list[dict[str, Any]]:
    """What the check found, of the enterprises that a person may see."""
    found: list[dict[str, Any]] = inventory.findings
    if sees_all(user, inventory):
        return found
    codes = set(firms_of(user, inventory).values_list("code", flat=True))
    return [each for each in found if each.get("firm") in codes]


def adopted_plan(inventory: EmergencyList | None) -> Plan | None:
    """The plan of a list that orders are written from."""
    if inventory is None:
        return None
    return Plan.objects.filter(inventory=inventory, state=Plan.State.ADOPTED).order_by("-adopted_at").first()


def in_kilograms(grams: Iterable[int]) -> list[str]:
    """g to kg with up to three digits, as text."""
    return [show_kilograms(each) for each in grams]


def in_whole_kilograms(grams: Iterable[int]) -> list[str]:
    """g to whole kg, as overviews have it."""
    return [f"{divide_half_up(each, 1000):,}" for each in grams]


def show_kilograms(grams: int) -> str:
    """1,234.5 (kg), exactly."""
    whole, rest = divmod(abs(grams), 1000)
    text = f"{whole:,}" + (f".{rest:03}".rstrip("0") if rest else "")
    return f"-{text}" if grams < 0 else text
