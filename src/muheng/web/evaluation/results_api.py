"""Results for programs, under ``/api/evaluations/{id}/runs/{number}/``: what the pages show, by the same queries."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Field, Query, Router, Schema

from muheng.documents.message import Language
from muheng.intake.facts import CODE, NAME
from muheng.policy import plan as p
from muheng.policy.explain import explain
from muheng.reports import words
from muheng.reports.listing import DIVISION, INDUSTRY, PARK, TOWNSHIP
from muheng.standards.rounding import format_scaled
from muheng.web.evaluation.levers import list_levers
from muheng.web.evaluation.queries.enterprise import (
    advise_in,
    find_in_run,
    own_enterprises,
    public_runs,
)
from muheng.web.evaluation.queries.maps import parcels_of
from muheng.web.evaluation.queries.overview import figures_of, find_borders, findings_of, group_rows
from muheng.web.evaluation.queries.results import SeenRun, see_run
from muheng.web.evaluation.queries.table import Field as Column
from muheng.web.evaluation.queries.table import (
    Question,
    choose_rows,
    list_fields,
    read_question,
)
from muheng.web.evaluation.runs import LAST, read_result
from muheng.web.evaluation.simulations import simulate
from muheng.web.paging import Listed, Part, answer, answer_list, answer_part
from muheng.web.reading import language

router = Router(tags=["评价结果"])
RUN = "/{int:evaluation}/runs/{int:number}"


class Asked(Schema):
    """Which rows; the same words as the page's address."""

    q: str = Field("", description="名称、曾用名、拼音首字母或信用代码的一部分。")
    grade: list[str] = Field([], description="等级，可以多个；“-”为未定级。")
    class_name: str = Field("", alias="class")
    county: str = Field("", description="县区的编号。")
    township: str = ""
    park: str = ""
    industry: str = Field("", description="门类或大类，写法与结果中的 division 相同。")
    standing: str = ""
    moved: Literal["", "up", "down", "same"] = Field("", description="与上年等级比。")
    last: str = Field("", description="上年等级。")
    low: str = Field("", description="总分不低于。")
    high: str = Field("", description="总分不高于。")
    sort: str = Field("", description="列名，前加“-”为由大到小。")
    column: list[str] = Field([], description="另要哪些列，名称见 columns。")


class ResultLine(Schema):
    """One enterprise's result. Numbers are exact decimals as text."""

    code: str
    name: str
    grade: str | None = Field(description="未定级为空。")
    class_name: str | None = Field(alias="class")
    standing: str | None
    reason: str | None
    total: str | None
    place: int | None = Field(description="在本类中的名次。")
    first_grade: str | None
    last_grade: str | None
    regraded_by: str | None
    township: str | None
    park: str | None
    industry: str | None = Field(description="GB/T 4754 代码。")
    division: str | None
    columns: dict[str, str | None] = Field(description="另要的列。")


class ColumnLine(Schema):
    key: str
    title: str
    unit: str
    digits: int | None = Field(description="小数位数；不是数字的列为空。")


class OverviewFull(Schema):
    """``ungraded`` is not among ``grades``."""

    grades: dict[str, int]
    ungraded: int
    classes: list[dict[str, Any]]
    findings: list[str]
    reasons: list[dict[str, Any]]
    last_year: dict[str, Any] | None


class CutLine(Schema):
    group: str
    title: str
    gap: str | None
    tied: int
    by_code: bool
    decision: str
    sides: list[dict[str, Any]]


class GroupLine(Schema):
    label: str | None
    grades: dict[str, int]
    ungraded: int
    medians: dict[str, str | None]


class LeverLine(Schema):
    """A number of the method that can be moved."""

    key: str
    label: str
    group: str
    value: str
    unit: str
    low: str
    high: str


class Changes(Schema):
    changes: dict[str, str | float] = Field(description="位置到新数字，位置见 levers。")


class PictureFull(Schema):
    """Grades, then those without one; ``matrix`` from each to each."""

    labels: list[str]
    before: list[int]
    after: list[int]
    matrix: list[list[int]]
    classes: list[dict[str, Any]]
    moved: int
    up: int
    down: int
    risers: list[dict[str, str]]
    fallers: list[dict[str, str]]


class Reasons(Schema):
    """``reason`` is a tree: sentence, value, unit, clause, cells, parts."""

    code: str
    name: str
    subject: str = Field(description="合并评价时，数字属于哪一户。")
    grade: str | None
    reason: dict[str, Any]
    open: list[str]


