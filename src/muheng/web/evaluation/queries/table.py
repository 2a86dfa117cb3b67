"""The results as a table: a question as the page's address asks it, the rows that answer it, and their texts.

Works on the run's frame in memory: a mask and an order of row numbers, so that a page of 100,000 rows costs little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import numpy as np
import polars as pl
from django.http import QueryDict
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.reports import words
from muheng.reports.listing import DIVISION, MEMBERS, PARK, PLACE, SECTION, TOWNSHIP
from muheng.reports.rows import Column
from muheng.standards.rounding import format_scaled, scale_half_up
from muheng.web.entrance import read_number
from muheng.web.evaluation.queries.results import RANK, STEPS, SeenRun, Sight, rows_of
from muheng.web.evaluation.runs import COUNTY_ID, LAST
from muheng.web.people.models import Organisation
from muheng.web.reading import language
from muheng.web.registry.models import NameRecord, SearchEntry
from muheng.web.registry.search import fold

COUNTY = "县区"
NONE = "-"
"""What a choice is called that asks for rows without a value."""
_TYPED = re.compile(r"^-?\d{1,9}(\.\d{1,9})?$")
STARTING = (p.GRADE, p.TOTAL, p.PLACE, p.CLASS, LAST, PLACE, DIVISION)
"""Columns shown until a person chooses others; code and name always stand first."""


@dataclass(frozen=True)
class Question:
    """What the page's address asks for. ``low`` and ``high`` bound the score, both included."""

    text: str = ""
    grades: tuple[str, ...] = ()
    class_name: str = ""
    county: int | None = None
    township: str = ""
    park: str = ""
    industry: str = ""
    standing: str = ""
    moved: str = ""
    last: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    sort: str = p.PLACE
    descending: bool = False
    columns: tuple[str, ...] = STARTING

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The question as an address has it; what is as usual is left out."""
        given = [
            ("q", self.text),
            *(("grade", grade) for grade in self.grades),
            ("class", self.class_name),
            ("county", "" if self.county is None else str(self.county)),
            ("township", self.township),
            ("park", self.park),
            ("industry", self.industry),
            ("standing", self.standing),
            ("moved", self.moved),
            ("last", self.last),
            ("low", "" if self.low is None else str(self.low)),
            ("high", "" if self.high is None else str(self.high)),
        ]
        if (self.sort, self.descending) != (p.PLACE, False):
            given.append(("sort", f"-{self.sort}" if self.descending else self.sort))
        if self.columns != STARTING:
            given += [("column", column) for column in self.columns]
        return [(key, value) for key, value in given if value]

    @property
    def address(self) -> str:
        return urlencode(self.pairs)

    @property
    def asks(self) -> bool:
        """Whether it leaves anything out."""
        return replace(self, sort=p.PLACE, descending=False, columns=STARTING) != Question()


def read_question(asked: QueryDict | Mapping[str, Any], known: Mapping[str, Any]) -> Question:
    """The question of an address. ``known``: the columns by their keys; what is none is left out."""
    given = asked if isinstance(asked, QueryDict) else QueryDict(urlencode(asked, doseq=True))

    def one(key: str) -> str:
        return (given.get(key) or "").strip()[:200]

    sort = one("sort")
    chosen = set(given.getlist("column"))
    columns = tuple(name for name in known if name in chosen)
    return Question(
        text=one("q"),
        grades=tuple(sorted(set(filter(None, given.getlist("grade"))))),
        class_name=one("class"),
        county=read_number(one("county")),
        township=one("township"),
        park=one("park"),
        industry=one("industry"),
        standing=one("standing"),
        moved=one("moved"),
        last=one("last"),
        low=_read_score(one("low")),
        high=_read_score(one("high")),
        sort=sort.removeprefix("-") if sort.removeprefix("-") in known else p.PLACE,
        descending=sort.startswith("-") and sort[1:] in known,
        columns=columns or STARTING,
    )


def _read_score(text: str) -> Decimal | None:
    """A score as typed; what is no number is as if it were not there."""
    try:
        return Decimal(text) if _TYPED.match(text) else None
    except InvalidOperation:
        return None


# -- columns -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """A column that can be shown. ``parts``: the nodes that hold it, one for each class that has it; numbers are
    integers of ``digits``. ``group``: where the choice stands."""

    key: str
    title: str
    group: str = ""
    parts: tuple[str, ...] = ()
    digits: int | None = None
    unit: str = ""
    plain: bool = False

    @property
    def numeric(self) -> bool:
        return self.digits is not None

    def values(self, rows: pl.DataFrame) -> pl.Series:
        """What the rows have: text, or integers of ``digits``."""
        return rows.select(pl.coalesce(self.parts).alias(self.key)).to_series()


def list_fields(seen: SeenRun) -> dict[str, Field]:
    """Every column of a run by its key, in the order in which they are offered."""
    return _fields(seen.run.policy_text, seen.plan, language())


_known: dict[tuple[str, str], dict[str, Field]] = {}
"""By the text of the policy and the language: a plan is too large to be a key."""


def _fields(text: str, plan: p.Plan, lang: str) -> dict[str, Field]:
    key = (text, lang)
    if key not in _known:
        if len(_known) > 16:
            _known.clear()
        _known[key] = {field.key: field for field in _make_fields(plan)}
    return _known[key]


def _make_fields(plan: p.Plan) -> Iterable[Field]:
    total = plan.numeric(p.TOTAL).digits
    result, place = _("结果"), _("所在和行业")
    yield Field(p.GRADE, _("等级"), result, (p.GRADE,))
    yield Field(p.TOTAL, _("总分"), result, (p.TOTAL,), total, _("分"))
    yield Field(p.PLACE, _("名次"), result, (p.PLACE,), 0, plain=True)
    yield Field(p.CLASS, _("类别"), result, (p.CLASS,))
    yield Field(p.STANDING, _("评价状态"), result, (p.STANDING,))
    yield Field(p.REASON, _("状态理由"), result, (p.REASON,))
    yield Field(p.FIRST_GRADE, _("初评等级"), result, (p.FIRST_GRADE,))
    yield Field(p.REGRADED_BY, _("调整依据"), result, (p.REGRADED_BY,))
    yield Field(LAST, _("上年等级"), result, (LAST,))
    yield Field(MEMBERS, _("合并评价的企业"), result, (MEMBERS,))
    yield Field(COUNTY, _("县区"), place, (COUNTY_ID,))
    yield Field(PLACE, _("所在"), place, (PLACE,))
    yield Field(TOWNSHIP, _("乡镇"), place, (TOWNSHIP,))
    yield Field(PARK, _("园区"), place, (PARK,))
    yield Field(SECTION, _("行业门类"), place, (SECTION,))
    yield Field(DIVISION, _("行业大类"), place, (DIVISION,))
    kinds: dict[tuple[str, str, int], list[p.IndicatorPlan]] = {}
    for item in plan.indicators:
        node = plan.numeric(item.value)
        kinds.setdefault((item.name, node.unit, node.digits), []).append(item)
    names = [name for name, _unit, _digits in kinds]
    for (name, unit, digits), items in kinds.items():
        # The same name in another unit is another column.
        title = name if names.count(name) == 1 else f"{name}（{items[0].class_name}）"
        yield Field(f"{title}:v", title, _("指标值"), tuple(item.value for item in items), digits, unit)
    for (name, _unit, _digits), items in kinds.items():
        title = name if names.count(name) == 1 else f"{name}（{items[0].class_name}）"
        points = max(plan.numeric(item.filled).digits for item in items)
        if all(plan.numeric(item.filled).digits == points for item in items):
            shown = _("%(name)s·得分") % {"name": title}
            yield Field(
                f"{title}:s", shown, _("指标得分"), tuple(item.filled for item in items), points, _("分")
            )
    yield Field(
        p.SUBTOTAL, _("指标得分合计"), _("指标得分"), (p.SUBTOTAL,), plan.numeric(p.SUBTOTAL).digits, _("分")
    )
    whole = plan.numeric(p.TOTAL)
    for name, sign in whole.of if isinstance(whole, p.Total) else ():
        shown = _("加分·%(name)s") if sign > 0 else _("减分·%(name)s")
        yield Field(name, shown % {"name": name}, _("指标得分"), (name,), plan.numeric(name).digits, _("分"))


# -- rows ----------------------------------------------------------------------------------------------------------


def choose_rows(seen: SeenRun, question: Question) -> NDArray[np.uint32]:
    """Positions in ``seen.rows`` of the rows that answer the question, in its order."""
    order = _ordered(seen.sight, seen.plan.grades, question, list_fields(seen)[question.sort])
    condition = _condition(seen, question)
    if condition is None:
        return order
    mask = seen.rows.select(condition.fill_null(False).alias("~")).to_series().to_numpy()
    found: NDArray[np.uint32] = order[mask[order]]
    return found


def _ordered(sight: Sight, grades: tuple[str, ...], question: Question, field: Field) -> NDArray[np.uint32]:
    parts = (RANK,) if field.key == p.GRADE else field.parts
    return _order(sight, grades, field.key, parts, question.descending)


@lru_cache(maxsize=48)
def _order(
    sight: Sight, grades: tuple[str, ...], key: str, parts: tuple[str, ...], descending: bool
) -> NDArray[np.uint32]:
    """All rows by one column, those without a value last; equals by class, place and code."""
    rows = rows_of(sight, grades)
    by = [pl.coalesce(parts).alias("~键")]
    ties = [name for name in (p.CLASS, p.PLACE, CODE) if name != key]
    if key == p.PLACE:
        # A place is one within its class.
        by, ties = [pl.col(p.CLASS), pl.col(p.PLACE)], [CODE]
        downs = [False, descending]
    else:
        downs = [descending]
    found = rows.select(
        pl.arg_sort_by([*by, *ties], descending=[*downs, *(False for _each in ties)], nulls_last=True)
    )
    return found.to_series().to_numpy()


def _condition(seen: SeenRun, question: Question) -> pl.Expr | None:
    found: list[pl.Expr] = []
    if question.text:
        found.append(_named(question.text, seen.run.results))
    if question.grades:
        letters = [grade for grade in question.grades if grade != NONE]
        wanted = pl.col(p.GRADE).is_in(letters).fill_null(False)
        found.append(wanted | pl.col(p.GRADE).is_null() if NONE in question.grades else wanted)
    if question.county is not None:
        found.append(pl.col(COUNTY_ID) == question.county)
    for name, value in (
        (p.CLASS, question.class_name),
        (TOWNSHIP, question.township),
        (SECTION, question.industry if question.industry[1:2] == " " else ""),
        (DIVISION, question.industry if question.industry[1:2] != " " else ""),
        (p.STANDING, question.standing),
        (LAST, question.last),
    ):
        if value:
            found.append(pl.col(name).is_null() if value == NONE else pl.col(name) == value)
    if question.park:
        listed = pl.format("、{}、", pl.col(PARK))
        found.append(
            pl.col(PARK).is_null()
            if question.park == NONE
            else listed.str.contains(f"、{question.park}、", literal=True)
        )
    moved = {"up": pl.col(STEPS) > 0, "down": pl.col(STEPS) < 0, "same": pl.col(STEPS) == 0}
    if question.moved in moved:
        found.append(moved[question.moved])
    digits = seen.plan.numeric(p.TOTAL).digits
    if question.low is not None:
        found.append(pl.col(p.TOTAL) >= scale_half_up(question.low, digits))
    if question.high is not None:
        found.append(pl.col(p.TOTAL) <= scale_half_up(question.high, digits))
    return pl.all_horizontal(found) if found else None


def _named(text: str, folder: str) -> pl.Expr:
    """Who is called or was called so, whose code or initials have it; the name as it was in the run counts too.

    Every word has to be found.
    """
    newest = NameRecord.objects.order_by("-pk").values_list("pk", flat=True).first()
    found = pl.lit(True)
    for word in text.split()[:6]:
        hit = pl.col("text").str.contains(fold(word), literal=True)
        known = _texts(folder, newest).filter(hit)[CODE]
        found = found & (
            pl.col(CODE).is_in(known.implode())
            | pl.col(NAME).str.contains(word, literal=True)
            | pl.col(CODE).str.contains(word.upper(), literal=True)
        )
    return found


@lru_cache(maxsize=4)
def _texts(_folder: str, _newest: int | None) -> pl.DataFrame:
    """What every enterprise is found by, kept until one gets another name: asking the database for each page would
    cost more than the page. Only rows of the run that are in sight are looked up in it."""
    entries = SearchEntry.objects.values_list("enterprise__code", "text").iterator(chunk_size=20_000)
    return pl.DataFrame(list(entries), schema={CODE: pl.String, "text": pl.String}, orient="row")


# -- texts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A value as it is read. ``grade``: drawn as one."""

    text: str
    grade: str = ""
    number: bool = False


