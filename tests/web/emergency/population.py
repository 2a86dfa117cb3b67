"""A small city with its emergency list and an adopted plan: nine enterprises, two lines each, at three levels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from muheng.emergency.forecast import Series
    from muheng.web.emergency.models import Alert, EmergencyList, Forecast, Plan
    from muheng.web.people.models import User
    from web.population import Population

CHINA = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 19, 9, tzinfo=CHINA)
START = datetime(2026, 11, 21, 0, tzinfo=CHINA)
PARTS = {"yellow": 300, "orange": 500, "red": 1000}
NAMES = {0: "正常生产", 300: "限产30%", 500: "限产50%", 1000: "停产"}


@dataclass(frozen=True)
class Town:
    """The population; the officer of the air, who issues, and who inspects in the first county."""

    people: Population
    officer: User
    issuer: User
    inspector: User
    listing: EmergencyList
    plan: Plan

    @property
    def owner(self) -> User:
        return self.people.owner


def make_town() -> Town:
    """The city with its emergency list and an adopted plan."""
    from muheng.web.people.actions import appoint, make_department, make_person, take_roles
    from muheng.web.registry.models import Enterprise
    from web.population import PASSWORD, make_city

    people = make_city()
    for number, enterprise in enumerate(people.enterprises):
        Enterprise.objects.filter(pk=enterprise.pk).update(longitude=118.5 + number / 100, latitude=31.6)
    roles = take_roles()
    bureau = make_department("生态环境局", people.root, "Bureau of Ecology and Environment")
    officer = make_person("air", "大气陈", PASSWORD, phone="0555-0000000")
    inspector = make_person("inspector", "执法刘", PASSWORD)
    appoint(officer, roles["air_officer"], bureau)
    appoint(inspector, roles["enforcement_officer"], people.counties[0])
    listing, plan = make_plan(people, people.chief)
    return Town(people, officer, people.leader, inspector, listing, plan)


def make_plan(people: Population, maker: User) -> tuple[EmergencyList, Plan]:
    """A list in force, and the plan that was adopted for it: the first of two lines gives up a part, the other at red only."""
    from muheng.web.emergency.models import EmergencyList, ListedFirm, Measure, Plan

    listing = EmergencyList.objects.create(
        organisation=people.root,
        title="2026年应急减排清单",
        state=EmergencyList.State.IN_FORCE,
        made_by=maker,
        made_at=NOW - timedelta(days=60),
        in_force_from=NOW - timedelta(days=50),
    )
    plan = Plan.objects.create(
        inventory=listing,
        title="2026年秋冬季方案",
        settings="",
        state=Plan.State.ADOPTED,
        figures={"levels": {"orange": {"need": [1000, 0, 0, 0], "uniform": {"loss": 9_000_000}}}},
        made_by=maker,
        made_at=NOW - timedelta(days=40),
        adopted_by=maker,
        adopted_at=NOW - timedelta(days=30),
    )
    for number, enterprise in enumerate(people.enterprises[5:] + people.enterprises[:2]):
        grade = "A" if number == 3 else "C"
        firm = ListedFirm.objects.create(
            inventory=listing,
            enterprise=enterprise,
            code=enterprise.code,
            name=enterprise.name,
            county=enterprise.county,
            grade=grade,
            lines=2,
        )
        if grade == "A":
            continue
        for level, part in PARTS.items():
            for line in (1, 2):
                given = part if line == 1 or level == "red" else 0
                if not given:
                    continue
                Measure.objects.create(
                    plan=plan,
                    firm=firm,
                    line=f"{enterprise.code}-{line}",
                    line_name=f"{line}号线",
                    level=level,
                    name=NAMES[given],
                    kind="停产" if given == 1000 else "限产",
                    part=given,
                    count_by="负荷计",
                    evidence="用电",
                    meter=f"M-{number}-{line}",
                    text=f"{line}号线{NAMES[given]}。",
                    text_english=f"Line {line}: {given // 10} % less.",
                    loss=given * 1000,
                    cut=[given, given * 2, 0, 0],
                )
    return listing, plan


def make_series(*days: int, first: datetime = START, primary: str = "PM2.5") -> Series:
    """A daily forecast."""
    from muheng.emergency.forecast import make_series as make
    from muheng.emergency.forecast import rate_value

    return make(
        "daily",
        [
            rate_value(first + timedelta(days=at), "daily", aqi, (primary,) if aqi > 50 else ())  # type: ignore[arg-type]
            for at, aqi in enumerate(days)
        ],
    )


def enter(
    town: Town, *days: int, at: datetime = NOW, first: datetime = START, primary: str = "PM2.5"
) -> Forecast:
    """A forecast as the officer enters it."""
    from muheng.web.emergency.actions.alerts import enter_forecast

    series = make_series(*days, first=first, primary=primary)
    return enter_forecast(town.officer, town.people.root, series, source="会商", at=at)


def propose(town: Town, level: str = "orange", *days: int, at: datetime = NOW) -> Alert:
    """An alert that is proposed on a forecast of that level."""
    from muheng.web.emergency.actions.alerts import propose_alert

    forecast = enter(
        town, *(days or {"yellow": (210, 100, 80, 60), "orange": (210, 220, 100, 60)}[level]), at=at
    )
    return propose_alert(
        town.officer,
        town.people.root,
        level=level,
        starts_at=START,
        ends_at=START + timedelta(days=2),
        reason="预报达到条件",
        forecast=forecast,
        at=at,
    )


def issue(town: Town, level: str = "orange", at: datetime = NOW) -> Alert:
    """An alert that is issued, its orders written."""
    from muheng.web.emergency.actions.alerts import issue_alert
    from muheng.web.emergency.actions.orders import write_orders

    alert = issue_alert(town.issuer, propose(town, level, at=at), number="测环〔2026〕1号", at=at)
    write_orders(alert.steps.get(kind="issued"), at=at)
    alert.refresh_from_db()
    return alert
