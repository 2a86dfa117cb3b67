"""The demo's monitoring: some outlets with devices, two months of frames in the receiver's store, what was judged of them and done.

The frames go the way of real ones: segments, digest, the site's own taking and judging. Invented throughout.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from django.utils import timezone

from muheng.monitoring.demo import Sender, Trouble, invent_history
from muheng.monitoring.judgement.outlet import Marked
from muheng.monitoring.plant import FLOW, WATER_FLOW, place_plant
from muheng.monitoring.store.digest import digest
from muheng.monitoring.store.points import StoredPoint
from muheng.monitoring.store.segments import Record, SegmentWriter
from muheng.web.demo.emergency import OFFICER, PLANT
from muheng.web.demo.persons import OWNER, PASSWORD
from muheng.web.monitoring.actions.devices import add_device
from muheng.web.monitoring.actions.events import answer, send_to_field, verify
from muheng.web.monitoring.actions.evidence import seal
from muheng.web.monitoring.actions.patrols import LOOKED, draw_round, finish_patrol
from muheng.web.monitoring.actions.points import watch_outlet
from muheng.web.monitoring.actions.proofs import submit_proof
from muheng.web.monitoring.escalating import escalate_due
from muheng.web.monitoring.judging import judge_due, judge_points
from muheng.web.monitoring.models import Event, Mark, Point
from muheng.web.monitoring.moments import to_aware, to_local
from muheng.web.monitoring.store import as_allowed, describe_point, store_folder, write_allow_list
from muheng.web.monitoring.taking import take_fresh
from muheng.web.monitoring.totals import add_up_due
from muheng.web.people.actions import appoint, make_person, take_roles
from muheng.web.people.models import Organisation, User
from muheng.web.registry.models import Enterprise, Outlet, Representative

MONITOR = "monitor"
_OFFICE = "市生态环境局"
_DAYS = 62
"""So that a whole month lies in it."""
_STACKS, _WATERS = 14, 5
"""Beside the outlets of the enterprises that have accounts."""
_BATCH = 500
_PERMITTED = 0.6
"""Of what a year at the limit would be."""
_FURNACES = ("锅炉", "炉窑", "窑炉")
_KEY_FEWEST = 3
"""Of the first points so many are key units."""
_STORY: tuple[tuple[Trouble, ...], ...] = (
    (Trouble("exceed", 14, 5, times=1.4),),
    (Trouble("exceed", 24 * 12, 4, times=1.3), Trouble("maintained", 24 * 20, 6)),
    (Trouble("flat", 24 * 9, 30),),
    (Trouble("missing", 24 * 3, 9),),
    (
        Trouble("exceed", 24 * 21, 3, times=1.2),
        Trouble("exceed", 24 * 13, 4, times=1.5),
        Trouble("exceed", 24 * 4, 5, times=1.7),
    ),
    (Trouble("exceed", 24 * 6 + 3, 2, times=3.4),),
    (Trouble("missing", 15, 4),),
)
"""Of the first points, the account's first."""


def load_monitoring(root: Organisation, seed: int) -> None:
    """Points, devices, frames; then what a site does with them, and what people did."""
    now = timezone.now()
    _put_aside(now)
    end = to_local(now).replace(minute=0, second=0, microsecond=0)
    officer = _appoint(root)
    points = _watch(officer, (end - timedelta(days=_DAYS)), seed)
    senders = list(_send(officer, points, seed))
    write_allow_list()
    history = invent_history(senders, end, _DAYS, seed)
    _keep(history.records, now)
    _mark(points, history.marks, officer, now)
    take_fresh(now)
    _follow(points, officer, now)
    add_up_due(now)


def _put_aside(now: datetime) -> None:
    """An empty site has no frames; those of a site that was here before are kept beside it."""
    store = store_folder()
    if any((store / "segments").glob("*/*.seg")):
        store.rename(store.with_name(f"{store.name}-{now:%Y%m%d%H%M%S%f}"))


