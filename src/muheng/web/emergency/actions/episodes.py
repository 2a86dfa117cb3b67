"""The report of an episode: put together when the response has ended, kept as it was issued; a correction is another."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.casework.standing import CHINA
from muheng.cities.pack import find_pack
from muheng.documents.message import Refusal
from muheng.emergency.execution import ACKNOWLEDGE_WITHIN, Span, find_spans
from muheng.emergency.inventory.model import NOTHING, Level, Mass
from muheng.reports.episode import (
    AtLevel,
    Culprit,
    Day,
    Deed,
    Episode,
    InForce,
    Part,
    Spared,
    fill_episode,
    write_episode,
)
from muheng.reports.meeting_files import fill_template, find_template
from muheng.web.audit.actions import record
from muheng.web.casework.models import Case
from muheng.web.emergency.actions.checkins import HAZARD, say_check
from muheng.web.emergency.actions.orders import VOLUNTARY
from muheng.web.emergency.forecasts import worst_by_day
from muheng.web.emergency.models import Alert, AlertStep, CheckIn, EpisodeReport, ListedFirm, Measure, Order
from muheng.web.emergency.queries.alerts import EDIT, ISSUE, states_of_lines
from muheng.web.files.actions import store
from muheng.web.people.models import User
from muheng.web.people.rights import holds, require
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by

STEP_NAMES = {
    "proposed": "提出预警",
    "issued": "签发启动",
    "raised": "预警升级",
    "lowered": "预警降级",
    "extended": "调整结束时间",
    "lifted": "解除响应",
    "withdrawn": "不启动",
}
_CAUSES = {
    "pm25": "细颗粒物",
    "ozone": "臭氧",
    "dust": "沙尘",
    "wildfire": "山火",
    "transboundary": "境外传输",
    "other": "其他污染物",
}
_LEVELS: tuple[Level, ...] = ("yellow", "orange", "red")


@transaction.atomic
def issue_report(
    actor: User,
    alert: Alert,
    *,
    recorded: Mapping[date, int] | None = None,
    learnt: Iterable[str] = (),
    at: datetime | None = None,
) -> EpisodeReport:
    """Keep the report of an alert that was lifted. ``recorded``: the AQI that was measured. Raises Refused."""
    if not holds(actor, EDIT, alert.organisation):
        require(actor, ISSUE, at=alert.organisation)
    if alert.state != Alert.State.LIFTED:
        raise Refused(_("预警还没有解除。"), _("解除以后再出总结报告。"))
    for day, value in (recorded or {}).items():
        if not 0 <= value <= 500:
            raise Refused(
                _("%(day)s的AQI是 %(value)s，应在 0 到 500 之间。") % {"day": day, "value": value},
                status=422,
                code="invalid",
                at="recorded",
            )
    now = at or timezone.now()
    episode = draft_report(alert, recorded or {}, list(learnt), now)
    name = f"{episode.title}（{_china(alert.starts_at):%Y%m%d}）"
    made = EpisodeReport.objects.create(
        alert=alert,
        figures=episode.model_dump(mode="json"),
        docx=store(make_docx(episode), f"{name}.docx", actor),
        xlsx=store(make_xlsx(episode), f"{name}.xlsx", actor),
        made_by=actor,
        made_at=now,
    )
    record(
        actor,
        "emergency.report",
        made.alert,
        docx=made.docx.sha256 if made.docx else "",
        xlsx=made.xlsx.sha256 if made.xlsx else "",
    )
    return made


def read_report(report: EpisodeReport) -> Episode:
    """What stands in an issued report."""
    return Episode.model_validate(report.figures)


def make_docx(episode: Episode) -> bytes:
    """The Word file by the city's template. Raises Refused."""
    try:
        template = find_template("episode", find_pack(settings.CITY))
        return fill_template(fill_episode(episode), template, episode.made.date())
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal


def make_xlsx(episode: Episode) -> bytes:
    """The workbook."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "episode.xlsx"
        write_episode(episode, path)
        return path.read_bytes()


def draft_report(alert: Alert, recorded: Mapping[date, int], learnt: Sequence[str], now: datetime) -> Episode:
    """The report as it would be issued now."""
    lifted = alert.lifted_at or now
    steps = list(alert.steps.select_related("done_by"))
    changes = [
        (step.at, _level(step.level))
        for step in steps
        if step.kind in (AlertStep.Kind.ISSUED, AlertStep.Kind.RAISED, AlertStep.Kind.LOWERED)
    ]
    spans = find_spans(changes, lifted)
    orders = _last_orders(alert)
    states = states_of_lines([order.pk for order in orders])
    checks = CheckIn.objects.filter(order__alert=alert)
    return Episode(
        title=f"{alert.organisation.name}重污染天气应急响应总结报告",
        issuer=alert.organisation.name,
        place=alert.organisation.name,
        number=alert.number,
        cause=_CAUSES[alert.cause],
        rules=alert.rules,
        made=_china(now),
        starts=_china(alert.starts_at),
        lifted=_china(lifted),
        spans=tuple(
            InForce(level=each.level, start=_china(each.start), end=_china(each.end), minutes=_minutes(each))
            for each in spans
        ),
        deeds=tuple(
            Deed(
                what=STEP_NAMES[step.kind],
                level=_level(step.level),
                at=_china(step.at),
                number=step.number,
                reason=step.reason,
                by=step.done_by.name if step.done_by is not None else "",
                departs=step.departs,
            )
            for step in steps
        ),
        days=_days(alert, lifted, recorded),
        whole=_part("全市" if alert.organisation.kind == "city" else alert.organisation.name, orders),
        counties=_counties(orders),
        levels=_levels(alert, spans, orders, states),
        acknowledge_hours=ACKNOWLEDGE_WITHIN // timedelta(hours=1),
        checks=checks.filter(by_official=True).count(),
        check_ins=checks.filter(by_official=False).count(),
        broken=_broken(orders, states),
        silent=tuple(
            Culprit(enterprise=order.firm.name, code=order.firm.code, county=_county(order))
            for order in orders
            if order.acknowledged_at is None
        ),
        spared=_spared(alert),
        learnt=tuple(text for line in learnt if (text := " ".join(line.split())[:500])),
    )


def _last_orders(alert: Alert) -> list[Order]:
    """The orders that counted last."""
    rows = Order.objects.filter(alert=alert, replaced_at=None, lines__gt=0)
    return list(rows.select_related("firm__county", "enterprise").order_by("firm__code"))


def _part(name: str, orders: Sequence[Order]) -> Part:
    return Part(
        name=name,
        firms=len(orders),
        acknowledged=sum(order.acknowledged_at is not None for order in orders),
        in_time=sum(
            order.acknowledged_at is not None and order.acknowledged_at <= order.sent_at + ACKNOWLEDGE_WITHIN
            for order in orders
        ),
        lines=sum(order.lines for order in orders),
        done=sum(order.done_lines for order in orders),
        broken=sum(order.broken_lines for order in orders),
    )


def _counties(orders: Sequence[Order]) -> tuple[Part, ...]:
    groups: dict[tuple[int, int, str], list[Order]] = {}
    for order in orders:
        county = order.firm.county
        key = (county.order, county.pk, county.name) if county is not None else (10**6, 0, "未定县区")
        groups.setdefault(key, []).append(order)
    return tuple(_part(key[2], groups[key]) for key in sorted(groups))


def _levels(
    alert: Alert, spans: Sequence[Span], orders: Sequence[Order], states: Mapping[tuple[int, int], Any]
) -> tuple[AtLevel, ...]:
    if alert.plan is None:
        return ()
    done = {measure for (_order, measure), state in states.items() if state == "done"}
    every = Order.objects.filter(alert=alert, lines__gt=0).exclude(pk__in=[order.pk for order in orders])
    earlier = states_of_lines(every.values_list("pk", flat=True))
    done |= {measure for (_order, measure), state in earlier.items() if state == "done"}
    found = []
    for level in _LEVELS:
        minutes = sum(_minutes(each) for each in spans if each.level == level)
        if not minutes:
            continue
        planned, shown, loss = [0] * 4, [0] * 4, 0
        rows = Measure.objects.filter(plan=alert.plan, level=level).exclude(kind=VOLUNTARY)
        for number, cut, lost in rows.values_list("pk", "cut", "loss"):
            loss += lost
            for at, grams in enumerate(cut[:4]):
                planned[at] += grams
                shown[at] += grams if number in done else 0
        figures = plan_figures(alert.plan.figures, level)
        found.append(
            AtLevel(
                level=level,
                need=figures["need"],
                planned=_mass(planned),
                shown=_mass(shown),
                loss=loss,
                uniform_loss=figures["uniform_loss"],
                minutes=minutes,
            )
        )
    return tuple(found)


def plan_figures(figures: Mapping[str, Any], level: str) -> dict[str, Any]:
    """What a plan's figures say of a level: the need, g a day, and the loss of the uniform cut, fen a day; None where not."""
    held = figures.get("levels", figures)
    one = held.get(level) if isinstance(held, Mapping) else None
    if one is None and isinstance(held, Sequence):
        one = next((each for each in held if isinstance(each, Mapping) and each.get("level") == level), None)
    if not isinstance(one, Mapping):
        return {"need": None, "uniform_loss": None}
    need, uniform = one.get("need"), one.get("uniform")
    loss = uniform.get("loss") if isinstance(uniform, Mapping) else one.get("uniform_loss")
    return {
        "need": _mass(need) if isinstance(need, Sequence) and len(need) == 4 else None,
        "uniform_loss": int(loss) if isinstance(loss, int) else None,
    }


