"""Figures of cases, the ranking of the counties, and the lists of cases behind each figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, cast
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.casework.figures import LOOKS, Figures, Indicator, spell
from muheng.casework.period import SPAN_NAMES, SPANS, Period, Span, add_months, period_of
from muheng.standards.rounding import format_scaled, scale_half_up
from muheng.web.casework import measures
from muheng.web.casework.kinds import case_types
from muheng.web.casework.measures import By, Cut, Figure, InHand, Sight
from muheng.web.casework.measures_xlsx import write_figures, write_ranking
from muheng.web.casework.queries import VIEW
from muheng.web.charts import Chart, Series
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.request import Request

DEMAND = "demand"
ALL = "all"
ROWS = 50
PERIODS = 12
"""How many periods back one can choose."""
CUTS: tuple[By, ...] = ("county", "organisation", "handler", "kind", "type")
SHOWN: tuple[Indicator, ...] = (
    "on_time", "promised_kept", "legal_kept", "net_days", "gross_days", "compression", "satisfied", "reopened",
)  # fmt: skip
LISTS: Mapping[Indicator, Figure] = {
    "on_time": "late",
    "promised_kept": "promised_late",
    "legal_kept": "legal_late",
    "satisfied": "dissatisfied",
    "reopened": "reopened",
}
"""The cases that one wants to see behind a share: those that spoil it."""


def today() -> date:
    """The day in China."""
    return measures.day_of(timezone.now())


@dataclass(frozen=True)
class Question:
    """What the address asks for."""

    period: Period
    by: By
    cut: Cut
    type: str
    today: date

    @property
    def first(self) -> date:
        return self.period.first

    @property
    def last(self) -> date:
        return self.period.until(self.today)

    def address(self, view: str, **changes: Any) -> str:
        """A page of the same question, with something else asked."""
        asked: dict[str, Any] = {
            "span": self.period.span,
            "day": self.first.isoformat(),
            "type": self.type,
            "by": self.by,
            "kind": self.cut.kind,
            "county": self.cut.county,
            "office": self.cut.organisation,
            "person": self.cut.handler,
            **changes,
        }
        return f"{reverse(view)}?{urlencode({name: value for name, value in asked.items() if value})}"


def read_question(request: Request, default: Span = "month") -> Question:
    """What cannot be read is as if it were not asked."""
    asked = request.GET
    now = today()
    span = cast(Span, asked.get("span")) if asked.get("span") in SPANS else default
    try:
        day = date.fromisoformat(asked.get("day", ""))
    except ValueError:
        day = now
    day = min(max(day, date(2000, 1, 1)), now)
    types = case_types()
    chosen = asked.get("type", "")
    if chosen not in types and chosen != ALL:
        chosen = DEMAND if DEMAND in types else ALL
    by = cast(By, asked.get("by")) if asked.get("by") in CUTS else "county"
    kind = asked.get("kind", "") if chosen != ALL and types[chosen].kind(asked.get("kind", "")) else ""
    numbers = {name: _number(asked.get(name, "")) for name in ("county", "office", "person")}
    cut = Cut(
        (chosen,) if chosen != ALL else (), kind, numbers["county"], numbers["office"], numbers["person"]
    )
    return Question(period_of(span, day), by, cut, chosen, now)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _sight(user: Any) -> Sight:
    require(user, VIEW)
    return measures.sight_of(user)


# -- figures ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A figure as it is read, where it leads, and how it moved: ``good`` says whether that is for the better."""

    title: str
    text: str
    href: str = ""
    moved: str = ""
    good: bool | None = None


@dataclass(frozen=True)
class Row:
    """A line of the table: who, where it leads, the figures."""

    title: str
    href: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Counted:
    """All that the page of figures shows."""

    question: Question
    whole: Figures
    before: Figures
    in_hand: InHand
    groups: tuple[tuple[Any, str, Figures, InHand], ...]
    months: Mapping[date, Figures]


