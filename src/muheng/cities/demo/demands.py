"""What enterprises ask of the offices and what became of it: demands told from their opening to their end, or to today."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from muheng.cities.demo.casework_plan import (
    DemandForm,
    DemandWords,
    RecentRound,
    SolvedRound,
    Turn,
)
from muheng.cities.demo.stories import (
    DemoCase,
    NotYet,
    Story,
    midnight,
    working_day_before,
    working_days,
    working_hour,
)
from muheng.cities.pack import Department
from muheng.standards.calendar import Calendar

DEMAND, ASSIST, REVISIT = "demand", "assist", "revisit"
_LIMITS = {"approval": 7, "land": 15, "money": 15}
_LIMIT = 10
"""Working days that are promised: what is not to be late is answered well before."""
_LONG: frozenset[Turn] = frozenset({"paused", "extended", "reopened", "escalated"})
_SOURCES = ("企业自报", "企业自报", "企业自报", "走访发现", "会议收集")
_SLOTS: dict[str, Callable[[Random], str]] = {
    "mu": lambda random: str(random.randint(6, 60)),
    "wan": lambda random: str(random.choice((200, 300, 500, 800, 1200, 2000, 3000))),
    "people": lambda random: str(random.randint(12, 90)),
    "kva": lambda random: str(random.choice((400, 630, 800, 1250, 1600, 2000))),
    "tons": lambda random: f"{random.randint(8, 180) / 10:g}",
    "months": lambda random: str(random.randint(2, 9)),
    "number": lambda random: str(random.randint(2, 12)),
}
_ASKED = {"land": ("plot_area", "mu"), "money": ("amount", "wan"), "labour": ("workers", "people")}


@dataclass(frozen=True)
class Filed:
    """A form with its numbers."""

    about: str
    text: str
    answer: str
    numbers: dict[str, str]


@dataclass(frozen=True)
class Asker:
    """An enterprise that asks, and who is to be called there. `account` is that of the demo, if it is its own."""

    code: str
    contact: str
    phone: str
    account: str | None = None


@dataclass(frozen=True)
class Staff:
    """Accounts: who takes in, who leads, who answers for an office."""

    desk: str
    leader: str
    handlers: dict[str, str]


@dataclass
class Desk:
    """Tells demands one after the other; forms of a kind come round only when all were used."""

    words: DemandWords
    staff: Staff
    random: Random
    calendar: Calendar
    until: date
    ecology: bool = False
    cases: list[DemoCase] = field(default_factory=list)
    _forms: dict[str, list[DemandForm]] = field(default_factory=dict)
    _count: int = 0

    def fill(self, kind: str) -> Filed:
        waiting = self._forms.setdefault(kind, [])
        if not waiting:
            forms = self.words.forms(kind, self.ecology)
            waiting += self.random.sample(forms, len(forms))
        form = waiting.pop()
        return fill_form(form, self.random)

    def tell(
        self,
        start: date,
        kind: str,
        office: str,
        asker: Asker,
        turns: Collection[Turn] = (),
        heard: tuple[Story, str] | None = None,
    ) -> Story:
        """One demand, as far as it is by the demo's today; what it brought with it is told too.

        `heard`: the visit that it was heard on, and the officer who wrote it down.
        """
        filed = self.fill(kind)
        story = self._begin(start, kind, office, asker, filed, heard)
        others: list[Story] = []
        with suppress(NotYet):
            self._handle(story, kind, office, filed, frozenset(turns), others)
        self.cases += [each.told() for each in (story, *others) if each.events]
        return story

    def tell_refused(self, start: date, kind: str, office: str, asker: Asker) -> None:
        story = self._begin(start, kind, office, asker, self.fill(kind))
        try:
            story.wait(1)
            story.do("refuse", "desk", self.staff.desk, note=self._say("refuse"))
        except NotYet:
            pass
        self.cases.append(story.told())

    def tell_withdrawn(self, start: date, kind: str, office: str, asker: Asker) -> None:
        story = self._begin(start, kind, office, asker, self.fill(kind))
        try:
            story.wait(1)
            story.do("accept", "desk", self.staff.desk)
            story.wait(2)
            story.do("withdraw", "enterprise", asker.account, note="情况变化，不再需要。")
        except NotYet:
            pass
        self.cases.append(story.told())

    def _begin(
        self,
        start: date,
        kind: str,
        office: str,
        asker: Asker,
        filed: Filed,
        heard: tuple[Story, str] | None = None,
    ) -> Story:
        self._count += 1
        source = "企业自报"
        if heard is not None:
            source = "走访发现"
        elif asker.account is None:
            source = self.random.choice(_SOURCES)
        part, who = {
            "企业自报": ("enterprise", asker.account),
            "走访发现": ("opener", self.staff.handlers[office]),
            "会议收集": ("desk", self.staff.desk),
        }[source]
        visit, who = heard if heard is not None else (None, who)
        story = Story(
            f"demand-{self._count:04d}",
            DEMAND,
            filed.about,
            asker.code,
            self.random,
            self.calendar,
            midnight(self.until),
            working_hour(start, self.random) if visit is None else visit.moment,
            opener=who,
            parent=visit,
            personal={"contact": asker.contact, "phone": asker.phone},
        )
        fields: dict[str, Any] = {
            "title": filed.about,
            "detail": filed.text,
            "source": source,
            "contact": True,
            "phone": True,
        }
        name, slot = _ASKED.get(kind, ("", ""))
        if slot in filed.numbers:
            fields[name] = filed.numbers[slot]
        story.do("open", part, who, kind=kind, fields=fields, organisation=office)
        return story

    def _handle(
        self,
        story: Story,
        kind: str,
        office: str,
        filed: Filed,
        turns: frozenset[Turn],
        others: list[Story],
    ) -> None:
        staff, random = self.staff, self.random
        handler, limit = staff.handlers[office], _LIMITS.get(kind, _LIMIT)
        asker = story.events[0].who if story.events[0].part == "enterprise" else None
        if "returned" in turns:
            story.wait(1)
            story.do("return", "desk", staff.desk, note=self._say("incomplete"))
            story.wait(random.randint(1, 3))
            story.do("resubmit", "enterprise", asker)
        story.wait(4 if "late_accept" in turns else 1)
        story.do("accept", "desk", staff.desk)
        story.wait(0)
        story.do("dispatch", "desk", staff.desk, organisation=office, handler=handler)
        if "duplicate" in turns:
            self._tell_duplicate(story, kind, office, filed, others)
        if "escalated" in turns:
            self._pass_limit(story, limit)
        else:
            story.wait(random.randint(1, 2))
            story.do("progress", "handler", handler, note=self._say("progress"))
            if random.random() < 0.25:
                story.wait(0)
                story.do("note", "handler", handler, note=self._say("internal"), internal=True)
        if "urged" in turns:
            story.wait(1)
            story.do("urge", "enterprise", asker, note=self._say("urge"))
        if "paused" in turns:
            story.wait(0)
            note = self._say("pause")
            story.do("suspend", "desk", staff.desk, reason=reason_of(note), note=note)
            story.wait(random.randint(3, 9))
            story.do("resume", "handler", handler)
        if "extended" in turns:
            story.wait(1)
            story.do("extend", "leader", staff.leader, clock="promised", days=5, note=self._say("extend"))
            story.wait(4)
            story.do("progress", "handler", handler, note=self._say("progress"))
        if "joint" in turns:
            self._ask_others(story, office, others)
        story.wait(limit + random.randint(4, 12) if "slow" in turns else random.randint(1, 2))
        story.do("answer", "handler", handler, note=filed.answer, fields={"outcome": "已解决"})
        if "objected" in turns:
            story.wait(random.randint(1, 3))
            story.do("object", "enterprise", asker, note=self._say("object"))
            story.wait(random.randint(1, 3))
            again = f"{self._say('again')}{filed.answer}"
            story.do("answer", "handler", handler, note=again)
        self._close(story, office, asker, turns, others)

    def _close(
        self, story: Story, office: str, asker: str | None, turns: frozenset[Turn], others: list[Story]
    ) -> None:
        random, staff = self.random, self.staff
        if "revisited" in turns:
            self._revisit(story, office, others)
            return
        story.wait(40 if "unconfirmed" in turns else random.randint(1, 3))
        story.do("confirm", "enterprise", asker)
        story.end()
        story.wait(0)
        if "reopened" in turns:
            story.do("rate", "enterprise", asker, rating=2)
            story.wait(random.randint(4, 12))
            story.do("reopen", "enterprise", asker, note=self._say("reopen"))
            story.wait(random.randint(1, 3))
            story.do("answer", "handler", staff.handlers[office], note=self._say("again"))
            story.wait(random.randint(1, 2))
            story.do("confirm", "enterprise", asker)
            story.wait(0)
            story.do("rate", "enterprise", asker, rating=random.choice((3, 4)))
        elif random.random() < 0.85:
            rating = (
                3
                if "escalated" in turns
                else 4
                if "objected" in turns
                else random.choices((5, 4, 3, 2), (64, 26, 8, 2))[0]
            )
            story.do(
                "rate", "enterprise", asker, rating=rating, note=self._say("praise") if rating == 5 else ""
            )

    def _revisit(self, story: Story, office: str, others: list[Story]) -> None:
        """Nobody confirmed; somebody asked again, and the desk closes."""
        handler = self.staff.handlers[office]
        story.wait(5)
        child = story.branch(f"{story.key}-revisit", REVISIT, f"回访：{story.title}", handler)
        others.append(child)
        fields = {"title": f"回访：{story.title}"}
        child.do("open", "handler", handler, fields=fields, organisation=office, handler=handler)
        story.do("arrange_revisit", "handler", handler, child=[{"case": child.key, "type": REVISIT}])
        child.wait(self.random.randint(1, 3))
        child.do(
            "record",
            "handler",
            handler,
            fields={
                "means": self.random.choice(("上门", "电话")),
                "visited_on": child.moment.date().isoformat(),
                "finding": self._say("revisit"),
            },
        )
        story.end_child(child)
        story.wait(0)
        story.do("close", "desk", self.staff.desk, note=self._say("close"))
        story.end()

    def _ask_others(self, story: Story, office: str, others: list[Story]) -> None:
        """Another office helps; the answer waits for it."""
        handler = self.staff.handlers[office]
        helper = self.random.choice(sorted(set(self.staff.handlers) - {office}))
        child = story.branch(f"{story.key}-assist", ASSIST, f"协办：{story.title}", handler)
        others.append(child)
        fields = {"title": f"协办：{story.title}", "detail": self._say("joint")}
        helping = self.staff.handlers[helper]
        child.do("open", "handler", handler, fields=fields, organisation=helper, handler=helping)
        story.do("joint", "handler", handler, child=[{"case": child.key, "type": ASSIST}])
        child.wait(self.random.randint(1, 2))
        child.do("finish", "handler", helping, note=self._say("assisted"))
        story.end_child(child)

    def _tell_duplicate(
        self, story: Story, kind: str, office: str, filed: Filed, others: list[Story]
    ) -> None:
        """The same was asked once more; the desk puts the second into the first."""
        story.wait(0)
        self._count += 1
        again = Story(
            f"demand-{self._count:04d}",
            DEMAND,
            story.title,
            story.code,
            self.random,
            self.calendar,
            story.until,
            story.moment,
            personal=dict(story.personal),
        )
        others.append(again)
        fields = {**story.events[0].data["fields"], "source": "企业自报"}
        again.do("open", "enterprise", None, kind=kind, fields=fields, organisation=office)
        again.wait(0)
        again.do("merge", "desk", self.staff.desk, cases=[story.key], note=self._say("duplicate"))
        story.moment = again.moment
        story.do("absorb", "desk", self.staff.desk, cases=[again.key], note=self._say("duplicate"))

    def _pass_limit(self, story: Story, limit: int) -> None:
        """The site reminded, then told the heads, one level after the other; the city asked, and it was answered."""
        passed = 0
        for share in (50, 80, 100):
            day = -(-limit * share // 100)
            story.wait(day - passed)
            story.do("warn", "site", clock="promised", level=share)
            passed = day
        for level, days in ((1, 1), (2, 4)):
            story.wait(days)
            story.do("escalate", "site", clock="promised", level=level)
        story.wait(0)
        story.do("urge", "leader", self.staff.leader, note="请承办单位说明原因，三日内办结。")

    def _say(self, what: str) -> str:
        phrases: Sequence[str] = getattr(self.words.phrases, what)
        return self.random.choice(phrases)


def fill_form(form: DemandForm, random: Random) -> Filed:
    """The same number wherever a form names it."""
    text = f"{form.about}{form.text}{form.answer}"
    numbers = {name: draw(random) for name, draw in _SLOTS.items() if f"{{{name}}}" in text}
    return Filed(form.about, form.text.format(**numbers), form.answer.format(**numbers), numbers)


def fill_slots(texts: Sequence[str], random: Random) -> list[str]:
    """Texts with their numbers, the same in all of them."""
    numbers = {name: draw(random) for name, draw in _SLOTS.items() if f"{{{name}}}" in "".join(texts)}
    return [text.format(**numbers) for text in texts]


def reason_of(note: str) -> str:
    """Which of the demand type's reasons for a pause a note is about."""
    if "批复" in note:
        return "等待上级批复"
    return "等待企业补充材料" if "补充" in note else "听证、专家评审或技术评估"


