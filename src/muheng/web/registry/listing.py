"""The list of enterprises: what is asked of it, the rows that answer, and how they read.

A page of it has to cost little with 100,000 enterprises: only the columns that are shown are read, names of places
come from one small table, and counts run over indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.standards.industry import UnknownIndustry, industry_name
from muheng.web.entrance import read_number
from muheng.web.people.models import Organisation
from muheng.web.people.scope import Scope
from muheng.web.reading import language
from muheng.web.registry.models import Enterprise, SearchEntry, StatusRecord
from muheng.web.registry.search import matching, rank
from muheng.web.templatetags.words import day as day_text

CHOICES_KEPT = 300
"""Seconds for which the choices of a filter are kept: new industries come with a batch, not while one looks."""


@dataclass(frozen=True)
class Column:
    """A column that may be shown. ``sort``: the columns of the table that it is sorted by."""

    key: str
    title: Any
    fields: tuple[str, ...] = ()
    sort: str = ""
    number: bool = False


COLUMNS = {
    column.key: column
    for column in (
        Column("code", gettext_lazy("统一社会信用代码"), ("code",), "code"),
        Column("grade", gettext_lazy("等级"), ("grade",), "grade"),
        Column("county", gettext_lazy("县区"), ("county_id",), "county"),
        Column("township", gettext_lazy("镇街"), ("township_id",), "township"),
        Column("parks", gettext_lazy("园区")),
        Column("industry", gettext_lazy("行业"), ("industry",), "industry"),
        Column("industry_group", gettext_lazy("行业组"), ("industry_group",), "industry_group"),
        Column("scale", gettext_lazy("规模"), ("scale",), "scale"),
        Column("state", gettext_lazy("状态"), ("state",), "state"),
        Column("statuses", gettext_lazy("称号")),
        Column("address", gettext_lazy("地址"), ("address",)),
        Column("legal_person", gettext_lazy("法定代表人"), ("legal_person",)),
        Column("registered_on", gettext_lazy("成立日期"), ("registered_on",), "registered_on"),
    )
}
SHOWN = ("code", "grade", "county", "township", "industry_group", "scale", "state")
SORTS = {"name": "name", **{column.key: column.sort for column in COLUMNS.values() if column.sort}}
CHOICES = ("industry_group", "scale", "grade", "state")
MERGED = "merged"


@dataclass(frozen=True)
class Question:
    """What is asked of the list; every part is optional. ``grade``: ``-`` asks for those without one.

    Without ``sort`` the likeliest to be meant by ``q`` come first, else it goes by code.
    """

    q: str = ""
    county: int | None = None
    township: int | None = None
    park: int | None = None
    industry_group: str = ""
    industry: str = ""
    scale: str = ""
    grade: str = ""
    status: str = ""
    state: str = ""
    sort: str = ""
    descending: bool = False
    columns: tuple[str, ...] = SHOWN

    @property
    def filtered(self) -> bool:
        """Whether it asks for less than everything."""
        return self != Question(sort=self.sort, descending=self.descending, columns=self.columns)


def read_question(given: QueryDict) -> Question:
    """The question that an address asks; what cannot be understood is left out."""

    def text(name: str) -> str:
        return given.get(name, "").strip()[:100]

    sort = text("sort")
    columns = tuple(key for key in COLUMNS if key in given.getlist("columns"))
    return Question(
        q=text("q"),
        county=read_number(given.get("county", "")),
        township=read_number(given.get("township", "")),
        park=read_number(given.get("park", "")),
        industry_group=text("industry_group"),
        industry=text("industry"),
        scale=text("scale"),
        grade=text("grade"),
        status=text("status"),
        state=text("state"),
        sort=sort.lstrip("-") if sort.lstrip("-") in SORTS else "",
        descending=sort.startswith("-"),
        columns=columns or SHOWN,
    )


def find_rows(scope: Scope, asked: Question) -> QuerySet[Enterprise]:
    """The enterprises in scope that the question asks for, in its order. Those merged away only when asked for."""
    rows = scope.filter(Enterprise.objects.all())
    if asked.state == MERGED:
        rows = rows.filter(merged_into__isnull=False)
    else:
        rows = rows.filter(merged_into=None)
        if asked.state:
            rows = rows.filter(state=asked.state)
    for name in ("county", "township"):
        if (number := getattr(asked, name)) is not None:
            rows = rows.filter(**{f"{name}_id": number})
    if asked.park is not None:
        rows = rows.filter(
            pk__in=Enterprise.parks.through.objects.filter(organisation_id=asked.park).values("enterprise_id")
        )
    for name in ("industry_group", "scale"):
        if value := getattr(asked, name):
            rows = rows.filter(**{name: value})
    if asked.industry:
        rows = rows.filter(industry__startswith=asked.industry)
    if asked.grade:
        rows = rows.filter(grade="" if asked.grade == "-" else asked.grade)
    if asked.status:
        rows = rows.filter(
            pk__in=StatusRecord.objects.filter(holds_on(), status=asked.status).values("enterprise_id")
        )
    if asked.q:
        # The narrow table of texts is read through first; only what it finds is looked up.
        rows = rows.filter(pk__in=matching(SearchEntry.objects.all(), asked.q).values("pk"))
    if asked.q and not asked.sort:
        return rows.annotate(rank=rank(asked.q, "search__text")).order_by("rank", "code")
    order = SORTS.get(asked.sort, "code")
    if order in ("county", "township"):
        order += "_id"
    # Equal ones follow in the same direction, so that an index gives the order as it is.
    sign = "-" if asked.descending else ""
    return rows.order_by(*(f"{sign}{name}" for name in dict.fromkeys((order, "code"))))


def holds_on(day: date | None = None) -> Q:
    """The condition on dated rows that they hold on a day, today if none is given."""
    day = day or timezone.localdate()
    return (Q(since=None) | Q(since__lte=day)) & (Q(until=None) | Q(until__gt=day))


@dataclass(frozen=True)
class Row:
    """An enterprise as the list shows it: ``cells`` as text, in the order of the columns."""

    code: str
    name: str
    href: str
    grade: str
    cells: tuple[tuple[str, str], ...] = field(default=())


def read_rows(rows: QuerySet[Enterprise], columns: Iterable[str]) -> list[dict[str, Any]]:
    """The columns of enterprises as text, by their keys, with ``pk``, ``name`` and ``code``."""
    columns = tuple(columns)
    fields = dict.fromkeys(["pk", "code", "name", *(name for key in columns for name in COLUMNS[key].fields)])
    found: list[dict[str, Any]] = list(rows.values(*fields))
    numbers = [row["pk"] for row in found]
    places = titles() if {"county", "township", "parks"} & set(columns) else {}
    more: dict[str, dict[int, str]] = {}
    if "parks" in columns:
        more["parks"] = _parks(numbers, places)
    if "statuses" in columns:
        more["statuses"] = _statuses(numbers)
    for row in found:
        for key in columns:
            if key in more:
                row[key] = more[key].get(row["pk"], "")
            elif key in ("county", "township"):
                row[key] = places.get(row[f"{key}_id"], "")
            elif key == "industry":
                row[key] = describe_industry(row["industry"])
            elif key == "registered_on":
                row[key] = day_text(row["registered_on"])
    return found


def list_numbers(rows: QuerySet[Enterprise], asked: Question) -> QuerySet[Enterprise, int] | list[int]:
    """The numbers of the rows, to be cut into pages. What comes before a page is counted off in an index alone.

    A search has to read every text anyhow, so it is done once and not for the count as well.
    """
    numbers = rows.values_list("pk", flat=True)
    return list(numbers) if asked.q else numbers


def read_page(numbers: Iterable[int], columns: Iterable[str]) -> list[dict[str, Any]]:
    """The rows of a page, in the order of their numbers."""
    numbers = list(numbers)
    rows = Enterprise.objects.filter(pk__in=numbers).order_by()
    found = {row["pk"]: row for row in read_rows(rows, columns)}
    return [found[number] for number in numbers if number in found]


def show_rows(found: list[dict[str, Any]], columns: tuple[str, ...]) -> list[Row]:
    """Rows for the table."""
    base = reverse("registry:list")
    return [
        Row(
            code=row["code"],
            name=row["name"],
            href=f"{base}{row['code']}/",
            grade=row.get("grade", ""),
            cells=tuple((key, row[key]) for key in columns),
        )
        for row in found
    ]


def titles() -> dict[int, str]:
    """The names of all places in the reader's language."""
    nodes = Organisation.objects.exclude(kind=Organisation.Kind.DEPARTMENT).order_by()
    english = language() == "en"
    found = nodes.values_list("pk", "name", "english")
    return {number: other if english and other else name for number, name, other in found}


