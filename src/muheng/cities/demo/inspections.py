"""Visits to paired enterprises and what experts found there: hazards with their proposals, rectification, revisit.

One thread: visit → hazard → proposal and rectification → revisit → struck off. Told up to the demo's today.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from muheng.cities.demo.casework_plan import HazardForm, HazardWords, InspectionPlan, PairingPlan
from muheng.cities.demo.demands import Asker, Desk, fill_slots
from muheng.cities.demo.stories import DemoCase, NotYet, Story, midnight, working_days, working_hour
from muheng.standards.calendar import Calendar

VISIT, HAZARD, PROPOSAL, RECTIFICATION, REVISIT = "visit", "hazard", "proposal", "rectification", "revisit"
WAY = "上门走访"
AFTER = "整改后照片"
_QUARTERS = "一二三四"
_SEEN = (
    "生产正常，治理设施运行正常，台账齐全。",
    "订单稳定，正在做年度检修，治理设施同步检修已报备。",
    "新班组上岗不久，环保操作规程已重新培训。",
    "企业介绍了技改计划，提醒先办环评再开工。",
    "宣讲了新发布的政策，回答了企业关于许可证变更的问题。",
    "查看了危废贮存库和应急物资，无明显问题。",
)
_EXPERT = "会同环保管家专家现场检查，发现问题已当场告知企业并列入清单。"
_KINDS = {"air": "treatment", "water": "treatment", "permit": "permit"}
"""Kind of a hazard → kind of what is proposed; else 环境管理."""


@dataclass(frozen=True)
class DemoPairing:
    """An officer looks after an enterprise from a day on."""

    officer: str
    office: str
    code: str
    since: date


@dataclass(frozen=True)
class Quarter:
    first: date
    last: date

    @property
    def title(self) -> str:
        return f"{self.first.year}年{_QUARTERS[(self.first.month - 1) // 3]}季度"


@dataclass
class Rounds:
    """Tells visits one after the other."""

    words: HazardWords
    random: Random
    calendar: Calendar
    until: date
    cases: list[DemoCase] = field(default_factory=list)
    _forms: list[HazardForm] = field(default_factory=list)

    def visit(self, number: int, pairing: DemoPairing, asker: Asker, quarter: Quarter, day: date) -> Story:
        """A visit up to its record."""
        title = f"{quarter.title}走访"
        story = Story(
            f"visit-{number:04d}",
            VISIT,
            title,
            pairing.code,
            self.random,
            self.calendar,
            midnight(self.until),
            working_hour(day, self.random),
            opener=pairing.officer,
            personal={"met": asker.contact},
        )
        fields = {"title": title, "planned_on": day.isoformat(), "met": True}
        story.do(
            "open",
            "opener",
            pairing.officer,
            fields=fields,
            organisation=pairing.office,
            handler=pairing.officer,
        )
        return story

    def record(self, story: Story, seen: str) -> None:
        fields = {"visited_on": story.moment.date().isoformat(), "way": WAY, "seen": seen}
        story.wait(0)
        story.do("record", "opener", story.opener, fields=fields)

    def close(self, story: Story, children: Sequence[Story]) -> None:
        """The visit is closed once all that came out of it has ended."""
        with suppress(NotYet):
            if story.end_children(children):
                story.wait(0)
                story.do("close", "opener", story.opener)
        self.cases.append(story.told())

    def find(self, visit: Story, number: int, office: str, proposed: bool, stalled: bool) -> Story:
        """A hazard found on a visit, as far as it is by today. The visit's history says that it was found."""
        if not self._forms:
            self._forms = self.random.sample(self.words.hazard, len(self.words.hazard))
        form = self._forms.pop()
        found, proposal, done = fill_slots((form.found, form.proposal, form.done), self.random)
        visit.wait(0)
        officer = visit.opener
        hazard = visit.branch(f"hazard-{number:04d}", HAZARD, found, officer)
        fields = {
            "title": found,
            "severity": self.random.choices(("一般", "较大", "重大"), (86, 13, 1))[0],
            "found_on": visit.moment.date().isoformat(),
        }
        hazard.do(
            "open", "opener", officer, kind=form.kind, fields=fields, organisation=office, handler=officer
        )
        visit.do("find_hazard", "opener", officer, child=[{"case": hazard.key, "type": HAZARD}])
        children: list[Story] = []
        with suppress(NotYet):
            self._follow(hazard, form.kind, office, proposal if proposed else None, done, stalled, children)
        self.cases += [each.told() for each in (hazard, *children)]
        return hazard

    def _follow(
        self,
        hazard: Story,
        kind: str,
        office: str,
        proposal: str | None,
        done: str,
        stalled: bool,
        children: list[Story],
    ) -> None:
        officer = hazard.opener
        below = []
        if proposal is not None:
            # Who finds it proposes on the spot.
            advice = hazard.branch(f"{hazard.key}-proposal", PROPOSAL, proposal, officer)
            children.append(advice)
            below.append(advice)
            advice.do(
                "open",
                "opener",
                officer,
                kind=_KINDS.get(kind, "management"),
                fields={"title": proposal, "detail": f"针对：{hazard.title}"},
                organisation=office,
                handler=officer,
            )
            hazard.do("suggest", "opener", officer, child=[{"case": advice.key, "type": PROPOSAL}])
        hazard.wait(1)
        repair = hazard.branch(f"{hazard.key}-repair", RECTIFICATION, f"整改：{hazard.title}", officer)
        children.append(repair)
        below.append(repair)
        repair.do(
            "open",
            "opener",
            officer,
            kind="limited",
            fields={"title": f"整改：{hazard.title}", "detail": proposal or "限期整改，整改后报照片。"},
            organisation=office,
            handler=officer,
        )
        hazard.do("order", "opener", officer, child=[{"case": repair.key, "type": RECTIFICATION}])
        if proposal is not None:
            with suppress(NotYet):
                self._take_advice(below[0])
        with suppress(NotYet):
            self._repair(repair, done, stalled)
        if not hazard.end_children(below):
            raise NotYet
        hazard.wait(self.random.randint(1, 3))
        again = hazard.branch(f"{hazard.key}-revisit", REVISIT, f"回访：{hazard.title}", officer)
        fields = {"title": f"回访：{hazard.title}"}
        again.do("open", "handler", officer, fields=fields, organisation=office, handler=officer)
        children.append(again)
        hazard.do("arrange_revisit", "handler", officer, child=[{"case": again.key, "type": REVISIT}])
        again.wait(self.random.randint(1, 4))
        again.do(
            "record",
            "handler",
            officer,
            fields={
                "means": "上门",
                "visited_on": again.moment.date().isoformat(),
                "finding": f"{done}，现场核实无误。",
            },
        )
        again.end()
        hazard.end_child(again)
        hazard.wait(0)
        hazard.do("attach", "handler", officer, files=[self._photo()])
        hazard.wait(0)
        hazard.do("strike_off", "handler", officer)
        hazard.end()

    def _take_advice(self, advice: Story) -> None:
        officer = advice.opener
        advice.wait(self.random.randint(1, 6))
        if self.random.random() < 0.05:
            advice.do("decline", "enterprise", None, note="投入较大，列入下一年度计划再议。")
            advice.end()
            return
        advice.do("adopt", "enterprise")
        advice.wait(self.random.randint(3, 16))
        fields = {"done_on": advice.moment.date().isoformat()}
        advice.do("report", "enterprise", None, note="已按建议落实。", fields=fields)
        advice.wait(self.random.randint(1, 4))
        advice.do("verify", "handler", officer)
        advice.end()

    def _repair(self, repair: Story, done: str, stalled: bool) -> None:
        officer = repair.opener
        repair.wait(70 if stalled else self.random.randint(2, 15))
        fields = {
            "measures": done,
            "cost": str(self.random.choice((1, 2, 3, 5, 8, 12, 20, 45))),
            "done_on": repair.moment.date().isoformat(),
        }
        repair.do("report", "enterprise", None, fields=fields, files=[self._photo()])
        repair.wait(self.random.randint(1, 3))
        if self.random.random() < 0.08:
            repair.do("return", "handler", officer, note="照片看不出整改位置，请补充近景并附测量数据。")
            repair.wait(self.random.randint(2, 6))
            repair.do("report", "enterprise", None, fields={"measures": done}, files=[self._photo()])
            repair.wait(1)
        repair.do("accept", "handler", officer)
        repair.end()

    def _photo(self) -> dict[str, str]:
        return {"label": AFTER, "name": self.random.choice(sorted(PHOTOS))}