def tell_solved(
    desk: Desk, plan: SolvedRound, askers: Callable[[str], Sequence[Asker]], works: dict[str, Department]
) -> None:
    """As many demands of each office as the plan says, all of them closed within its period."""
    random = desk.random
    wanted = [office for office, count in plan.offices.items() for _ in range(count)]
    turns = _deal(random, plan.turns, len(wanted))
    days = working_days(desk.calendar, plan.since, plan.until)
    for office, turn in zip(wanted, turns, strict=True):
        # A story that takes long begins early enough to end in its period.
        usable = days[:-60] if set(turn) & _LONG else days[:-30]
        kind = random.choice([kind for kind in plan.kinds if kind in works[office].work])
        case = desk.tell(random.choice(usable), kind, office, random.choice(askers(office)), turn)
        if case.ended_at is None or case.moment.date() > plan.until:
            raise ValueError(f"{case.key} ends after {plan.until}")
    offices = sorted(plan.offices)
    for tell, count in ((desk.tell_refused, plan.refused), (desk.tell_withdrawn, plan.withdrawn)):
        for _ in range(count):
            office = random.choice(offices)
            kind = random.choice([kind for kind in plan.kinds if kind in works[office].work])
            tell(random.choice(days[:-10]), kind, office, random.choice(askers(office)))


