"""The demo's bad air: a list in force, the adopted plan, an episode some weeks ago with its report, and a forecast that
asks for the next. Synthetic; everything goes through the room's actions, the plants' readings in one go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from django.utils import timezone

from muheng.casework.standing import CHINA
from muheng.cities.demo import DemoRegistry
from muheng.cities.pack import Pack
from muheng.emergency.alert_rules import Pollutant
from muheng.emergency.demo import DemoDay, make_bad_week, make_inventory
from muheng.emergency.forecast import Series, make_series, rate_value
from muheng.web.demo.days import moment
from muheng.web.demo.persons import CHIEF, CLERK, LEADER, PASSWORD
from muheng.web.demo.work import do_pending
from muheng.web.emergency.actions.alerts import enter_forecast, issue_alert, lift_alert, propose_alert
from muheng.web.emergency.actions.checkins import inspect
from muheng.web.emergency.actions.episodes import issue_report
from muheng.web.emergency.actions.grades import state_facts
from muheng.web.emergency.actions.lists import add_list, put_in_force
from muheng.web.emergency.actions.orders import write_orders
from muheng.web.emergency.actions.plans import adopt_plan, ask_plan
from muheng.web.emergency.city_settings import settings_text
from muheng.web.emergency.grades import find_table
from muheng.web.emergency.loading import Answer, Reading, load_answers
from muheng.web.emergency.models import Alert, CheckIn, Forecast, Measure, Order, Plan
from muheng.web.emergency.queries.alerts import measures_of
from muheng.web.people.actions import appoint, make_person, take_roles
from muheng.web.people.models import Organisation, User
from muheng.web.registry.actions import represent
from muheng.web.registry.models import Enterprise, Representative

AIR, OFFICER, PLANT = "air", "inspector", "plant"
_OFFICE = "市生态环境局"
_NAMES = {
    AIR: ("苏静远", "Su Jingyuan", "大气科科长", "air_officer"),
    OFFICER: ("石云川", "Shi Yunchuan", "执法人员", "enforcement_officer"),
}
_LIST, _FORCE, _PLAN, _ADOPTED, _EPISODE = 66, 60, 58, 52, 24
"""How many days before today."""
_SILENT, _LATE, _BROKEN = 4, 12, 5
"""Of a hundred: orders that nobody acknowledged, that were acknowledged late, lines that ran on."""


def load_emergency(pack: Pack, registry: DemoRegistry, root: Organisation, seed: int) -> None:
    """List, plan, episode and forecast of a demo city."""
    today = timezone.localdate()
    air, officer = _appoint(root)
    adopter, signer = _holder(CHIEF, CLERK), _holder(LEADER)
    plan = _plan(pack, registry, air, adopter, seed, today)
    week = make_bad_week(seed, today - timedelta(_EPISODE))
    alert = _episode(air, signer, plan, root, week)
    _open_plant(alert, adopter, today)
    _answer(alert, air, officer, seed)
    _end(alert, air, signer, root, week)
    _forecast(air, root, make_bad_week(seed + 1, today + timedelta(1)), timezone.now())


def _appoint(root: Organisation) -> tuple[User, User]:
    roles = take_roles()
    departments = Organisation.objects.filter(kind=Organisation.Kind.DEPARTMENT, parent=root)
    office = departments.filter(name=_OFFICE).first() or root
    made = []
    for username, (name, english, post, role) in _NAMES.items():
        person = make_person(username, name, PASSWORD, english=english, post=post)
        appoint(person, roles[role], office)
        made.append(person)
    return made[0], made[1]


def _holder(*usernames: str) -> User:
    people = {person.username: person for person in User.objects.filter(username__in=usernames)}
    return next(people[name] for name in usernames if name in people)


def _plan(pack: Pack, registry: DemoRegistry, air: User, adopter: User, seed: int, today: date) -> Plan:
    year = today.year if today.month >= 7 else today.year - 1
    season = f"{year}—{year + 1}"
    inventory = make_inventory(pack, registry, seed, season)
    held = add_list(air, inventory, season=season, at=moment(today - timedelta(_LIST)))
    put_in_force(adopter, held, at=moment(today - timedelta(_FORCE)))
    title = f"{season}年秋冬季减排方案"
    plan = ask_plan(air, held, settings_text(), title, "1/1000", at=moment(today - timedelta(_PLAN)))
    do_pending()
    plan.refresh_from_db()
    if plan.state != Plan.State.PROPOSED:
        raise ValueError(plan.trouble)
    return adopt_plan(adopter, plan, "经会商，作为本季应急减排方案。", at=moment(today - timedelta(_ADOPTED)))


def _series(week: Sequence[DemoDay], issued: datetime) -> Series:
    values = []
    for day in week:
        start = datetime(day.day.year, day.day.month, day.day.day, tzinfo=CHINA)
        primary: Pollutant = "PM2.5"
        values.append(rate_value(start, "daily", day.aqi, (primary,)))
    return make_series("daily", values, issued)


def _forecast(air: User, root: Organisation, week: Sequence[DemoDay], at: datetime) -> Forecast:
    return enter_forecast(
        air, root, _series(week, at), source="市环境监测中心站会商预报（演示）", issued_at=at, at=at
    )


def _episode(air: User, signer: User, plan: Plan, root: Organisation, week: Sequence[DemoDay]) -> Alert:
    """Forecast two days ahead, proposed, issued and told to the plants the day before it begins."""
    before = week[0].day - timedelta(1)
    forecast = _forecast(air, root, week, moment(before, 9))
    starts = moment(week[1].day, 0)
    alert = propose_alert(
        air,
        root,
        level="orange",
        starts_at=starts,
        ends_at=moment(week[5].day, 0),
        reason="预报未来四天静稳、高湿，PM2.5 持续累积，其中两天日 AQI 超过 200。",
        forecast=forecast,
        at=moment(before, 10),
    )
    issue_alert(signer, alert, number=f"应急办〔{starts.year}〕7号", at=moment(before, 15))
    # Written before the work that was asked for comes to it: the orders of that day, not of today.
    write_orders(alert.steps.order_by("pk")[1], at=moment(before, 16))
    do_pending()
    return alert


_STATED = {
    "spraying": "静电喷涂",
    "low_voc_paint": "35",
    "voc_control": "吸附浓缩加燃烧",
    "nmhc": "28",
    "closed_booths": "是",
    "monitored": "否",
    "dcs_kept": "是",
    "ledgers": "是",
    "clean_transport": "45",
}
"""What the plant says of itself, by indicator of the coating trade's table."""