def describe_industry(code: str) -> str:
    """A GB/T 4754 code with its name."""
    if not code:
        return ""
    try:
        name = industry_name(code)
    except UnknownIndustry:
        return code
    return f"{code} {name}"


@dataclass(frozen=True)
class Choices:
    """What the filters offer to a person: (value, title) in order."""

    counties: tuple[tuple[str, str], ...]
    townships: tuple[tuple[str, str], ...]
    parks: tuple[tuple[str, str], ...]
    values: Mapping[str, tuple[str, ...]]
    statuses: tuple[str, ...]


def offer_choices(scope: Scope, county: int | None = None) -> Choices:
    """The places and values among which the person may choose, of their scope only."""
    kind = Organisation.Kind
    nodes = list(
        Organisation.objects.filter(kind__in=(kind.COUNTY, kind.TOWNSHIP, kind.PARK)).order_by("path")
    )

    def seen(node: Organisation) -> bool:
        numbers = {int(part) for part in node.path.split("/") if part}
        mine = scope.counties | scope.townships | scope.parks
        return scope.everything or bool(numbers & mine)

    def pairs(which: Callable[[Organisation], bool]) -> tuple[tuple[str, str], ...]:
        return tuple((str(node.pk), node.title) for node in nodes if which(node) and seen(node))

    key = f"registry.choices:{hash(scope)}"
    kept: tuple[dict[str, tuple[str, ...]], tuple[str, ...]] | None = cache.get(key)
    if kept is None:
        kept = _read_choices(scope)
        cache.set(key, kept, CHOICES_KEPT)
    return Choices(
        counties=pairs(lambda node: node.kind == kind.COUNTY),
        townships=pairs(lambda node: node.kind == kind.TOWNSHIP and county in (None, node.parent_id)),
        parks=pairs(lambda node: node.kind == kind.PARK),
        values=kept[0],
        statuses=kept[1],
    )


