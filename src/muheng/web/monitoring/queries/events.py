"""Events as lists and their page show them: what is asked, the order, the six steps with who, when and proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from muheng.casework.standing import CHINA
from muheng.web.casework.models import Case as CaseRow
from muheng.web.charts import Chart, Series
from muheng.web.entrance import read_number
from muheng.web.monitoring.limit_changes import say_whole
from muheng.web.monitoring.models import Event, EventStep, Evidence, LimitChange, Mark, Patrol, Proof, Tier
from muheng.web.monitoring.queries.scope import events_for
from muheng.web.monitoring.queries.series import judge_hours, lay_hourly
from muheng.web.monitoring.sayings import factor_title, factor_unit, say_seen
from muheng.web.people.models import Organisation, User

PAGE = 50
STATES: dict[str, Any] = {
    "live": gettext_lazy("未办结"),
    **dict(Event.State.choices),
    "all": gettext_lazy("全部"),
}
_ORDER = {Tier.SUPERVISE: 0, Tier.WARN: 1, Tier.REMIND: 2}
AROUND = timedelta(days=1)
"""What is shown before and after an event."""
LONGEST_CHART = timedelta(days=40)


@dataclass(frozen=True)
class Question:
    """What is asked of the inbox."""

    q: str = ""
    state: str = "live"
    tier: str = ""
    county: int | None = None
    factor: str = ""
    late: bool = False
    repeated: bool = False
    point: int | None = None


def read_question(given: QueryDict | Mapping[str, str]) -> Question:
    """The question that an address asks; what cannot be understood is left out."""

    def text(name: str) -> str:
        return (given.get(name) or "").strip()[:100]

    factor = text("factor")
    return Question(
        text("q"),
        text("state") if text("state") in STATES else "live",
        text("tier") if text("tier") in Tier.values else "",
        read_number(text("county")),
        factor if factor.isascii() and factor.isalnum() else "",
        bool(text("late")),
        bool(text("repeated")),
        read_number(text("point")),
    )


def ask_events(user: User, asked: Question, now: datetime) -> QuerySet[Event]:
    """The events that answer: the gravest first, of these what is due soonest."""
    rows = events_for(user).select_related("point__enterprise__county", "point__outlet", "case")
    if asked.state == "live":
        rows = rows.exclude(state=Event.State.CLOSED)
    elif asked.state != "all":
        rows = rows.filter(state=asked.state)
    if asked.tier:
        rows = rows.filter(tier=asked.tier)
    if asked.county is not None:
        rows = rows.filter(point__enterprise__county=asked.county)
    if asked.factor:
        rows = rows.filter(factor=asked.factor)
    if asked.late:
        rows = rows.filter(due_at__lt=now)
    if asked.repeated:
        rows = rows.filter(repeated=True)
    if asked.point is not None:
        rows = rows.filter(point=asked.point)
    if asked.q:
        words = asked.q
        rows = rows.filter(
            Q(point__enterprise__name__icontains=words)
            | Q(point__name__icontains=words)
            | Q(number__iexact=words)
            | Q(point__enterprise__code=words.upper())
        )
    over = Case(When(state=Event.State.CLOSED, then=Value(1)), default=Value(0), output_field=IntegerField())
    return sort_by_urgency(rows.annotate(is_over=over), "is_over")


def sort_by_urgency(rows: QuerySet[Event], *before: str) -> QuerySet[Event]:
    """The gravest first, of these what is due soonest, what has no term last."""
    grave = Case(
        *(When(tier=tier, then=Value(place)) for tier, place in _ORDER.items()),
        default=Value(9),
        output_field=IntegerField(),
    )
    return rows.annotate(gravity=grave).order_by(
        *before, "gravity", F("due_at").asc(nulls_last=True), "-last", "-pk"
    )


def count_events(user: User, now: datetime) -> dict[str, int]:
    """How many are not over: by state, by tier, and late."""
    rows = events_for(user).exclude(state=Event.State.CLOSED).order_by()
    found = {"live": 0, "late": rows.filter(due_at__lt=now).count()}
    for state, tier in rows.values_list("state", "tier"):
        found["live"] += 1
        found[state] = found.get(state, 0) + 1
        found[tier] = found.get(tier, 0) + 1
    return found


def choices_of(user: User) -> dict[str, Any]:
    """What the inbox can be filtered by."""
    rows = events_for(user).order_by()
    factors = rows.exclude(factor="").values_list("factor", flat=True).distinct()
    counties = Organisation.objects.filter(pk__in=rows.values("point__enterprise__county"))
    return {
        "factors": sorted((each, factor_title(each)) for each in factors),
        "counties": list(counties.order_by("order", "pk")),
    }


def find_event(user: User, number: str) -> Event:
    """The event of a number. One that the person may not see is not found: raises Http404."""
    rows = events_for(user).select_related("point__enterprise__county", "point__outlet", "case", "sealing")
    found = rows.filter(number=number.strip().upper()).first()
    if found is None:
        raise Http404(number)
    return found


# -- what happened -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A step as people read it. ``lines``: title and text; ``tag``: what it came to, in a word."""

    step: EventStep
    tag: str
    lines: tuple[tuple[str, str], ...]
    note: str
    files: tuple[str, ...]