def _open_plant(alert: Alert, chief: User, today: date) -> None:
    """An account for the enterprise of a graded trade with the most to do, and what it says of its grade."""
    table = find_table("工业涂装")
    rows = alert.orders.filter(firm__trade="工业涂装", firm__grade="C", enterprise__isnull=False)
    order = rows.order_by("-lines", "firm__code").first()
    if table is None or order is None or order.enterprise is None:
        raise ValueError(alert)
    plant = make_person(PLANT, "严立诚", PASSWORD, english="Yan Licheng", post="厂长")
    represent(chief, plant, order.enterprise)
    given = {each.id: _STATED.get(each.id, "") for each in table.indicators}
    state_facts(plant, order.enterprise, table, given, at=moment(today - timedelta(_ADOPTED - 4)))


def _answer(alert: Alert, air: User, officer: User, seed: int) -> None:
    """Most plants acknowledge within hours and stop; some ran on, and an officer came."""
    random = Random(f"{seed}/answers")
    owners = _owners(alert)
    orders = list(alert.orders.filter(replaced_at=None, lines__gt=0).order_by("firm__code"))
    answers, readings, broken = [], [], []
    for order in orders:
        drawn = random.random() * 100
        if drawn < _SILENT:
            continue
        hours = random.uniform(9, 20) if drawn < _SILENT + _LATE else random.uniform(0.2, 6)
        by = owners.get(order.enterprise_id or 0)
        answers.append(Answer(order, order.sent_at + timedelta(hours=hours), by))
        for measure in measures_of(order).values():
            reading, fails = _reading(random, order, measure, by)
            readings.append(reading)
            if fails:
                broken.append((order, measure))
    load_answers(air, alert, answers, readings, moment(alert.starts_at.date(), 20))
    for order, measure in broken[:3]:
        inspect(
            officer,
            order,
            measure.line,
            CheckIn.Verdict.BROKEN,
            note="现场设备仍在运行，已要求立即停下，拍照留存。",
            at=order.due_at + timedelta(hours=30),
            now=order.due_at + timedelta(hours=30),
        )


def _reading(random: Random, order: Order, measure: Measure, by: User | None) -> tuple[Reading, bool]:
    usual = Decimal(random.randint(80, 900)) * 10
    fails = random.random() * 100 < _BROKEN
    left = 1.0 if fails else (1 - measure.part / 1000) * random.uniform(0.9, 0.98)
    found = (usual * Decimal(str(round(left, 3)))).quantize(Decimal(1))
    at = order.due_at + timedelta(hours=random.uniform(4, 20))
    return Reading(order, measure, at, usual, found, "kWh/日", by), fails


def _owners(alert: Alert) -> dict[int, User]:
    numbers = alert.orders.exclude(enterprise=None).values_list("enterprise", flat=True)
    rows = Representative.objects.filter(enterprise__in=Enterprise.objects.filter(pk__in=numbers), until=None)
    return {row.enterprise_id: row.user for row in rows.select_related("user").order_by("-pk")}


def _end(alert: Alert, air: User, signer: User, root: Organisation, week: Sequence[DemoDay]) -> None:
    """A forecast of clean days, lifted when they begin, and the report."""
    clean = [*week[5:], *(DemoDay(week[6].day + timedelta(n), 72 + 4 * n, "PM2.5") for n in (1, 2, 3))]
    _forecast(air, root, clean, moment(week[4].day, 16))
    alert.refresh_from_db()
    lift_alert(
        signer,
        alert,
        reason="扩散条件转好，预报未来 36 小时以上不再达到预警条件。",
        number="应急办〔解〕7号",
        at=moment(week[5].day, 0),
    )
    alert.refresh_from_db()
    issue_report(
        air,
        alert,
        recorded=dict(_recorded(week)),
        learnt=(
            "少数企业夜间未停，下一次把夜查提前到启动后 6 小时内。",
            "部分生产线没有单独电表，只能现场核查，已列入改造。",
        ),
        at=moment(week[6].day + timedelta(2), 10),
    )


def _recorded(week: Sequence[DemoDay]) -> Iterator[tuple[date, int]]:
    """What came: with the cuts, some lower than was forecast."""
    for day in week:
        yield day.day, round(day.aqi * (0.9 if day.aqi > 150 else 0.97))