def _read_choices(scope: Scope) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    rows = scope.filter(Enterprise.objects.all())
    values = {
        name: tuple(rows.exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct())
        for name in CHOICES
    }
    held = scope.filter(StatusRecord.objects.all(), "enterprise__")
    return values, tuple(held.order_by("status").values_list("status", flat=True).distinct())


def _parks(numbers: list[int], places: Mapping[int, str]) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    held = Enterprise.parks.through.objects.filter(enterprise_id__in=numbers).order_by("organisation_id")
    for enterprise, park in held.values_list("enterprise_id", "organisation_id"):
        found.setdefault(enterprise, []).append(places.get(park, ""))
    return {number: "、".join(names) for number, names in found.items()}


def _statuses(numbers: list[int]) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    held = StatusRecord.objects.filter(holds_on(), enterprise_id__in=numbers).order_by("status")
    for enterprise, status, level in held.values_list("enterprise_id", "status", "level"):
        found.setdefault(enterprise, []).append(f"{status}（{level}）" if level else status)
    return {number: "、".join(dict.fromkeys(names)) for number, names in found.items()}


def describe(asked: Question) -> str:
    """What was asked, for the head of an export."""
    said = [asked.q, asked.industry_group, asked.scale, asked.status]
    said.append(_("已并入其他企业") if asked.state == MERGED else asked.state)
    if asked.grade:
        said.append(_("没有等级") if asked.grade == "-" else _("%(grade)s 类") % {"grade": asked.grade})
    names = titles()
    said += [names.get(number, "") for number in (asked.county, asked.township, asked.park) if number]
    return "，".join(part for part in said if part) or _("全部企业")