@dataclass(frozen=True)
class Line:
    """One enterprise in the table."""

    code: str
    name: str
    cells: tuple[Cell, ...]
    steps: int | None


def write_lines(seen: SeenRun, at: NDArray[np.uint32], fields: Sequence[Field]) -> list[Line]:
    """The rows at these positions as texts."""
    rows = seen.rows[at]
    columns = [_cells(field, rows) for field in fields]
    return [
        Line(code, name or "", tuple(column[row] for column in columns), steps)
        for row, (code, name, steps) in enumerate(rows.select(CODE, NAME, STEPS).iter_rows())
    ]


def _cells(field: Field, rows: pl.DataFrame) -> list[Cell]:
    values = field.values(rows).to_list()
    if field.key in (p.GRADE, p.FIRST_GRADE, LAST):
        return [Cell(value or "", grade=value or "") for value in values]
    if field.digits is not None:
        return [Cell(show_number(value, field.digits, field.plain), number=True) for value in values]
    return [Cell(text) for text in say_values(field, values)]


def show_number(value: int | None, digits: int, plain: bool = False) -> str:
    """A scaled integer with separators, exactly; nothing for none."""
    if value is None:
        return ""
    return format_scaled(value, digits) if plain else f"{Decimal(format_scaled(value, digits)):,}"


