"""The small city with offices that handle cases, and demands in it at different stages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from muheng.web.casework.actions import act, open_case
from muheng.web.casework.models import Case
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import Organisation, User
from web.population import PASSWORD, Population, make_city

CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Offices:
    """``desk`` takes in for the first county, ``handler`` and ``colleague`` are its land office, ``head`` leads the
    county, ``leader`` (of the city) leads everything."""

    city: Population
    land: Organisation
    desk: User
    handler: User
    colleague: User
    head: User

    @property
    def owner(self) -> User:
        return self.city.owner

    @property
    def leader(self) -> User:
        return self.city.leader


def make_offices() -> Offices:
    city = make_city()
    county = city.counties[0]
    land = make_department("自然资源和规划局", county)
    people = {
        key: make_person(key, name, PASSWORD)
        for key, name in (
            ("desk", "受理冯"),
            ("handler", "承办何"),
            ("colleague", "承办吕"),
            ("head", "东山长"),
        )
    }
    roles = take_roles()
    appoint(people["desk"], roles["case_desk"], county)
    appoint(people["handler"], roles["handler"], land)
    appoint(people["colleague"], roles["handler"], land)
    appoint(people["head"], roles["leader"], county)
    return Offices(city, land, **people)


def at(month: int, day: int, hour: int = 10, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=CHINA)


def raise_demand(offices: Offices, title: str = "二期用地红线需要调整", **given: Any) -> Case:
    """The first enterprise asks for land."""
    return open_case(
        offices.owner,
        "demand",
        title,
        **{
            "enterprise": offices.city.enterprises[0],
            "kind": "land",
            "fields": {
                "detail": "厂区东侧道路拓宽占去约3亩。",
                "contact": "吴某",
                "phone": "13800000001",
                **given.pop("fields", {}),
            },
            **given,
        },
    )


def hand_over(offices: Offices, case: Case, to: User | None = None, when: datetime | None = None) -> Case:
    """Taken in and given to the land office."""
    case = act(offices.desk, case, "accept", at=when)
    return act(
        offices.desk, case, "dispatch", organisation=offices.land, handler=to or offices.handler, at=when
    )


def answer(offices: Offices, case: Case, when: datetime | None = None) -> Case:
    return act(
        offices.handler, case, "answer", note="已出具红线调整意见。", fields={"outcome": "已解决"}, at=when
    )