def _appoint(root: Organisation) -> User:
    departments = Organisation.objects.filter(kind=Organisation.Kind.DEPARTMENT, parent=root)
    person = make_person(MONITOR, "顾清和", PASSWORD, english="Gu Qinghe", post="自动监控中心")
    appoint(person, take_roles()["monitoring_officer"], departments.filter(name=_OFFICE).first() or root)
    return person


def _watch(officer: User, start: datetime, seed: int) -> list[Point]:
    """The outlets of the accounts' enterprises first; then the largest stacks and some of the waters."""
    own = [
        outlet
        for username in (PLANT, OWNER)
        for enterprise in Enterprise.objects.filter(representatives__user__username=username)
        for outlet in enterprise.outlets.order_by("code")
        if any(limit.get("limit") for limit in outlet.limits)
    ]
    known = {outlet.pk for outlet in own}
    others = (
        Outlet.objects.filter(enterprise__scale="规上")
        .select_related("enterprise")
        .exclude(pk__in=known)
        .order_by("enterprise__code", "code")
    )
    stacks = [each for each in others.filter(code__startswith="DA") if len(each.limits) > 2]
    waters = list(others.filter(code__startswith="DW"))
    step = max(len(stacks) // _STACKS, 1), max(len(waters) // _WATERS, 1)
    chosen = [*own[:4], *stacks[:: step[0]][:_STACKS], *waters[:: step[1]][:_WATERS]]
    points = []
    for at, outlet in enumerate(chosen):
        water = outlet.code.startswith("DW")
        burning = not water and any(word in outlet.name for word in _FURNACES)
        points.append(
            watch_outlet(
                officer,
                outlet,
                "water" if water else "stack",
                start.date(),
                reference_oxygen=Decimal(9) if burning else None,
                trade=outlet.enterprise.industry_group,
                key=at < _KEY_FEWEST,
            )
        )
    return points


def _send(officer: User, points: Sequence[Point], seed: int) -> Iterator[Sender]:
    for at, point in enumerate(points):
        drawn = hashlib.sha256(f"{seed}/{point.outlet_id}".encode()).hexdigest()
        device = add_device(officer, point, drawn[:24].upper(), f"{int(drawn[24:32], 16) % 10**6:06d}")
        allowed, stored = as_allowed(device), describe_point(point, point.watched_from)
        assert allowed is not None
        _permit(point.outlet, stored, device.mn)
        factor = next((name for name, most, _ in stored.limits if most is not None), "")
        troubles = tuple(
            Trouble(each.kind, each.ago, each.hours, "" if each.kind == "missing" else factor, each.times)
            for each in (_STORY[at] if at < len(_STORY) else ())
        )
        yield Sender(allowed, stored, troubles, minutes=at < 3)


def _permit(outlet: Outlet, point: StoredPoint, mn: str) -> None:
    """A yearly amount that suits the simulated plant, which is larger than the invented enterprise."""
    plant = place_plant(mn, point)
    if plant is None:
        return
    flow = float(
        plant.measure(datetime(2026, 1, 5), 60)[
            plant.factors.index(WATER_FLOW if point.kind == "water" else FLOW)
        ].mean()
    )
    gram = 1e-9 if point.kind == "stack" else 1e-6
    for row in outlet.limits:
        if row.get("yearly") and row.get("limit"):
            row["yearly"] = str(round(float(row["limit"]) * flow * 8760 * gram * _PERMITTED, 3))
    outlet.save(update_fields=("limits",))


def _keep(records: Iterator[Record], now: datetime) -> None:
    """Into the store as the receiver keeps them, and on to values."""
    store = store_folder()
    with SegmentWriter(store / "segments") as writer:
        while batch := list(islice(records, _BATCH)):
            writer.append(batch)
        writer.sync()
    while digest(store, now).records:
        pass


def _mark(
    points: Sequence[Point], marks: Mapping[str, tuple[Marked, ...]], officer: User, now: datetime
) -> None:
    """What the operators had marked, in one go."""
    rows = []
    for point in points:
        for each in marks.get(str(point.pk), ()):
            begin, end = to_aware(each.begin), to_aware(each.end) if each.end <= to_local(now) else None
            rows.append(Mark(point=point, mark=each.mark, begin=begin, end=end, by=officer, at=begin))
    Mark.objects.bulk_create(rows)


# -- what people did ---------------------------------------------------------------------------------------

_JUDGED = (30, 25, 21, 20, 17, 13, 12, 10, 8, 6, 4, 3, 2, 1)
"""Days before today at whose end the site looked; between them nothing of the story happens."""
_SEALED_TIMES = 3.0
_CAUSES = (
    ("治理设施故障", "除尘器一个仓室的滤袋破损，已停仓更换，附检修记录。", "确属超标"),
    ("工况变化", "当班换了原料批次，负荷升高，已调整加药量。", "确属超标"),
    ("监测设备故障", "采样探头堵塞，反吹后恢复，附运维记录。", "设备故障"),
    ("通信中断", "数采仪断网，恢复后已补传。", "已恢复正常"),
)


def _follow(points: Sequence[Point], officer: User, now: datetime) -> None:
    """The site judges day after day; enterprises explain, officers verify, seal and send to the field."""
    inspector = User.objects.get(username=OFFICER)
    owners = {
        each.enterprise_id: each.user
        for each in Representative.objects.filter(until=None).select_related("user")
    }
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    told = [point.pk for point in points[: len(_STORY)]]
    for back in _JUDGED:
        at = midnight - timedelta(days=back) + timedelta(hours=23, minutes=25)
        judge_points(told, at)
        if back > 1:
            _answer(officer, inspector, owners, at)
    for at in (midnight + timedelta(hours=1), now):
        while judge_due(at):
            pass
        escalate_due(at)
    _patrol(officer, inspector, midnight)
    _prove(now)


def _answer(officer: User, inspector: User, owners: Mapping[int, User], at: datetime) -> None:
    for event in Event.objects.filter(state=Event.State.OPEN, case__isnull=False).select_related("point"):
        kinds = {each["kind"] for each in event.seen}
        cause, note, conclusion = _CAUSES[3 if kinds == {"missing"} else event.pk % 3]
        by = owners.get(event.point.enterprise_id, officer)
        event = answer(by, event, cause=cause, note=note, at=at + timedelta(minutes=20))
        if (event.peak or 0) >= _SEALED_TIMES:
            seal(inspector, event, "超标倍数高，先锁定证据，再派人到现场。", at=at + timedelta(minutes=40))
            send_to_field(inspector, event, note="核实治理设施是否正常运行。", at=at + timedelta(minutes=45))
        elif event.state == Event.State.ANSWERED:
            verify(
                officer,
                event,
                conclusion=conclusion,
                note="已核对数据和检修记录。",
                at=at + timedelta(hours=9),
            )


def _patrol(officer: User, inspector: User, midnight: datetime) -> None:
    """A round of some days ago, half of it looked at."""
    at = midnight - timedelta(days=2) + timedelta(hours=9)
    held = draw_round(officer, "本周网上巡查", 6, [inspector, officer], at=at)
    for number, patrol in enumerate(held.patrols.select_related("point", "case").order_by("pk")[:3]):
        looked = dict.fromkeys(LOOKED, "正常") | {"video": "未查看"}
        finish_patrol(
            inspector, patrol, looked, normal=True, note="数据、用电、工况一致。",
            at=at + timedelta(hours=3 + number),
        )  # fmt: skip


def _prove(now: datetime) -> None:
    """The account's enterprise proves each day; one is missing, yesterday's is still to be given."""
    plant = User.objects.get(username=PLANT)
    represented = plant.represented.filter(until=None).select_related("enterprise").first()
    if represented is None:
        raise ValueError(PLANT)
    for back in range(2, 12):
        if back == 5:
            continue
        morning = timezone.localtime(now).replace(hour=8, minute=30) - timedelta(days=back - 1)
        day = timezone.localdate(now) - timedelta(days=back)
        submit_proof(
            plant, represented.enterprise, day, complied=True, statement="设施正常运行，数据与工况相符。",
            ledger="台账已记。", at=morning,
        )  # fmt: skip