def pair_all(
    plan: PairingPlan,
    offices: Mapping[str, str],
    askers: Callable[[str], Sequence[Asker]],
    owner: str | None,
    random: Random,
    since: date,
) -> list[DemoPairing]:
    """So many enterprises for each officer, near their office; the demo's own enterprise is the first officer's."""
    taken: set[str] = set()
    made = []
    for number, (officer, count) in enumerate(plan.officers.items()):
        office = offices[officer]
        able = [each.code for each in askers(office) if each.code not in taken and each.code != owner]
        chosen = random.sample(able, count)
        if number == 0 and owner is not None:
            chosen[0] = owner
        taken |= set(chosen)
        made += [DemoPairing(officer, office, code, since) for code in chosen]
    return made


def tell_visits(
    rounds: Rounds,
    desk: Desk,
    plan: PairingPlan,
    inspection: InspectionPlan,
    pairings: Sequence[DemoPairing],
    askers: Mapping[str, Asker],
    answers: Callable[[Asker], tuple[str, str]],
) -> None:
    """Every quarter's visits; experts came along on some, and found exactly so many hazards."""
    random, until = rounds.random, rounds.until
    quarters = quarters_before(until, plan.quarters)
    overdue = _choose_overdue(pairings, plan, random)
    visits: list[tuple[DemoPairing, Quarter, date]] = []
    for at, quarter in enumerate(quarters):
        last = min(quarter.last, until - timedelta(days=2))
        days = working_days(rounds.calendar, quarter.first, last) if last >= quarter.first else []
        # The first days of a quarter go by before anybody is out.
        passed = len(working_days(rounds.calendar, quarter.first, quarter.last))
        for pairing in pairings:
            if pairing.code in overdue and at >= len(quarters) - 2:
                continue
            if at < len(quarters) - 2 and random.random() < 0.02:
                continue
            if days and (at < len(quarters) - 1 or random.random() < len(days) / passed):
                visits.append((pairing, quarter, random.choice(days)))
    visits.sort(key=lambda visit: (visit[2], visit[0].code))
    found = _share_out(random, len(visits), inspection.visits, inspection.hazards)
    proposed = _flags(random, inspection.hazards, inspection.proposals)
    # What is stalled was found of late; older hazards have been struck off by now.
    earlier = inspection.hazards - 3 * inspection.stalled
    stalled = [False] * earlier + _flags(random, 3 * inspection.stalled, inspection.stalled)
    quiet = [number for number in range(len(visits)) if number not in found]
    heard = set(random.sample(quiet, min(plan.heard, len(quiet))))
    hazards = 0
    for number, (pairing, quarter, day) in enumerate(visits):
        asker = askers[pairing.code]
        visit = rounds.visit(number + 1, pairing, asker, quarter, day)
        many = found.get(number, 0)
        rounds.record(visit, _EXPERT if many else random.choice(_SEEN))
        children = []
        for _ in range(many):
            hazard = rounds.find(visit, hazards + 1, pairing.office, proposed[hazards], stalled[hazards])
            hazards += 1
            children.append(hazard)
        if number in heard:
            kind, office = answers(asker)
            visit.wait(0)
            demand = desk.tell(day, kind, office, asker, heard=(visit, pairing.officer))
            visit.do("hear_demand", "opener", pairing.officer, child=[{"case": demand.key, "type": "demand"}])
            children.append(demand)
        rounds.close(visit, children)