def tell_step(step: EventStep) -> Told:
    """Who did what, with what they wrote."""
    detail = step.detail
    kind = EventStep.Kind
    tag = ""
    if detail.get("returned"):
        tag = _("退回")
    elif detail.get("dismissed"):
        tag = _("误报")
    elif step.kind == kind.PATROLLED:
        tag = _("发现异常") if detail.get("finding") == "abnormal" else _("未见异常")
    elif step.kind in (kind.RAISED, kind.PUSHED) and detail.get("tier"):
        tag = _tier(detail["tier"])
    elif step.kind == kind.GROWN and detail.get("to"):
        tag = _tier(detail["to"])
    lines: list[tuple[str, str]] = []
    if step.kind == kind.PUSHED:
        to = {"enterprise": _("企业"), "county": _("县区"), "city": _("市级")}
        people = int(detail.get("people", 0))
        told = ngettext("%(to)s，%(count)s 人", "%(to)s，%(count)s 人", people)
        if not people:
            told = _("%(to)s：没有人有账号，请另行通知")
        lines.append((_("告诉"), told % {"to": to.get(str(detail.get("to")), ""), "count": people}))
    if detail.get("because"):
        because = {"answered": _("到时没有说明"), "closed": _("到时没有办结")}
        lines.append((_("原因"), because.get(str(detail["because"]), "")))
    if detail.get("joined"):
        lines.append((_("并入"), str(detail["joined"])))
    if step.kind == kind.LIMITS:
        change = LimitChange.objects.filter(pk=detail.get("change")).first()
        if change is not None:
            lines.append((_("限值"), say_whole(change)))
        became = _BECAME.get(str(detail.get("became")))
        lines += [(_("结果"), str(became))] if became else []
    elif step.kind == kind.GONE and not detail.get("joined"):
        lines.append((_("原因"), _say_why(detail)))
    if step.kind in (kind.RAISED, kind.GROWN):
        lines += [(_("看到"), say_seen(each)) for each in detail.get("seen", ())]
    if detail.get("cause"):
        lines.append((_("原因"), str(detail["cause"])))
    if step.kind == kind.VERIFIED and detail.get("conclusion"):
        lines.append((_("核实结论"), str(detail["conclusion"])))
    if detail.get("finding") and step.kind != kind.PATROLLED:
        lines.append((_("查到的情况"), str(detail["finding"])))
    if detail.get("manifest"):
        lines.append((_("清单摘要"), str(detail["manifest"])))
    said_before = step.kind == kind.CLOSED and not detail.get("dismissed")
    files = tuple(str(each["name"]) for each in detail.get("files", ()))
    return Told(step, tag, tuple(lines), "" if said_before else str(detail.get("note", "")), files)


_BECAME = {
    "raised": gettext_lazy("按新限值才成立"),
    "again": gettext_lazy("按新限值又成立"),
    "changed": gettext_lazy("按新限值重算"),
    "gone": gettext_lazy("按新限值不再成立"),
}


def why_gone(events: Iterable[Event]) -> dict[int, str]:
    """By number of the row, why nothing speaks for an event any more; of those that are gone."""
    found = {event.pk: _say_why({}) for event in events if event.gone}
    steps = EventStep.objects.filter(event__in=found, kind=EventStep.Kind.GONE).order_by("at", "pk")
    return found | {step.event_id: _say_why(step.detail) for step in steps}


def _say_why(detail: Mapping[str, Any]) -> str:
    if detail.get("joined"):
        return _("已并入 %(number)s") % {"number": detail["joined"]}
    if detail.get("limits"):
        return _("改限值后不再成立")
    return _("标记后不再成立") if detail.get("marks") else _("补传后不再成立")


def _tier(tier: str) -> str:
    return str(Tier(tier).label) if tier in Tier.values else ""


# -- the page -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One of the six steps. ``state``: done, now, or empty where nothing has happened; ``said``: in a line."""

    id: str
    title: str
    state: str
    said: str = ""


@dataclass(frozen=True)
class Thread:
    """Everything that belongs to an event, by its six steps."""

    event: Event
    proofs: tuple[tuple[date, Proof | None], ...]
    marks: tuple[Mark, ...]
    patrols: tuple[Patrol, ...]
    told: tuple[Told, ...]
    evidence: tuple[Evidence, ...]
    check: CaseRow | None
    steps: tuple[Step, ...] = ()