class Ways(Schema):
    """Each way was checked by grading everyone it touches anew."""

    code: str
    name: str
    now: str | None
    wanted: str
    held: bool
    reachable: bool
    ways: list[dict[str, Any]]
    not_enough: list[dict[str, Any]]
    obstacles: list[str]


class OwnLine(Schema):
    """A public result of an enterprise of the account."""

    evaluation: int
    title: str
    year: int
    code: str
    name: str
    signed: bool
    grade: str | None
    total: str | None
    place: int | None


def _see(request: HttpRequest, evaluation: int, number: int) -> SeenRun:
    return see_run(request.user, evaluation, number)


def question_of(asked: Asked, fields: dict[str, Column]) -> Question:
    """As the page's address would ask it."""
    given = QueryDict(mutable=True)
    for key, value in asked.dict(by_alias=True).items():
        for each in value if isinstance(value, list) else [value]:
            given.appendlist(key, each)
    return read_question(given, fields)


@router.get(f"{RUN}/results", summary="结果", response=Listed[ResultLine], by_alias=True)
def list_results(
    request: HttpRequest, evaluation: int, number: int, asked: Query[Asked], part: Query[Part]
) -> HttpResponse:
    seen = _see(request, evaluation, number)
    fields = list_fields(seen)
    question = question_of(asked, fields)
    at = choose_rows(seen, question)
    here = seen.rows[at[part.offset : part.offset + part.limit]]
    more = [fields[key] for key in asked.column if key in fields]
    extra = {field.key: _texts(field, field.values(here).to_list()) for field in more}
    digits = seen.plan.numeric(p.TOTAL).digits
    names = (
        CODE, NAME, p.GRADE, p.CLASS, p.STANDING, p.REASON, p.TOTAL, p.PLACE, p.FIRST_GRADE, LAST,
        p.REGRADED_BY, TOWNSHIP, PARK, INDUSTRY, DIVISION,
    )  # fmt: skip
    keys = (
        "code", "name", "grade", "class", "standing", "reason", "total", "place", "first_grade", "last_grade",
        "regraded_by", "township", "park", "industry", "division",
    )  # fmt: skip
    items = []
    for row, values in enumerate(here.select(names).iter_rows()):
        item: dict[str, Any] = dict(zip(keys, values, strict=True))
        item["total"] = None if item["total"] is None else format_scaled(item["total"], digits)
        item["columns"] = {key: column[row] for key, column in extra.items()}
        items.append(item)
    return answer_part(request, items, part, len(at))


def _texts(field: Column, values: list[Any]) -> list[str | None]:
    if field.digits is None:
        return [None if value is None else str(value) for value in values]
    return [None if value is None else format_scaled(value, field.digits) for value in values]


@router.get(f"{RUN}/columns", summary="结果可有的列", response=Listed[ColumnLine])
def list_columns(request: HttpRequest, evaluation: int, number: int, part: Query[Part]) -> HttpResponse:
    fields = list_fields(_see(request, evaluation, number)).values()
    return answer_list(
        request,
        [
            {"key": field.key, "title": field.title, "unit": field.unit, "digits": field.digits}
            for field in fields
        ],
        part,
    )


@router.get(f"{RUN}/overview", summary="总览", response=OverviewFull)
def overview(request: HttpRequest, evaluation: int, number: int) -> HttpResponse:
    seen = _see(request, evaluation, number)
    figures, lang = figures_of(seen), language()
    totals = figures.by_class.totals
    moves = figures.moves
    return answer(
        {
            "grades": dict(zip(figures.grades, totals, strict=False)),
            "ungraded": totals[-1],
            "classes": [
                {
                    "name": name,
                    "grades": dict(zip(figures.grades, counts, strict=False)),
                    "ungraded": counts[-1],
                }
                for name, counts in zip(figures.by_class.labels, figures.by_class.counts, strict=True)
            ],
            "findings": findings_of(seen, lang),
            "reasons": [
                {
                    "standing": words.render(words.standing_name(group.standing), lang),
                    "reason": words.render(words.ungraded_reason(group), lang),
                    "treated_as": group.treated_as,
                    "count": group.count,
                }
                for group in figures.ungraded
            ],
            "last_year": moves
            and {
                "rose": moves.up.height,
                "fell": moves.down.height,
                "stayed": moves.same,
                "before": list(moves.before),
                "after": list(moves.after),
                "matrix": moves.counts,
            },
        }
    )