def say_values(field: Field, values: Sequence[Any]) -> list[str]:
    """Texts in the reader's language; what is a name stays."""
    if field.key == p.STANDING:
        names = {name: title.render(language()) for name, title in words.STANDINGS.items()}
        return [names.get(value, value or "") for value in values]
    if field.key == COUNTY:
        titles = county_titles({value for value in values if value is not None})
        return [titles.get(value, "") for value in values]
    return [value or "" for value in values]


def county_titles(numbers: Iterable[int]) -> dict[int, str]:
    """Counties' names by number."""
    return {each.pk: each.title for each in Organisation.objects.filter(pk__in=set(numbers))}


def make_columns(seen: SeenRun, at: NDArray[np.uint32], fields: Sequence[Field]) -> tuple[Column, ...]:
    """The rows at these positions as columns of a workbook."""
    rows = seen.rows[at]
    found = [Column(_("统一社会信用代码"), rows[CODE]), Column(_("企业名称"), rows[NAME])]
    for field in fields:
        values = field.values(rows)
        title = f"{field.title}（{field.unit}）" if field.unit else field.title
        if field.digits is not None:
            found.append(Column(title, values.cast(pl.Int64), field.digits, field.plain))
        elif values.dtype == pl.String and field.key != p.STANDING:
            found.append(Column(title, values))
        else:
            found.append(Column(title, pl.Series(say_values(field, values.to_list()), dtype=pl.String)))
    return tuple(found)