def tell_thread(event: Event, inside: bool) -> Thread:
    """An event with its proofs, data, patrols, answers, evidence and field check; ``inside``: as officials see it."""
    first, last = (moment.astimezone(CHINA).date() for moment in (event.begin, event.last))
    days = [first + timedelta(days=at) for at in range(min((last - first).days + 1, 31))]
    enterprise = event.point.enterprise_id
    held = {
        each.day: each
        for each in Proof.objects.filter(enterprise=enterprise, day__in=days).select_related("by")
    }
    today = timezone.localdate()
    proofs = tuple((day, held.get(day)) for day in days if day < today or day in held)
    marks = Mark.objects.filter(point=event.point, begin__lte=event.last).filter(
        Q(end=None) | Q(end__gt=event.begin)
    )
    patrols = Patrol.objects.filter(event=event).select_related("case__handler") if inside else ()
    told = event.steps.select_related("by")
    hidden = () if inside else (EventStep.Kind.PATROLLED, EventStep.Kind.SEALED)
    check = (
        CaseRow.objects.filter(parent=event.case, type="field_check").select_related("handler").last()
        if inside and event.case_id is not None
        else None
    )
    thread = Thread(
        event,
        proofs,
        tuple(marks.select_related("by").order_by("begin", "pk")),
        tuple(patrols),
        tuple(_tell_to(each, inside) for each in told if each.kind not in hidden and _is_told(each, inside)),
        tuple(event.evidence.select_related("by")) if inside else (),
        check,
    )
    return replace(thread, steps=tuple(_steps(thread, inside)))


def _tell_to(step: EventStep, inside: bool) -> Told:
    """What will be looked at in the field is not told to the enterprise before."""
    told = tell_step(step)
    return told if inside or step.kind != EventStep.Kind.FIELD else replace(told, note="")


def _is_told(step: EventStep, inside: bool) -> bool:
    """What becomes of a field check is told to the enterprise when it is over."""
    return inside or step.kind != EventStep.Kind.FIELD or "act" not in step.detail


def _steps(thread: Thread, inside: bool) -> Sequence[Step]:
    event = thread.event
    state = Event.State
    given = [proof for _day, proof in thread.proofs if proof is not None]
    missing = len(thread.proofs) - len(given)
    proved = ""
    if missing:
        proved = ngettext("%(count)s 天没有自证", "%(count)s 天没有自证", missing) % {"count": missing}
    if given and not missing:
        denied = [each for each in given if not each.complied]
        proved = _("申报没有达标") if denied else _("申报达标")
    answered = {
        state.OPEN: _("等企业说明"),
        state.ANSWERED: _("企业已说明，待核实"),
        state.FIELD: _("转现场"),
        state.CLOSED: _("已办结"),
    }[state(event.state)]
    first = [
        Step("proof", _("企业自证"), "done" if given and not missing else "", proved),
        Step("data", _("在线监控"), "done", event.get_tier_display()),
    ]
    middle = Step(
        "answer", _("反馈处置"), "done" if event.state in (state.FIELD, state.CLOSED) else "now", answered
    )
    if not inside:
        return [*first, middle]
    waiting = [each for each in thread.patrols if each.done_at is None]
    times, sets = len(thread.patrols), len(thread.evidence)
    looked = ngettext("%(count)s 次", "%(count)s 次", times) % {"count": times}
    if waiting:
        looked = _("巡查中")
    sealed = ngettext("%(count)s 份", "%(count)s 份", sets) % {"count": sets}
    checked = _("现场检查中") if event.state == state.FIELD else _("已查处")
    return [
        *first,
        Step(
            "patrol",
            _("网上巡查"),
            "now" if waiting else "done" if thread.patrols else "",
            looked if thread.patrols else "",
        ),
        middle,
        Step(
            "evidence",
            _("锁定证据"),
            "done" if thread.evidence else "",
            sealed if thread.evidence else "",
        ),
        Step(
            "field",
            _("现场查处"),
            "now" if event.state == state.FIELD else "done" if thread.check is not None else "",
            checked if thread.check is not None else "",
        ),
    ]


def draw_chart(event: Event, now: datetime) -> Chart | None:
    """The hours around an event beside the limit, as judged; None where nothing came."""
    begin = event.begin - AROUND
    end = min(event.last + AROUND, now, begin + LONGEST_CHART)
    first, last = begin.astimezone(CHINA).date(), end.astimezone(CHINA).date() + timedelta(days=1)
    return draw_hours("event-chart", event.point, event.factor, first, last)


def draw_hours(name: str, point: Any, factor: str, first: date, last: date) -> Chart | None:
    """A factor's hours from ``first`` to before ``last``, with the limit; what does not count is drawn apart."""
    judged = judge_hours(point, first, last)
    frame = lay_hourly(judged, factor)
    if frame.is_empty() or frame["measured"].null_count() == len(frame):
        return None
    counted = [_plain(value) for value in frame["value"].to_list()]
    apart = [
        _plain(measured) if value is None else None
        for measured, value in zip(frame["measured"].to_list(), frame["value"].to_list(), strict=True)
    ]
    series = [Series(_("计入判定"), counted, "accent")]
    if any(value is not None for value in apart):
        series.append(Series(_("不计入"), apart, "none", dashed=True))
    against = judged.against.get(factor)
    if against is not None:
        limit = [_plain(float(value)) for value in against.most[judged.first :]]
        series.append(Series(_("限值"), limit, "wrong", dashed=True))
    return Chart(
        name,
        _("%(factor)s小时均值") % {"factor": factor_title(factor)},
        _("时间"),
        [f"{time:%m-%d %H:00}" for time in frame["time"].to_list()],
        series,
        kind="line",
        unit=factor_unit(factor),
    )


def _plain(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 3)