def count(question: Question, sight: Sight) -> Counted:
    """Ask for all figures of a question."""
    q = question
    whole = measures.measure("whole", q.cut, sight, q.first, q.last, q.today).get(None, Figures())
    earlier = q.period.alike(q.today)
    before = measures.measure("whole", q.cut, sight, *earlier, q.today).get(None, Figures())
    hand = measures.count_in_hand("whole", q.cut, sight, q.today).get(None, InHand())
    groups = measures.measure(q.by, q.cut, sight, q.first, q.last, q.today)
    hands = measures.count_in_hand(q.by, q.cut, sight, q.today)
    names = name_groups(q.by, groups.keys() | hands.keys())
    first = add_months(q.last.replace(day=1), 1 - PERIODS)
    months = measures.measure("month", q.cut, sight, first, _month_end(q.last), q.today)
    named = tuple(
        (key, name, groups.get(key, Figures()), hands.get(key, InHand())) for key, name in names.items()
    )
    return Counted(q, whole, before, hand, named, months)


def _month_end(day: date) -> date:
    return add_months(day.replace(day=1), 1) - timedelta(days=1)


def name_groups(by: By, keys: Any) -> dict[Any, str]:
    """Groups by their names, in the order that people expect."""
    lang = language()
    named: dict[Any, str]
    if by in ("county", "organisation"):
        found = Organisation.objects.filter(pk__in=[key for key in keys if key]).order_by("path")
        if by == "county":
            found = found.order_by("order", "pk")
        named = {each.pk: _full_name(each) for each in found.select_related("parent")}
    elif by == "handler":
        people = User.objects.filter(pk__in=[key for key in keys if key]).order_by("name", "pk")
        named = {each.pk: each.name for each in people}
    else:
        types = case_types()
        named = {}
        for type_id, case_type in types.items():
            if by == "type" and type_id in keys:
                named[type_id] = case_type.title(lang)
            for kind in case_type.kinds if by == "kind" else ():
                if (type_id, kind.id) in keys:
                    named[type_id, kind.id] = kind.title(lang)
        for key in sorted(keys, key=str):
            if by == "kind":
                type_id = key[0]
                title = types[type_id].title(lang) if type_id in types else type_id
                named.setdefault(key, _("%(type)s（不分类）") % {"type": title})
            else:
                named.setdefault(key, str(key))
        return named
    if 0 in keys:
        named[0] = _("未指定承办人") if by == "handler" else _("不属于任何县区")
    return named


def _full_name(place: Organisation) -> str:
    """A department with the county that it belongs to."""
    home = place.parent
    if (
        place.kind == Organisation.Kind.DEPARTMENT
        and home is not None
        and home.kind != Organisation.Kind.CITY
    ):
        return f"{home.title}{place.title}" if language() == "zh" else f"{place.title}, {home.title}"
    return place.title


def figures(request: Request) -> HttpResponse:
    """How many, how quickly, how well; the same of the period before; by place, office, person or kind."""
    sight = _sight(request.user)
    question = read_question(request)
    counted = count(question, sight)
    context = {
        **_frame(question),
        "counted": counted,
        "headline": _headline(counted),
        "rows": [_row(question, *group) for group in counted.groups],
        "heads": _heads(question),
        "total": _row(question, None, _("合计"), counted.whole, counted.in_hand),
        "chart": _chart(counted),
        "cuts": [(by, _cut_name(by), question.address("casework:measures", by=by)) for by in CUTS],
        "narrowed": _narrowed(question),
        "export": question.address("casework:measures-xlsx"),
    }
    return render(request, "casework/measures/figures.html", context)