# -- choices -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choices:
    """What the filters offer: (value, how it reads)."""

    grades: tuple[tuple[str, str], ...]
    classes: tuple[tuple[str, str], ...]
    counties: tuple[tuple[str, str], ...]
    townships: tuple[tuple[str, str], ...]
    parks: tuple[tuple[str, str], ...]
    industries: tuple[tuple[str, str], ...]
    standings: tuple[tuple[str, str], ...]


def list_choices(seen: SeenRun) -> Choices:
    found = _distinct(seen.sight, seen.plan.grades)
    lang = language()
    titles = county_titles(int(number) for number in found[COUNTY_ID])

    def named(values: Iterable[str]) -> tuple[tuple[str, str], ...]:
        return tuple((value, value) for value in values)

    return Choices(
        grades=(*named(seen.plan.grades), (NONE, words.UNGRADED.render(lang))),
        classes=named(seen.plan.classes),
        counties=tuple((str(number), title) for number, title in titles.items()),
        townships=named(found[TOWNSHIP]),
        parks=named(found[PARK]),
        industries=tuple(
            (value, value if value[1:2] == " " else f"　{value}")
            for value in sorted({*found[SECTION], *found[DIVISION]}, key=_industry_order)
        ),
        standings=tuple((name, words.STANDINGS[name].render(lang)) for name in found[p.STANDING]),
    )


def _industry_order(label: str) -> tuple[str, str]:
    """C 制造业 before C13 农副食品加工业."""
    return label[:1], "" if label[1:2] == " " else label


@lru_cache(maxsize=16)
def _distinct(sight: Sight, grades: tuple[str, ...]) -> dict[str, list[str]]:
    rows = rows_of(sight, grades)
    found = {
        name: [str(value) for value in rows[name].drop_nulls().unique().sort()]
        for name in (COUNTY_ID, TOWNSHIP, SECTION, DIVISION, p.STANDING)
    }
    found[PARK] = sorted({park for parks in rows[PARK].drop_nulls().unique() for park in parks.split("、")})
    return found