@router.get(f"{RUN}/cuts", summary="分界与并列", response=Listed[CutLine])
def cuts(request: HttpRequest, evaluation: int, number: int, part: Query[Part]) -> HttpResponse:
    lang = language()
    return answer_list(
        request,
        [
            {
                "group": words.render(words.cut_group(cut), lang),
                "title": words.render(words.cut_title(cut), lang),
                "gap": None if cut.gap is None else format_scaled(cut.gap, cut.digits),
                "tied": cut.tied,
                "by_code": cut.by_code,
                "decision": words.cut_decision(cut).render(lang),
                "sides": [
                    {
                        "code": side.code,
                        "name": side.name,
                        "place": side.place,
                        "total": None if side.total is None else format_scaled(side.total, cut.digits),
                        "grade": side.grade,
                        "inside": side.inside,
                        "edge": side.edge,
                    }
                    for side in border.sides
                ],
            }
            for border in find_borders(_see(request, evaluation, number), lang)
            for cut in (border.cut,)
        ],
        part,
    )


@router.get(f"{RUN}/groups", summary="按行业和区域", response=Listed[GroupLine])
def groups(
    request: HttpRequest,
    evaluation: int,
    number: int,
    part: Query[Part],
    by: Literal["section", "division", "county", "township", "park"] = "division",
) -> HttpResponse:
    seen = _see(request, evaluation, number)
    fields = [field for key, field in list_fields(seen).items() if key.endswith(":v")]
    grades = seen.plan.grades
    return answer_list(
        request,
        [
            {
                "label": group.label,
                "grades": dict(zip(grades, group.counts, strict=False)),
                "ungraded": group.counts[-1],
                "medians": {
                    field.title: None if median is None else format_scaled(median, field.digits or 0)
                    for field, median in zip(fields, group.medians, strict=True)
                },
            }
            for group in group_rows(seen, by, fields)
        ],
        part,
    )


@router.get(f"{RUN}/parcels", summary="按等级着色的宗地（GeoJSON）", response=dict[str, Any])
def parcels(request: HttpRequest, evaluation: int, number: int, asked: Query[Asked]) -> HttpResponse:
    seen = _see(request, evaluation, number)
    return answer(parcels_of(seen, choose_rows(seen, question_of(asked, list_fields(seen)))))


@router.get(f"{RUN}/enterprises/{{code}}", summary="为什么是这个等级", response=Reasons)
def reasons(request: HttpRequest, evaluation: int, number: int, code: str) -> HttpResponse:
    seen = _see(request, evaluation, number)
    lang: Language = language()
    return answer(explain(seen.result, find_in_run(request.user, seen, code)).json(lang))


@router.get(f"{RUN}/enterprises/{{code}}/advice", summary="怎样能到某一等级", response=Ways)
def advice(request: HttpRequest, evaluation: int, number: int, code: str, grade: str) -> HttpResponse:
    seen = _see(request, evaluation, number)
    found = advise_in(seen.run.results, find_in_run(request.user, seen, code), grade)
    return answer(found.json(language()))


@router.get(f"{RUN}/levers", summary="办法中可以调的数字", response=Listed[LeverLine])
def levers(request: HttpRequest, evaluation: int, number: int, part: Query[Part]) -> HttpResponse:
    seen = _see(request, evaluation, number)
    return answer_list(
        request,
        [
            {
                "key": lever.key,
                "label": lever.label,
                "group": lever.group,
                "value": f"{lever.value:f}",
                "unit": lever.unit,
                "low": f"{lever.low:f}",
                "high": f"{lever.high:f}",
            }
            for lever in list_levers(seen.run.policy_text).values()
        ],
        part,
    )


@router.post(f"{RUN}/simulation", summary="调几个数字会怎样（不保存）", response=PictureFull)
def simulation(request: HttpRequest, evaluation: int, number: int, asked: Changes) -> HttpResponse:
    return answer(simulate(_see(request, evaluation, number), asked.changes).json())


@router.get("/mine", summary="本企业已公开的结果", response=Listed[OwnLine])
def mine(request: HttpRequest, part: Query[Part]) -> HttpResponse:
    items = []
    for enterprise in own_enterprises(request.user):
        for run in public_runs(enterprise):
            result = read_result(run.results)
            row = result.grades.row(result.rows[enterprise.code], named=True)
            items.append(
                {
                    "evaluation": run.evaluation_id,
                    "title": run.evaluation.title,
                    "year": run.evaluation.year,
                    "code": enterprise.code,
                    "name": enterprise.name,
                    "signed": run.signed_at is not None,
                    "grade": row[p.GRADE],
                    "total": row[p.TOTAL],
                    "place": row[p.PLACE],
                }
            )
    return answer_list(request, items, part)