def _frame(question: Question) -> dict[str, Any]:
    """What the choice above the figures needs."""
    lang = language()
    types = case_types()
    periods, period = [], period_of(question.period.span, question.today)
    for _number_back in range(PERIODS):
        periods.append(period)
        period = period.before
    if question.period not in periods:
        periods.append(question.period)
    return {
        "question": question,
        "spans": [(span, SPAN_NAMES[span].render(lang)) for span in SPANS],
        "periods": [(each.first.isoformat(), each.title.render(lang)) for each in periods],
        "types": [(ALL, _("全部类型")), *((key, each.title(lang)) for key, each in types.items())],
        "kinds": [(kind.id, kind.title(lang)) for kind in types[question.type].kinds]
        if question.type != ALL
        else [],
        "period": question.period.title.render(lang),
        "running": question.last < question.period.last,
    }


def _cut_name(by: By) -> str:
    names = {
        "county": _("按县区"),
        "organisation": _("按单位"),
        "handler": _("按承办人"),
        "kind": _("按类别"),
        "type": _("按类型"),
    }
    return names[by]


def _narrowed(question: Question) -> list[tuple[str, str]]:
    """What the figures are narrowed to by a click, and the address without it."""
    found = []
    cut = question.cut
    for by, key, name in (
        ("county", cut.county, "county"),
        ("organisation", cut.organisation, "office"),
        ("handler", cut.handler, "person"),
    ):
        if key:
            title = name_groups(cast(By, by), {key}).get(key, "")
            found.append((title, question.address("casework:measures", **{name: None})))
    return found


def _headline(counted: Counted) -> list[Cell]:
    """The numbers that matter, each with how it stood before and the cases behind it."""
    question, whole, before, hand = counted.question, counted.whole, counted.before, counted.in_hand

    def behind(figure: Figure) -> str:
        return question.address("casework:measured", figure=figure)

    return [
        Cell(_("办结"), f"{whole.closed:,}", behind("closed"), _moved_count(whole.closed, before.closed)),
        _share_cell(question, "on_time", whole, before),
        _share_cell(question, "net_days", whole, before),
        _share_cell(question, "satisfied", whole, before),
        _share_cell(question, "reopened", whole, before),
        Cell(_("现在在办"), f"{hand.open:,}", behind("open")),
        Cell(_("现在超期"), f"{hand.overdue:,}", behind("overdue")),
    ]


def _moved_count(now: int, then: int) -> str:
    if now == then:
        return _("与前期相同")
    return _("比前期多 %(n)s") % {"n": now - then} if now > then else _("比前期少 %(n)s") % {"n": then - now}


def _share_cell(question: Question, indicator: Indicator, now: Figures, then: Figures) -> Cell:
    look = LOOKS[indicator]
    value, earlier = now.value(indicator), then.value(indicator)
    text = spell(indicator, value)
    if look.unit != "%" and value is not None:
        text = _("%(days)s 个工作日") % {"days": text}
    moved, good = "", None
    if value is not None and earlier is not None:
        moved, good = describe_move(indicator, value, earlier)
    listed = LISTS.get(indicator)
    href = question.address("casework:measured", figure=listed) if listed else ""
    return Cell(look.name.render(language()), text, href, moved, good)


def describe_move(indicator: Indicator, now: Fraction, then: Fraction) -> tuple[str, bool | None]:
    """How a figure moved as it is read, and whether that is for the better (None: it did not move)."""
    look = LOOKS[indicator]
    factor = 100 if look.unit == "%" else 1
    change = scale_half_up(now * factor, look.digits) - scale_half_up(then * factor, look.digits)
    if change == 0:
        return _("与前期相同"), None
    size = format_scaled(abs(change), look.digits)
    good = (change > 0) == look.more_is_better
    if look.unit == "%":
        up, down = _("高 %(n)s 个百分点"), _("低 %(n)s 个百分点")
    else:
        up, down = _("多 %(n)s"), _("少 %(n)s")
    return (up if change > 0 else down) % {"n": size}, good


def _heads(question: Question) -> list[str]:
    lang = language()
    named = [LOOKS[each].name.render(lang) for each in SHOWN]
    return [_cut_title(question.by), _("新增"), _("办结"), *named, _("在办"), _("超期"), _("已上报")]


