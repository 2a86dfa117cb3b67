"""Plans for programs: made, looked at as ``muheng plan --json`` prints them, adopted."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpResponse
from ninja import Field, Query, Router, Schema, Status

from muheng.web.emergency.actions import plans as actions
from muheng.web.emergency.city_settings import settings_text
from muheng.web.emergency.models import Plan
from muheng.web.emergency.plan_figures import level_figures
from muheng.web.emergency.queries import lists, plans
from muheng.web.emergency.queries.plans import LineQuestion
from muheng.web.emergency.stored_plans import measured
from muheng.web.paging import Listed, Part, answer_list, answer_part
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.request import Request

router = Router()


class ByPollutant(Schema):
    so2: float
    nox: float
    pm: float
    voc: float


class PlanLevel(Schema):
    """One level, as ``muheng plan --json`` prints it: yuan and kilograms a day."""

    loss: float = Field(description="元/日。")
    bound: float = Field(description="已证明的下界，元/日。")
    gap: float | None = Field(description="（损失 − 下界）÷ 下界；下界为 0 而损失不为 0 时为空。")
    need: ByPollutant = Field(description="千克/日。")
    reductions: ByPollutant = Field(description="千克/日。")
    prices: ByPollutant = Field(description="参考价，元/千克。")
    feasible: bool
    shortfall: ByPollutant = Field(description="千克/日。")


class PlanShown(Schema):
    """Where a plan stands."""

    number: int
    list_number: int
    title: str
    state: str = Field(description="working failed proposed adopted replaced withdrawn")
    gap: str
    made_at: datetime
    adopted_at: datetime | None
    trouble: list[str] = Field(description="没有算成的原因。")


class PlanFull(PlanShown):
    """With its figures."""

    settings: str
    levels: dict[str, PlanLevel]


class PlanAsked(Schema):
    """A plan to be made."""

    list_number: int = Field(ge=1, le=2**53, description="清单的编号。")
    title: str = Field("", max_length=200)
    settings: str = Field("", max_length=100_000, description="应急减排设置的文本；不写用本市的。")
    gap: Literal["1/10000", "1/5000", "1/1000", "1/200", "1/100"] = "1/5000"


class Noted(Schema):
    note: str = Field("", max_length=500)


class PlanMeasure(Schema):
    level: str
    name: str
    part: int = Field(description="减少的产量，千分之几。")
    loss: int = Field(description="分/日。")
    cut: list[int] = Field(description="克/日，依次为 SO2、NOx、PM、VOCs。")
    reason: str = Field(description="为什么是它：price 按参考价最省，closing 凑足零头，only 只此一项……")


class PlanLine(Schema):
    line: str
    name: str
    firm: str = Field(description="统一社会信用代码。")
    firm_name: str
    county: str
    grade: str
    measures: list[PlanMeasure]


class Weighing(Schema):
    name: str
    loss: int = Field(description="分/日。")
    worth: int = Field(description="减下的量按参考价值多少，分/日。")
    net: int
    chosen: bool
    permitted: bool
    why_not: str


class WhyAtLevel(Schema):
    """Why a line does what it does at a level."""

    level: str
    measure: str
    reason: str
    why: str
    change: str
    stray: int = Field(description="比按参考价最省的多多少，分/日。")
    weighed: list[Weighing]


class WhyOfLine(Schema):
    """Of one line, at each level; no levels where this version of the program makes another problem of the plan."""

    line: str
    name: str
    firm: str = Field(description="统一社会信用代码。")
    levels: list[WhyAtLevel]


class LineFilter(Schema):
    q: str = Field("", max_length=100)
    county: str = Field("", max_length=60)
    grade: str = Field("", max_length=10)
    level: Literal["", "yellow", "orange", "red"] = Field("", description="只看这一级；不写为任一级。")
    measure: str = Field("", max_length=120, description="措施的名称。")
    acting: bool = Field(False, description="只看有措施的。")


class LineAsked(Schema):
    line: str = Field(max_length=80, description="生产线编号。")


@router.get("/plans", response=Listed[PlanShown], summary="减排方案")
def list_plans(request: Request, part: Query[Part]) -> HttpResponse:
    """The newest first."""
    require(request.user, lists.VIEW)
    return answer_list(request, plans.plans_for(request.user), part, _shown)


@router.post("/plans", response={201: PlanShown}, summary="算方案")
def add_plan(request: Request, given: PlanAsked) -> Status[dict[str, Any]]:
    """Worked out in the background: ask for the plan until its state is no longer ``working``."""
    found = lists.find_list(request.user, given.list_number)
    text = given.settings or settings_text()
    return Status(201, _shown(actions.ask_plan(request.user, found, text, given.title, given.gap)))


@router.get("/plans/{number}", response=PlanFull, summary="一个方案")
def show_plan(request: Request, number: int) -> dict[str, Any]:
    """For who sees the whole list."""
    plan = plans.whole_plan(request.user, number)
    return {
        **_shown(plan),
        "settings": plan.settings,
        "levels": {level: level_figures(each) for level, each in plan.figures.get("levels", {}).items()},
    }


@router.get("/plans/{number}/lines", response=Listed[PlanLine], summary="各条生产线的措施")
def list_plan_lines(
    request: Request, number: int, filters: Query[LineFilter], part: Query[Part]
) -> HttpResponse:
    """Those that the person may see; who loses most first."""
    plan = plans.find_plan(request.user, number)
    levels = plans.stored_of(plan).levels
    asked = LineQuestion(
        q=filters.q.strip(),
        county=filters.county,
        grade=filters.grade,
        level=filters.level,
        measure=filters.measure,
        acting=filters.acting,
    )
    rows = plans.ask_lines(plans.lines_for(request.user, plan), asked, levels)
    items = [
        {
            **{name: row[name] for name in ("line", "name", "firm", "firm_name", "county", "grade")},
            "measures": [
                {
                    "level": level,
                    "name": found.name,
                    "part": found.part,
                    "loss": found.loss,
                    "cut": list(found.cut),
                    "reason": row[f"reason_{level}"],
                }
                for level in levels
                for found in (measured(row, level),)
            ],
        }
        for row in rows.slice(part.offset, part.limit).to_dicts()
    ]
    return answer_part(request, items, part, rows.height)


@router.get("/plans/{number}/why", response=WhyOfLine, summary="为什么")
def explain_line(request: Request, number: int, asked: Query[LineAsked]) -> dict[str, Any]:
    """Why a line does what it does, at each level, beside what else it could do."""
    plan = plans.find_plan(request.user, number)
    row, answers = plans.answers_for(request.user, plan, asked.line)
    lang = language()
    levels = [
        {
            "level": each.level,
            "measure": each.option,
            "reason": each.reason,
            "why": each.why.render(lang),
            "change": each.change.render(lang) if each.change is not None else "",
            "stray": each.stray,
            "weighed": [
                {
                    "name": option.name,
                    "loss": option.loss,
                    "worth": option.worth,
                    "net": option.net,
                    "chosen": option.chosen,
                    "permitted": option.permitted,
                    "why_not": option.left_out.render(lang) if option.left_out is not None else "",
                }
                for option in each.weighed
            ],
        }
        for each in answers
    ]
    return {"line": row["line"], "name": row["name"], "firm": row["firm"], "levels": levels}


@router.post("/plans/{number}/adopt", response=PlanShown, summary="采用方案")
def adopt_plan(request: Request, number: int, given: Noted) -> dict[str, Any]:
    """By somebody other than who had it made."""
    plan = plans.whole_plan(request.user, number)
    return _shown(actions.adopt_plan(request.user, plan, given.note))


@router.post("/plans/{number}/withdraw", response=PlanShown, summary="撤回方案")
def withdraw_plan(request: Request, number: int, given: Noted) -> dict[str, Any]:
    """With the reason."""
    plan = plans.whole_plan(request.user, number)
    return _shown(actions.withdraw_plan(request.user, plan, given.note))


def _shown(plan: Plan) -> dict[str, Any]:
    lang = language()
    return {
        "number": plan.pk,
        "list_number": plan.inventory_id,
        "title": plan.title,
        "state": plan.state,
        "gap": plan.gap,
        "made_at": plan.made_at.isoformat(),
        "adopted_at": plan.adopted_at.isoformat() if plan.adopted_at else None,
        "trouble": [each[lang] for each in plan.trouble],
    }