def tell_recent(
    desk: Desk,
    plan: RecentRound,
    askers: Callable[[str], Sequence[Asker]],
    works: dict[str, Department],
    owner: Asker | None,
) -> None:
    """Demands of the last weeks, the newest the most; the demo's own enterprise has some at every stage."""
    random = desk.random
    able = {
        kind: [office for office, department in works.items() if kind in department.work and askers(office)]
        for kind in plan.kinds
    }
    if owner is not None:
        own: tuple[tuple[int, tuple[Turn, ...]], ...] = (
            (plan.days - 1, ()),
            (9, ("unconfirmed",)),
            (4, ("slow",)),
            (1, ()),
        )
        for back, turns in own:
            kind = random.choice([kind for kind in plan.kinds if able[kind]])
            office = next(
                (each for each in able[kind] if owner.code in {a.code for a in askers(each)}), able[kind][0]
            )
            start = working_day_before(desk.calendar, desk.until, back)
            desk.tell(start, kind, office, owner, turns)
    dealt = _deal(random, plan.turns, plan.count)
    for number, turn in enumerate(dealt):
        kind = plan.kinds[number % len(plan.kinds)]
        office = random.choice(able[kind])
        # What is slow or unconfirmed began long enough ago to show it.
        back = 1 + int((plan.days - 1) * random.random() ** 2)
        if "slow" in turn or "escalated" in turn:
            back = _LIMITS.get(kind, _LIMIT) + random.randint(3, 9)
        elif "unconfirmed" in turn:
            back = random.randint(8, 16)
        start = working_day_before(desk.calendar, desk.until, back)
        desk.tell(start, kind, office, random.choice(askers(office)), turn)


def _deal(random: Random, turns: dict[Turn, int], count: int) -> list[tuple[Turn, ...]]:
    """Each turn to so many of the demands, as far as there are demands that have none yet."""
    places: Iterator[int] = iter(random.sample(range(count), count))
    dealt: list[tuple[Turn, ...]] = [()] * count
    for turn, many in turns.items():
        for _ in range(many):
            place = next(places, None)
            if place is not None:
                dealt[place] = (turn,)
    return dealt