def _cut_title(by: By) -> str:
    titles = {
        "county": _("县区"),
        "organisation": _("单位"),
        "handler": _("承办人"),
        "kind": _("类别"),
        "type": _("类型"),
    }
    return titles[by]


def _row(question: Question, key: Any, title: str, figures: Figures, hand: InHand) -> Row:
    """A group's line. Counts lead to the cases, the name to the figures of the group alone."""
    inside = _inside(question.by, key) if key is not None else {}

    def behind(figure: Figure, number: int) -> str:
        return question.address("casework:measured", figure=figure, **inside) if number else ""

    cells = [
        Cell("", f"{figures.opened:,}", behind("opened", figures.opened)),
        Cell("", f"{figures.closed:,}", behind("closed", figures.closed)),
    ]
    for indicator in SHOWN:
        listed = LISTS.get(indicator)
        spoiled = listed is not None and figures.value(indicator) not in (None, _perfect(indicator))
        href = behind(listed, 1) if listed is not None and spoiled else ""
        cells.append(Cell("", spell(indicator, figures.value(indicator)), href))
    cells += [
        Cell("", f"{hand.open:,}", behind("open", hand.open)),
        Cell("", f"{hand.overdue:,}", behind("overdue", hand.overdue)),
        Cell("", f"{hand.escalated:,}", behind("escalated", hand.escalated)),
    ]
    href = ""
    if inside and question.by in ("county", "organisation"):
        following: By = "organisation" if question.by == "county" else "handler"
        href = question.address("casework:measures", **{**inside, "by": following})
    return Row(title, href, tuple(cells))


def _perfect(indicator: Indicator) -> Fraction:
    return Fraction(0) if indicator == "reopened" else Fraction(1)


def _inside(by: By, key: Any) -> dict[str, Any]:
    """The question of one group. Nothing where it cannot be asked for by itself."""
    if by == "kind":
        return {"type": key[0], "kind": key[1]} if key[1] else {"type": key[0]}
    name = {"county": "county", "organisation": "office", "handler": "person", "type": "type"}[by]
    return {name: key} if key else {}


def _chart(counted: Counted) -> Chart:
    """Closed month by month, on time and late."""
    months = [add_months(counted.question.last.replace(day=1), -n) for n in reversed(range(PERIODS))]
    found = [counted.months.get(month, Figures()) for month in months]
    return Chart(
        "by-month",
        _("十二个月办结件数"),
        _("月份"),
        [f"{month:%Y-%m}" for month in months],
        (
            Series(_("按时"), [each.closed - each.late for each in found], "accent"),
            Series(_("超期"), [each.late for each in found], "warn"),
        ),
        stacked=True,
        unit=_("件"),
    )


def figures_xlsx(request: Request) -> FileResponse:
    """The figures as a workbook."""
    sight = _sight(request.user)
    question = read_question(request)
    counted = count(question, sight)
    title = _("%(type)s：%(period)s") % {
        "type": dict(_frame(question)["types"])[question.type],
        "period": question.period.title.render(language()),
    }
    return write_figures(title, _heads(question)[0], counted)


# -- the cases behind a figure ---------------------------------------------------------------------------------


def measured(request: Request) -> HttpResponse:
    """The cases that a figure counts."""
    sight = _sight(request.user)
    question = read_question(request)
    figure = request.GET.get("figure", "")
    if figure not in measures.FIGURES:
        raise Http404(figure)
    found = measures.cases_behind(figure, question.cut, sight, question.first, question.last, question.today)
    rows = found.select_related("enterprise", "county", "organisation__parent", "handler")
    page = Paginator(rows, ROWS).get_page(request.GET.get("page"))
    types = case_types()
    asked = request.GET.copy()
    asked.pop("page", None)
    context = {
        "title": name_figures()[figure],
        "question": question,
        "now": figure in ("open", "overdue", "escalated"),
        "period": question.period.title.render(language()),
        "page": page,
        "query": f"{asked.urlencode()}&",
        "lines": [
            (case, types[case.type].title(language()) if case.type in types else case.type) for case in page
        ],
        "back": question.address("casework:measures"),
        "narrowed": _narrowed(question),
    }
    return render(request, "casework/measures/cases.html", context)