def quarters_before(today: date, count: int) -> list[Quarter]:
    """So many full quarters and the present one, the earliest first."""
    year, quarter = today.year, (today.month - 1) // 3
    found = []
    for _ in range(count + 1):
        first = date(year, 3 * quarter + 1, 1)
        after = date(year + quarter // 3, 3 * (quarter + 1) % 12 + 1, 1)
        found.append(Quarter(first, after - timedelta(days=1)))
        year, quarter = (year - 1, 3) if quarter == 0 else (year, quarter - 1)
    return found[::-1]


def _choose_overdue(pairings: Sequence[DemoPairing], plan: PairingPlan, random: Random) -> set[str]:
    """Some of every officer's, the first one's two; never the first pairing, which is the demo's own enterprise."""
    first = next(iter(plan.officers))
    own = [each.code for each in pairings if each.officer == first][1:]
    others = [each.code for each in pairings if each.officer != first]
    return {*random.sample(own, min(2, plan.overdue)), *random.sample(others, max(plan.overdue - 2, 0))}


def _share_out(random: Random, visits: int, among: int, total: int) -> dict[int, int]:
    """Visit → hazards found: `total` over `among` of the visits, half of these late ones; at most six on one."""
    late = random.sample(range(visits * 4 // 5, visits), among // 2)
    chosen = [*random.sample(range(visits * 4 // 5), among - len(late)), *late]
    found = dict.fromkeys(chosen, 1)
    while sum(found.values()) < total:
        visit = random.choice(chosen)
        if found[visit] < 6:
            found[visit] += 1
    return found


def _flags(random: Random, count: int, true: int) -> list[bool]:
    flags = [True] * true + [False] * (count - true)
    random.shuffle(flags)
    return flags


def _paint(number: int) -> bytes:
    """A picture of nothing: bands of colour under a horizon, so that a photo is there and none is real."""
    width, height = 320, 240
    random = Random(f"photo/{number}")
    sky, wall, floor = (
        [random.randint(low, high) for _ in range(3)] for low, high in ((170, 230), (90, 160), (60, 110))
    )
    rows = bytearray()
    for y in range(height):
        colour = sky if y < 80 else wall if y < 170 else floor
        shade = bytes(max(each - (y % 40), 0) for each in colour)
        rows += b"\0" + shade * width

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(rows), 9))
        + chunk(b"IEND", b"")
    )


PHOTOS: Mapping[str, bytes] = {f"整改后照片（演示）{number}.png": _paint(number) for number in range(1, 7)}
