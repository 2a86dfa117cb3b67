"""The orders of a step are written from the adopted plan, and their papers when somebody asks for them.

What an order says is fixed when it is sent; the papers are made from that. A line that may go on as usual gets none.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.casework.standing import CHINA
from muheng.cities.pack import find_pack
from muheng.documents.message import Refusal
from muheng.emergency.execution import ACKNOWLEDGE_WITHIN, TELL_COUNTY_AFTER
from muheng.reports.meeting_files import fill_template, find_template
from muheng.reports.order import OrderedLine, PlantOrder, fill_order, fill_roster
from muheng.reports.rows import Column
from muheng.reports.sheet import Sheet, Table, write_sheets
from muheng.web.audit.actions import record
from muheng.web.emergency.models import Alert, AlertStep, ListedFirm, Measure, Order
from muheng.web.emergency.queries.alerts import INSPECT, representatives_of
from muheng.web.emergency.sayings import say_later, say_level
from muheng.web.files.actions import store
from muheng.web.files.models import StoredFile
from muheng.web.jobs.actions import Progress
from muheng.web.notices.actions import tell
from muheng.web.people.models import Organisation, Role, User
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by

ROOM = "emergency"
VOLUNTARY = "自主减排"
"""A measure that nobody is held to."""
_CHUNK = 500

Paper = Literal["order", "board"]


def write_orders(step: AlertStep, progress: Progress | None = None, at: datetime | None = None) -> int:
    """The orders of a step that sets a level, in place of those before; gives how many there are now.

    Safe to do again. A step that was overtaken by a later one, or an alert that has ended, gives none.
    """
    with transaction.atomic():
        alert = (
            Alert.objects.select_for_update(of=("self",))
            .select_related("organisation", "proposed_by")
            .get(pk=step.alert_id)
        )
        levels = (AlertStep.Kind.ISSUED, AlertStep.Kind.RAISED, AlertStep.Kind.LOWERED)
        last = alert.steps.filter(kind__in=levels).last()
        if alert.state != Alert.State.ISSUED or last is None or last.pk != step.pk or alert.plan_id is None:
            return 0
        if Order.objects.filter(step=step).exists():
            return Order.objects.filter(step=step).count()
        now = at or timezone.now()
        before = {
            order.firm_id: order
            for order in Order.objects.filter(alert=alert, replaced_at=None).order_by("pk")
        }
        made, firms = [], _measures_by_firm(alert, step)
        rows = ListedFirm.objects.select_related("county").in_bulk([*firms, *(before.keys() - firms.keys())])
        total = len(rows)
        for number, key in enumerate(sorted(rows, key=lambda each: rows[each].code)):
            content = _order_content(alert, step, rows[key], firms.get(key, []), before.get(key), now)
            made.append(
                Order(
                    alert=alert,
                    step=step,
                    firm=rows[key],
                    enterprise_id=rows[key].enterprise_id,
                    level=step.level,
                    content=content.model_dump(mode="json"),
                    lines=len(content.lines),
                    due_at=content.due,
                    sent_at=now,
                )
            )
            if progress is not None and number % _CHUNK == 0:
                progress(number, total, _("写 %(count)s 家企业的通知") % {"count": total})
        Order.objects.filter(alert=alert, replaced_at=None).update(replaced_at=now)
        Order.objects.bulk_create(made, batch_size=_CHUNK)
        _tell_enterprises(alert, step, made, now)
        record(
            step.done_by,
            "emergency.order",
            alert,
            level=step.level,
            enterprises=sum(order.lines > 0 for order in made),
            lines=sum(order.lines for order in made),
            released=sum(order.lines == 0 for order in made),
        )
    if progress is not None:
        progress(total, total)
    return len(made)


def _measures_by_firm(alert: Alert, step: AlertStep) -> dict[int, list[Measure]]:
    """The measures of the level that ask for something."""
    found: dict[int, list[Measure]] = {}
    rows = Measure.objects.filter(plan=alert.plan_id, level=step.level).order_by("firm_id", "line", "pk")
    for measure in rows.iterator(chunk_size=2000):
        if asks(measure):
            found.setdefault(measure.firm_id, []).append(measure)
    return found


def asks(measure: Measure) -> bool:
    """Whether a measure asks a line for something."""
    if measure.kind == VOLUNTARY:
        return False
    return measure.part > 0 or any(measure.cut) or measure.kind != ""


def _order_content(
    alert: Alert,
    step: AlertStep,
    firm: ListedFirm,
    measures: Sequence[Measure],
    before: Order | None,
    now: datetime,
) -> PlantOrder:
    held = {each["line"]: each for each in (before.content["lines"] if before is not None else ())}
    lines = tuple(_line(measure, held.get(measure.line), before is not None) for measure in measures)
    kept = {each.line for each in lines}
    caller = alert.proposed_by
    return PlantOrder(
        number=step.number or alert.number,
        issuer=alert.organisation.name,
        place=alert.organisation.name,
        code=firm.code,
        name=firm.name,
        county=firm.county.name if firm.county is not None else "",
        grade=firm.grade,
        level=step.level,
        before=before.level if before is not None else None,
        sent=_china(now),
        starts=_china(step.at),
        ends=_china(alert.ends_at),
        due=_china(max(step.at, now)),
        contact=caller.name if caller is not None else "",
        phone=caller.phone if caller is not None else "",
        acknowledge_hours=ACKNOWLEDGE_WITHIN // timedelta(hours=1),
        lines=lines,
        released=tuple(each["name"] for line, each in held.items() if line not in kept),
    )


def _line(measure: Measure, before: dict[str, Any] | None, replaced: bool) -> OrderedLine:
    change = ""
    if replaced and before is None:
        change = "新增"
    elif before is not None and (before["step"], before["part"]) != (measure.name, measure.part):
        change = f"原为{before['step']}"
    return OrderedLine(
        measure=measure.pk,
        line=measure.line,
        name=measure.line_name,
        step=measure.name,
        kind=measure.kind,
        part=measure.part,
        count_by=measure.count_by,
        evidence=measure.evidence,
        meter=measure.meter,
        outlet=measure.outlet,
        text=measure.text,
        text_english=measure.text_english,
        cut=tuple(measure.cut) if len(measure.cut) == 4 else (0, 0, 0, 0),
        loss=measure.loss,
        change=change,
    )


def _tell_enterprises(alert: Alert, step: AlertStep, made: Iterable[Order], now: datetime) -> None:
    ordered = [order.enterprise_id for order in made if order.enterprise_id is not None and order.lines]
    freed = [order.enterprise_id for order in made if order.enterprise_id is not None and not order.lines]
    asked = say_later(gettext_lazy("%(level)s预警：请确认并落实应急减排措施"), level=say_level(step.level))
    spared = say_later(gettext_lazy("%(level)s预警：本级没有要求你单位的措施"), level=say_level(step.level))
    for numbers, subject in ((ordered, asked), (freed, spared)):
        tell(
            representatives_of(numbers),
            subject,
            step.reason,
            reverse("emergency:mine"),
            room=ROOM,
            key=f"orders:{step.pk}",
            urgent=True,
            at=now,
        )


def _china(value: datetime) -> datetime:
    return value.astimezone(CHINA)


# -- papers ----------------------------------------------------------------------------------------------


def read_order(order: Order) -> PlantOrder:
    """What an order says."""
    return PlantOrder.model_validate(order.content)


def find_paper(order: Order, paper: Paper) -> StoredFile:
    """The Word file of an order or of its board, made the first time and kept. Raises Refused."""
    field = "file" if paper == "order" else "board"
    held: StoredFile | None = getattr(order, field)
    if held is not None:
        return held
    content = read_order(order)
    try:
        made = fill_template(
            fill_order(content), find_template(paper, find_pack(settings.CITY)), content.sent.date()
        )
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal
    name = "一厂一策通知" if paper == "order" else "一厂一策公示牌"
    with transaction.atomic():
        kept = store(made, f"{content.name}{content.level_name}预警{name}.docx")
        # Somebody else may have asked at the same moment: the content is the same.
        Order.objects.filter(pk=order.pk, **{field: None}).update(**{field: kept})
    setattr(order, field, kept)
    return kept


def make_roster_docx(alert: Alert, orders: Sequence[Order]) -> bytes:
    """The list of all that was ordered, as a Word file. Raises Refused where nothing was."""
    contents = _contents(orders)
    values = fill_roster(contents, f"{alert.organisation.name}重污染天气应急减排措施清单")
    try:
        return fill_template(
            values, find_template("roster", find_pack(settings.CITY)), contents[0].sent.date()
        )
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal


def make_roster_xlsx(alert: Alert, orders: Sequence[Order], states: dict[tuple[int, int], Any]) -> bytes:
    """The same as a workbook, a row for each line, with how it stands."""
    contents = _contents(orders)
    rows = [
        (content, line, states.get((order.pk, line.measure)), order)
        for order, content in zip(orders, contents, strict=True)
        for line in content.lines
    ]
    stands = {"done": "措施到位", "broken": "措施不到位", "open": "待核", None: "没有凭证"}
    texts = (
        ("企业", [content.name for content, *_rest in rows]),
        ("统一社会信用代码", [content.code for content, *_rest in rows]),
        ("县区", [content.county for content, *_rest in rows]),
        ("绩效等级", [content.grade for content, *_rest in rows]),
        ("生产线编号", [line.line for _content, line, *_rest in rows]),
        ("生产线", [line.name for _content, line, *_rest in rows]),
        ("措施", [line.said for _content, line, *_rest in rows]),
        ("负荷", [line.load for _content, line, *_rest in rows]),
        ("以何计", [line.count_by for _content, line, *_rest in rows]),
        ("凭证", [line.shown_by for _content, line, *_rest in rows]),
        ("变化", [line.change for _content, line, *_rest in rows]),
        ("确认时间", [_time(order.acknowledged_at) for *_rest, order in rows]),
        ("执行情况", [stands[state] for _content, _line, state, _order in rows]),
    )
    columns = [Column(title, pl.Series(values, dtype=pl.String)) for title, values in texts]
    for at, name in enumerate(("SO2", "NOx", "颗粒物", "VOCs")):
        grams = pl.Series([line.cut[at] for _content, line, *_rest in rows], dtype=pl.Int64)
        columns.append(Column(f"{name}减排（千克/天）", grams, 3))
    losses = pl.Series([line.loss for _content, line, *_rest in rows], dtype=pl.Int64)
    columns.append(Column("损失（元/天）", losses, 2))
    first = contents[0]
    title = f"{alert.organisation.name}重污染天气{first.level_name}预警应急减排措施清单"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roster.xlsx"
        day = first.sent
        write_sheets(
            [Sheet("措施清单", (Table((title, first.number, first.span), tuple(columns)),))],
            path,
            datetime(day.year, day.month, day.day),
        )
        return path.read_bytes()


def _contents(orders: Sequence[Order]) -> list[PlantOrder]:
    if not orders:
        raise Refused(_("没有下达措施的企业。"), status=404, code="not_found")
    return [read_order(order) for order in orders]


def _time(value: datetime | None) -> str:
    return "" if value is None else f"{_china(value):%Y-%m-%d %H:%M}"


# -- reminders -------------------------------------------------------------------------------------------


@transaction.atomic
def remind_silent(now: datetime) -> dict[str, int]:
    """Remind enterprises that have not acknowledged in time, then tell their counties. Each once an order."""
    waiting = Order.objects.filter(
        alert__state=Alert.State.ISSUED, replaced_at=None, lines__gt=0, acknowledged_at=None
    ).select_related("alert", "firm__county")
    late = list(waiting.filter(reminded_at=None, sent_at__lte=now - ACKNOWLEDGE_WITHIN))
    later = list(waiting.filter(passed_at=None, sent_at__lte=now - TELL_COUNTY_AFTER))
    if late:
        Order.objects.filter(pk__in=[order.pk for order in late]).update(reminded_at=now)
        people = representatives_of(order.enterprise_id for order in late if order.enterprise_id is not None)
        tell(
            people,
            gettext_lazy("应急减排通知还没有确认，请马上确认并落实"),
            "",
            reverse("emergency:mine"),
            room=ROOM,
            urgent=True,
            at=now,
        )
    if later:
        Order.objects.filter(pk__in=[order.pk for order in later]).update(passed_at=now)
        _tell_counties(later, now)
    return {"reminded": len(late), "passed": len(later)}


def _tell_counties(orders: Sequence[Order], now: datetime) -> None:
    """Who inspects in a county hears which of its enterprises have not answered."""
    roles = [role.pk for role in Role.objects.all() if INSPECT in role.rights]
    by_county: dict[Any, list[Order]] = {}
    for order in orders:
        by_county.setdefault((order.alert_id, order.firm.county), []).append(order)
    for (alert, county), these in by_county.items():
        inspectors = User.objects.filter(memberships__role__in=roles, is_active=True)
        inside = (
            inspectors.filter(memberships__organisation__path__startswith=county.path) if county else None
        )
        people = list(inside.distinct()) if inside is not None else []
        if not people:
            place = these[0].alert.organisation
            at_place = Q(memberships__organisation=place) | Q(
                memberships__organisation__parent=place,
                memberships__organisation__kind=Organisation.Kind.DEPARTMENT,
            )
            people = list(inspectors.filter(at_place).distinct())
        names = "、".join(order.firm.name for order in these[:5]) + ("……" if len(these) > 5 else "")
        subject = say_later(gettext_lazy("%(count)s 家企业没有确认应急减排通知，请核实"), count=len(these))
        tell(
            people,
            subject,
            names,
            f"{reverse('emergency:orders', args=[alert])}?state=silent",
            room=ROOM,
            urgent=True,
            at=now,
        )