def name_figures() -> dict[Figure, str]:
    """What each list of cases is called."""
    return {
        "opened": _("新增的事项"),
        "closed": _("办结的事项"),
        "on_time": _("按时办结的事项"),
        "late": _("超期办结的事项"),
        "legal_late": _("超过规定时限的事项"),
        "promised_late": _("超过承诺时限的事项"),
        "rated": _("企业评价过的事项"),
        "dissatisfied": _("企业不满意的事项"),
        "reopened": _("重新办理过的事项"),
        "open": _("现在在办的事项"),
        "overdue": _("现在超期的事项"),
        "escalated": _("已上报、还在办的事项"),
    }


# -- the ranking -------------------------------------------------------------------------------------------------


def ranking(request: Request) -> HttpResponse:
    """The counties in the order of the city's rule; a county sees its own place."""
    sight = _sight(request.user)
    question = read_question(request, "year")
    rule = measures.city_ranking()
    found = ranked(question, sight)
    lang = language()
    total = sum(1 for each in measures.list_counties())
    named = [LOOKS[each.of].name.render(lang) for each in rule.indicator]
    context = {
        **_frame(question),
        "rule": rule,
        "title": rule.english if lang == "en" else rule.name,
        "explained": [each.render(lang) for each in rule.explain()],
        "ranked": found,
        "rows": [(each, _ranked_cells(question, each)) for each in found],
        "heads": named,
        "everything": sight.everything,
        "total": total,
        "chart": _ranking_chart(found) if sight.everything else None,
        "export": question.address("casework:ranking-xlsx"),
    }
    return render(request, "casework/measures/ranking.html", context)


def ranked(question: Question, sight: Sight) -> list[measures.Ranked]:
    """The ranking as a person may see it: all of it, or their own counties."""
    only = None if sight.everything else sight.counties
    if only is not None and not only:
        return []
    return measures.rank_counties(
        question.first, question.last, question.period.alike(question.today), question.today, only
    )


def _ranked_cells(question: Question, found: measures.Ranked) -> list[Cell]:
    cells = []
    rule = measures.city_ranking()
    inside: dict[str, Any] = {
        "type": rule.types[0] if len(rule.types) == 1 else ALL,
        "county": found.county.pk,
    }
    for each in rule.indicator:
        listed = LISTS.get(each.of)
        value = found.place.figures.value(each.of)
        spoiled = listed is not None and value not in (None, _perfect(each.of))
        href = question.address("casework:measured", figure=listed, **inside) if spoiled else ""
        points = _("%(points)s 分") % {"points": found.place.shown_points(each.of)}
        cells.append(Cell("", spell(each.of, value), href, points if value is not None else ""))
    return cells


def _ranking_chart(found: list[measures.Ranked]) -> Chart | None:
    with_score = [each for each in found if each.place.score is not None and each.place.place is not None]
    if not with_score:
        return None
    return Chart(
        "by-place",
        _("得分"),
        _("县区"),
        [each.county.title for each in with_score],
        (Series(_("得分"), [(each.place.score or 0) / 100 for each in with_score], "accent"),),
        kind="bars",
        shown=[[each.place.shown_score for each in with_score]],
    )


def ranking_xlsx(request: Request) -> FileResponse:
    """The ranking as a workbook."""
    sight = _sight(request.user)
    question = read_question(request, "year")
    period = question.period.title.render(language())
    return write_ranking(measures.city_ranking(), period, ranked(question, sight), question.last)