def _broken(orders: Sequence[Order], states: Mapping[tuple[int, int], Any]) -> tuple[Culprit, ...]:
    cases = dict(
        Case.objects.filter(
            type=HAZARD, source__in=[f"emergency.order:{order.pk}" for order in orders if order.broken_lines]
        )
        .order_by("pk")
        .values_list("source", "number")
    )
    found = []
    for order in orders:
        if not order.broken_lines:
            continue
        last = {
            check.measure_id: check
            for check in order.check_ins.filter(verdict=CheckIn.Verdict.BROKEN)
            .select_related("measure")
            .order_by("at", "pk")
        }
        for line in order.content["lines"]:
            if states.get((order.pk, line["measure"])) != "broken":
                continue
            check = last.get(line["measure"])
            said = say_check(check) if check is not None else None
            found.append(
                Culprit(
                    enterprise=order.firm.name,
                    code=order.firm.code,
                    county=_county(order),
                    line=line["name"],
                    measure=line["step"],
                    found=(
                        said.render("zh") if said is not None else check.note if check is not None else ""
                    ),
                    case=cases.get(f"emergency.order:{order.pk}", ""),
                )
            )
    return tuple(found)


def _spared(alert: Alert) -> tuple[Spared, ...]:
    """Enterprises of the list that had nothing to do at the highest level, for their grade or what they guarantee."""
    if alert.plan is None:
        return ()
    ordered = Order.objects.filter(alert=alert, lines__gt=0).values("firm")
    rows = ListedFirm.objects.filter(inventory=alert.plan.inventory_id, stopped=False).exclude(pk__in=ordered)
    rows = rows.filter(Q(grade__in=("A", "B", "B-", "引领性")) | ~Q(guarantee=""))
    return tuple(
        Spared(
            enterprise=firm.name,
            county=firm.county.name if firm.county is not None else "",
            grade=firm.grade,
            why=firm.guarantee or f"绩效等级 {firm.grade}",
        )
        for firm in rows.select_related("county").order_by("grade", "code")
    )


def _days(alert: Alert, lifted: datetime, recorded: Mapping[date, int]) -> tuple[Day, ...]:
    first, last = _china(alert.starts_at).date(), max(_china(lifted).date(), _china(alert.starts_at).date())
    forecast = {
        day: (aqi, primary)
        for day, aqi, primary in (worst_by_day(alert.forecast.series) if alert.forecast is not None else ())
    }
    wanted = {first + timedelta(days=each) for each in range((last - first).days + 1)} | recorded.keys()
    return tuple(
        Day(
            on=day,
            forecast=forecast.get(day, (None, ""))[0],
            primary=forecast.get(day, (None, ""))[1],
            recorded=recorded.get(day),
        )
        for day in sorted(wanted)
    )


def days_to_record(alert: Alert, now: datetime) -> list[tuple[date, int | None]]:
    """The days of the episode with what was forecast: what a person may enter the recorded AQI of."""
    return [(day.on, day.forecast) for day in _days(alert, alert.lifted_at or now, {})]


def _county(order: Order) -> str:
    return order.firm.county.name if order.firm.county is not None else ""


def _minutes(span: Span) -> int:
    return round(span.hours * 60)


def _mass(values: Sequence[int]) -> Mass:
    so2, nox, pm, voc = (int(each) for each in values) if values else NOTHING
    return so2, nox, pm, voc


def _level(level: str) -> Level:
    return next(each for each in _LEVELS if each == level)


def _china(value: datetime) -> datetime:
    return value.astimezone(CHINA)
