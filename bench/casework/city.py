"""A city with many cases of nearly five years: their rows, their whole histories, and the tally.

Written in bulk, not by the site's actions; a sample is replayed at the end and has to say what the rows say. Runs in a
process of its own, under the settings of its environment: ``python -m bench.casework.city make COUNT``.

Made up: demands (five in six) and visits of 20,000 enterprises; kinds, counties and offices by a Zipf law; answers
after a week on average, some after months; one in twelve paused; about three in a hundred still live, half of these
left behind and overdue. Not in it: reopened cases, files, personal values. Warnings are not in the histories, and rows
ask for none, so that the sweep does not work while others are measured.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.site.city import PASSWORD, SEED, _Steps

if TYPE_CHECKING:
    from muheng.cities.pack import Pack
    from muheng.web.people.models import Organisation

ENTERPRISES = 20_000
FIRST = date(2022, 1, 4)
BUREAUS = (
    "自然资源和规划局", "地方金融管理局", "人力资源和社会保障局", "发展和改革委员会", "生态环境局", "行政审批局",
    "商务局", "科学技术局", "工业和信息化局",
)  # fmt: skip
KINDS = ("land", "money", "labour", "power", "environment", "approval", "market", "technology", "other")
PROMISED = {"land": 15, "money": 15, "approval": 7}
LEGAL = {"land": 30, "approval": 30}
PEOPLE = 4
"""Handlers of an office."""
CLERK, COUNTY_CLERK, LEADER, HANDLER, OWNER = "clerk", "county_clerk", "leader", "handler", "owner"
CHUNK = 20_000
SAMPLE = 300
Ints = NDArray[np.int64]


def make_city(count: int) -> None:
    """Fill an empty site."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from muheng.cities.demo import make_large
    from muheng.cities.pack import load_pack
    from muheng.web import serving
    from muheng.web.casework.tally import find_differences, retally
    from muheng.web.registry.loading import load_large

    step = _Steps()
    serving.migrate()
    serving.collect_static()
    pack, _ = load_pack(settings.CITY)
    assert pack is not None
    offices = make_offices(pack)
    step("tables, tree, people")
    load_large(make_large(pack, SEED, min(ENTERPRISES, max(count // 10, 200)), date.today().year))
    give_owner()
    step("enterprises")
    write_cases(count, offices)
    step("cases")
    retally()
    step("tally")
    if connection.vendor == "postgresql":  # what its own housekeeping does in the first minutes
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    assert not find_differences()
    check_sample(count)
    step("statistics, a sample replayed")


# -- who is there -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Office:
    """A bureau of a county, the kind that goes to it, and who handles there."""

    county: int
    office: int
    kind: str
    people: tuple[int, ...]
    names: tuple[str, ...]


def make_offices(pack: Pack) -> list[Office]:
    from muheng.web.people.actions import appoint, found_city, make_department, make_person, take_roles
    from muheng.web.people.models import Membership, Organisation, User

    root = found_city(pack.city)
    roles = take_roles()
    counties = list(Organisation.objects.filter(kind=Organisation.Kind.COUNTY).order_by("order", "pk"))
    bureau = make_department("企业服务专班", root, "Service")
    for username, role, place in (
        (CLERK, "clerk", bureau),
        (COUNTY_CLERK, "clerk", counties[0]),
        (LEADER, "leader", root),
    ):
        appoint(make_person(username, username, PASSWORD), roles[role], place)
    offices = []
    for county in counties:
        for number, (kind, name) in enumerate(zip(KINDS, BUREAUS, strict=True)):
            office = make_department(name, county)
            people = User.objects.bulk_create(
                [
                    User(username=f"{county.pk}-{number}-{each}", name=f"承办{each}", password="!")
                    for each in range(PEOPLE)
                ]
            )
            Membership.objects.bulk_create(
                [Membership(user=each, organisation=office, role=roles["handler"]) for each in people]
            )
            offices.append(
                Office(
                    county.pk,
                    office.pk,
                    kind,
                    tuple(each.pk for each in people),
                    tuple(each.name for each in people),
                )
            )
    busiest = User.objects.get(pk=offices[0].people[0])
    busiest.username = HANDLER
    busiest.set_password(PASSWORD)
    busiest.save()
    return offices


def give_owner() -> None:
    """The enterprise that asks most has an account."""
    from muheng.web.people.actions import make_person
    from muheng.web.registry.actions import represent
    from muheng.web.registry.models import Enterprise

    represent(None, make_person(OWNER, OWNER, PASSWORD), Enterprise.objects.order_by("pk")[0])


# -- the cases ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Days:
    """Working days by number, and numbers by day."""

    days: tuple[date, ...]
    today: int
    """The number of today, or of the working day before."""
    published: int
    """The last year whose calendar is known."""

    @classmethod
    def until(cls, today: date) -> Days:
        from muheng.standards.calendar import load_calendar

        calendar = load_calendar()
        found = [FIRST]
        # Beyond the last published calendar it counts week days, as the clocks do.
        while found[-1] < today + timedelta(days=200):
            found.append(calendar.add_working_days(found[-1], 1).due)
        return cls(tuple(found), sum(day <= today for day in found) - 1, max(calendar.years))


def _zipf(rng: np.random.Generator, choices: int, size: int, power: float) -> Ints:
    weights = 1 / np.arange(1, choices + 1) ** power
    return rng.choice(choices, size, p=weights / weights.sum())


NEVER = 10**6
"""A number of a working day that has not come."""


@dataclass(frozen=True)
class Plan:
    """For each case the numbers of the working days on which something happened, in the order of opening."""

    visit: NDArray[np.bool_]
    kind: Ints
    county: Ints
    person: Ints
    enterprise: Ints
    opened: Ints
    accepted: Ints
    paused: Ints
    resumed: Ints
    answered: Ints
    closed: Ints
    rating: Ints
    second: Ints


def plan_cases(count: int, counties: int, today: int) -> Plan:
    rng = np.random.default_rng(SEED)
    opened = np.sort(rng.integers(0, today + 1, count))
    accepted = opened + rng.integers(0, 2, count)
    work = np.minimum(1 + rng.gamma(1.3, 4.5, count).astype(np.int64), 120)
    with_pause = (rng.random(count) < 1 / 12) & (work > 2)
    paused = np.where(with_pause, accepted + 1, NEVER)
    resumed = np.where(with_pause, accepted + 1 + rng.integers(1, 15, count), NEVER)
    answered = accepted + work + np.where(with_pause, resumed - paused, 0)
    left = (opened > today - 120) & (rng.random(count) < 0.17)
    answered = np.where(left & ~with_pause, NEVER, answered)
    closed = np.where(answered < NEVER, answered + rng.integers(0, 4, count), NEVER)
    rating = np.where(
        rng.random(count) < 0.6, rng.choice([1, 2, 3, 4, 5], count, p=[0.02, 0.03, 0.1, 0.3, 0.55]), 0
    )
    return Plan(
        visit=rng.random(count) < 1 / 6,
        kind=_zipf(rng, len(KINDS), count, 1.0),
        county=_zipf(rng, counties, count, 0.8),
        person=_zipf(rng, PEOPLE, count, 0.7),
        enterprise=rng.random(count),
        opened=opened,
        accepted=accepted,
        paused=paused,
        resumed=resumed,
        answered=answered,
        closed=closed,
        rating=rating,
        second=rng.integers(0, 8 * 3600, count),
    )


Row = dict[str, Any]


def write_cases(count: int, offices: Sequence[Office]) -> None:
    """Rows of cases and events, in pieces, without the indexes, which are made at the end."""
    from django.db import connection

    from muheng.web.casework.models import Case, CaseEvent, Numbering
    from muheng.web.registry.models import Enterprise

    days = Days.until(date.today())
    counties = sorted({office.county for office in offices})
    plan = plan_cases(count, len(counties), days.today)
    by_county = [
        list(Enterprise.objects.filter(county=county).order_by("pk").values_list("pk", "township"))
        for county in counties
    ]
    of_kind = {(office.county, office.kind): office for office in offices}
    numbers: dict[tuple[str, int], int] = {}
    indexes = list(Case._meta.indexes)
    with connection.schema_editor(atomic=False) as editor:
        for index in indexes:
            editor.remove_index(Case, index)
    events = 0
    for start in range(0, count, CHUNK):
        cases: list[Row] = []
        happened: list[Row] = []
        for at in range(start, min(start + CHUNK, count)):
            county = counties[plan.county[at]]
            office = of_kind[county, KINDS[plan.kind[at]]]
            homes = by_county[plan.county[at]]
            enterprise, township = homes[int(plan.enterprise[at] ** 3 * len(homes))]
            case, those = _make(plan, at, days, office, enterprise, township, numbers)
            cases.append(case)
            happened += those
        for each in happened:
            events += 1
            each["id"] = events
        _insert(Case, cases)
        _insert(CaseEvent, happened)
    with connection.schema_editor(atomic=False) as editor:
        for index in indexes:
            editor.add_index(Case, index)
    Numbering.objects.bulk_create(
        [Numbering(prefix=prefix, year=year, last=last) for (prefix, year), last in numbers.items()]
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in (Case, CaseEvent):
                table = model._meta.db_table
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )


def _make(
    plan: Plan,
    at: int,
    days: Days,
    office: Office,
    enterprise: int,
    township: int | None,
    numbers: dict[tuple[str, int], int],
) -> tuple[Row, list[Row]]:
    """A case's row, and its events."""
    from muheng.casework.clock_standing import end_of
    from muheng.web.casework.mirror import calendar_digest
    from muheng.web.casework.models import NEVER

    def moment(number: int, hour: int) -> datetime:
        second = int(plan.second[at]) % 3000
        return datetime.combine(days.days[number], time(hour), UTC) + timedelta(seconds=second)

    today = days.today
    visit = bool(plan.visit[at])
    handler = int(office.people[plan.person[at]])
    name = office.names[plan.person[at]]
    opened, accepted, answered, closed = (
        int(each[at]) for each in (plan.opened, plan.accepted, plan.answered, plan.closed)
    )
    paused, resumed = int(plan.paused[at]), int(plan.resumed[at])
    happened: list[Row] = []

    def event(number: int, hour: int, act: str, part: str, actor: int | None, who: str, **data: Any) -> None:
        happened.append(
            {
                "case_id": at + 1,
                "number": len(happened) + 1,
                "at": moment(number, hour),
                "act": act,
                "part": part,
                "actor_id": actor,
                "actor_name": who,
                "data": json.dumps(data, ensure_ascii=False),
            }
        )

    year = days.days[opened].year
    prefix = "ZF" if visit else "SQ"
    numbers[prefix, year] = numbers.get((prefix, year), 0) + 1
    kind = "" if visit else office.kind
    case: Row = {
        "id": at + 1,
        "number": f"{prefix}-{year}-{numbers[prefix, year]:06d}",
        "type": "visit" if visit else "demand",
        "kind": kind,
        "title": "季度走访" if visit else TITLES[office.kind][at % 3],
        "enterprise_id": enterprise,
        "county_id": office.county,
        "township_id": township,
        "organisation_id": office.office if visit else office.county,
        "handler_id": handler if visit else None,
        "opener_id": handler if visit else None,
        "shown_to_enterprise": not visit,
        "opened_at": moment(opened, 1),
        "opened_on": days.days[opened],
        "closed_at": None,
        "closed_on": None,
        "due": None,
        "due_clock": "",
        "provisional": False,
        "paused": False,
        "dues": "{}",
        "calendar": "",
        "due_at": None,
        "remind_at": None,
        "erase_on": None,
        "level": 0,
        "late": False,
        "net_days": None,
        "gross_days": None,
        "late_legal": None,
        "late_promised": None,
        "legal_limit": None,
        "legal_net": None,
        "rating": None,
        "reopened": 0,
        "parent_id": None,
        "thread_id": None,
        "merged_into_id": None,
        "source": "",
        "erased_at": None,
    }
    fields: dict[str, Any] = {"title": case["title"]}
    if visit:
        event(
            opened, 1, "open", "handler", handler, name,
            fields=fields, organisation=office.office, handler=handler,
        )  # fmt: skip
        case |= {"state": "planned", "phase": "open", "waits_for": "handler"}
        made = min(answered, closed)
        clocks = {"visiting": (opened, 10)}
        if made <= today:
            seen = {"visited_on": days.days[made].isoformat(), "way": "上门走访"}
            event(made, 5, "record", "handler", handler, name, fields=seen)
            fields = fields | seen
            case |= {"state": "made", "phase": "answered"}
            clocks = {}
            if closed <= today:
                event(closed, 7, "close", "handler", handler, name)
                case |= {"state": "closed", "phase": "closed", "waits_for": ""}
                case |= {"net_days": made - opened, "gross_days": closed - opened}
                case["late_promised"] = made - opened > 10
        spent = made - opened
        late = made <= today and spent > 10
    else:
        fields["detail"] = "企业提出，希望有关部门研究解决，并告知办理进度。"
        event(
            opened, 1, "open", "enterprise", None, "企业",
            kind=kind, fields=dict(fields), organisation=office.county,
        )  # fmt: skip
        case |= {"state": "submitted", "phase": "open", "waits_for": "desk"}
        clocks = {"acceptance": (opened, 2)}
        promised, legal = PROMISED.get(kind, 10), LEGAL.get(kind, 20)
        late = False
        if accepted <= today:
            event(accepted, 2, "accept", "desk", None, "受理岗")
            event(
                accepted, 3, "dispatch", "desk", None, "受理岗",
                organisation=office.office, handler=handler,
            )  # fmt: skip
            case |= {"state": "handling", "waits_for": "handler"}
            case |= {"organisation_id": office.office, "handler_id": handler}
            clocks = {"legal": (accepted, legal), "promised": (accepted, promised)}
            if paused <= today and paused < answered:
                event(
                    paused, 4, "suspend", "desk", None, "受理岗",
                    note="等补材料。", reason="等待企业补充材料",
                )  # fmt: skip
                if resumed <= today:
                    event(resumed, 4, "resume", "desk", None, "受理岗")
                    clocks = {
                        name_: (start + resumed - paused, limit) for name_, (start, limit) in clocks.items()
                    }
                else:
                    case |= {"state": "suspended", "paused": True}
                    clocks = {}
        if answered <= today:
            pause = resumed - paused if paused < answered else 0
            spent = answered - accepted - pause
            event(
                answered, 5, "answer", "handler", handler, name,
                note="已会同有关单位现场办理，措施已落实。", fields={"outcome": "已解决"},
            )  # fmt: skip
            fields["outcome"] = "已解决"
            late = spent > promised or spent > legal
            case |= {"state": "answered", "phase": "answered", "waits_for": "enterprise"}
            clocks = {}
            if closed <= today:
                event(closed, 6, "confirm", "enterprise", None, "企业")
                case |= {"state": "closed", "phase": "closed", "waits_for": ""}
                case |= {"net_days": answered - opened - pause, "gross_days": closed - opened}
                case |= {"late_promised": spent > promised, "late_legal": spent > legal}
                case |= {"legal_limit": legal, "legal_net": spent}
                if plan.rating[at]:
                    event(closed, 7, "rate", "enterprise", None, "企业", rating=int(plan.rating[at]))
                    case["rating"] = int(plan.rating[at])
    dues = {name_: days.days[start + limit] for name_, (start, limit) in clocks.items()}
    if dues:
        case["due"], case["due_clock"] = min((day, name_) for name_, day in dues.items())
        case["dues"] = json.dumps({name_: dues[name_].isoformat() for name_ in sorted(dues)})
        case["provisional"] = case["due"].year > days.published
        overdue = today - (clocks[case["due_clock"]][0] + clocks[case["due_clock"]][1])
        if case["due_clock"] == "promised" and overdue > 2:
            event(today - overdue + 2, 8, "escalate", "site", None, "", clock="promised", level=1)
            case["level"] = 1
    live = case["phase"] in ("open", "answered")
    if not live:
        case["closed_at"], case["closed_on"] = moment(closed, 7 if visit else 6), days.days[closed]
    case |= {
        "live": live,
        "late": late,
        "fields": json.dumps(fields, ensure_ascii=False),
        "version": len(happened),
        "turn_at": end_of(case["due"]).astimezone(UTC) if case["due"] else NEVER,
        "assigned": case["handler_id"] is not None,
        "calendar": calendar_digest() if live else "",
    }
    return case, happened


TITLES = {
    "land": ("二期用地红线需要调整", "厂区北侧地块请求尽快出让", "不动产登记面积与实际不符"),
    "money": ("流动资金贷款到期请求续贷", "技改贷款贴息申请未到账", "应收账款回收困难，请求协调"),
    "labour": ("旺季缺熟练工，请求组织招聘", "请求协调职校学生实习", "员工子女入学请求帮助"),
    "power": ("新线投产需要增加变压器容量", "蒸汽压力不稳影响生产", "请求错峰用电方案提前告知"),
    "environment": ("排污许可变更进度咨询", "总量指标请求调剂", "在线监测设备联网请求指导"),
    "approval": ("环评批复进度请求加快", "施工许可材料反复补正", "消防验收时间请求提前"),
    "market": ("产品进入本地采购目录", "请求组织上下游对接", "出口退税进度咨询"),
    "technology": ("请求推荐废水回用技术", "高新技术企业认定辅导", "产学研合作单位对接"),
    "other": ("园区公交线路调整", "厂区道路破损影响运输", "周边治安巡逻请求加强"),
}


def _insert(model: Any, rows: Sequence[Row]) -> None:
    """The fastest way that each database has."""
    from django.db import connection, transaction

    columns = list(rows[0])
    table = model._meta.db_table
    named = ", ".join(f'"{name}"' for name in columns)
    if connection.vendor == "postgresql":
        with (
            transaction.atomic(),
            connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({named}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row([row[name] for name in columns])
        return
    marks = ", ".join("?" * len(columns))
    with transaction.atomic():
        connection.connection.executemany(
            f"INSERT INTO {table} ({named}) VALUES ({marks})", _as_text(rows, columns)
        )


def _as_text(rows: Sequence[Row], columns: Sequence[str]) -> Iterator[list[Any]]:
    """Days and moments as Django writes them for SQLite."""
    for row in rows:
        yield [
            str(value.replace(tzinfo=None)) if isinstance(value, datetime)
            else value.isoformat() if isinstance(value, date)
            else value
            for value in (row[name] for name in columns)
        ]  # fmt: skip


def check_sample(count: int) -> None:
    """A sample of the cases, replayed, has to say what their rows say."""
    from muheng.web.casework.mirror import mirror, row_of
    from muheng.web.casework.models import Case
    from muheng.web.casework.writing import standing_of

    chosen = np.random.default_rng(1).choice(count, min(SAMPLE, count), replace=False) + 1
    live = Case.objects.filter(live=True).values_list("pk", flat=True)[:SAMPLE]
    for case in Case.objects.filter(pk__in=[*map(int, chosen), *live]):
        before = row_of(case) | {"remind_at": None}
        mirror(case, standing_of(case))
        after = row_of(case) | {"remind_at": None}
        differing = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
        assert not differing, (case.number, differing)


def counties_of() -> list[Organisation]:
    from muheng.web.people.models import Organisation

    return list(Organisation.objects.filter(kind=Organisation.Kind.COUNTY).order_by("order", "pk"))


if __name__ == "__main__":
    make_city(int(sys.argv[2]))
