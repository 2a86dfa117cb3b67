"""Casework of a demo city: who works in it, what enterprises asked, and what became of it. Synthetic, plain data.

The figures that the city's articles give come out of it when the cases are counted. Everything lies before the demo's
today. Enterprises are those of the registry; accounts, offices and cases are named, not numbered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from random import Random

from muheng.cities.demo.audits import PAPERS, tell_audits
from muheng.cities.demo.casework_plan import (
    CaseworkPlan,
    PersonOf,
    read_demand_words,
    read_hazard_words,
    read_plan,
)
from muheng.cities.demo.demands import Asker, Desk, Staff, tell_recent, tell_solved
from muheng.cities.demo.exchanges import DemoExchanges, make_exchanges, read_exchanges
from muheng.cities.demo.inspections import (
    PHOTOS,
    DemoPairing,
    Rounds,
    pair_all,
    quarters_before,
    tell_visits,
)
from muheng.cities.demo.operations import make_name
from muheng.cities.demo.registry import DemoRegistry
from muheng.cities.demo.stories import DemoCase
from muheng.cities.pack import Department, Pack
from muheng.standards.calendar import load_calendar


@dataclass(frozen=True)
class DemoCasework:
    """`cases` by their opening, parents before their children."""

    pack: str
    seed: int
    today: date
    persons: tuple[PersonOf, ...]
    owner: str | None
    """The enterprise of the account that the demo has for enterprises."""
    pairings: tuple[DemoPairing, ...]
    files: Mapping[str, bytes]
    """What cases have attached, by name."""
    exchanges: DemoExchanges
    cases: tuple[DemoCase, ...]


def make_casework(
    pack: Pack, registry: DemoRegistry, seed: int, today: date, owner: str | None = None
) -> DemoCasework:
    """The casework of a pack up to the day before `today`; the same arguments give the same.

    `owner` is the enterprise that has an account already; otherwise one is chosen if the plan has an account for it.
    Raises ValueError, with every diagnostic, when the pack's demo files have mistakes.
    """
    plan = read_plan(pack)
    works = {department.name: department for department in pack.city.department}
    persons, handlers = _appoint(plan, works, seed)
    desk = Desk(
        words=read_demand_words(),
        staff=Staff("desk", "leader", handlers),
        random=Random(f"{seed}/demands"),
        calendar=load_calendar(),
        until=today,
        ecology=plan.ecology,
    )
    people = _Askers(pack, registry, owner)
    if owner is None and plan.enterprise is not None:
        owner = people.choose(works)
    for number, solved in enumerate(plan.solved):
        desk.random = Random(f"{seed}/demands/{number}")
        tell_solved(desk, solved, people.of, works)
    if plan.recent is not None:
        desk.random = Random(f"{seed}/demands/recent")
        asker = people.owner(owner) if owner is not None else None
        tell_recent(desk, plan.recent, people.of, works, asker)
    cases = desk.cases
    pairings: list[DemoPairing] = []
    if plan.pairing is not None and plan.inspection is not None:
        rounds = Rounds(read_hazard_words(), Random(f"{seed}/visits"), desk.calendar, today)
        desk.random = Random(f"{seed}/demands/heard")
        since = quarters_before(today, plan.pairing.quarters)[0].first
        offices = {person.username: person.office for person in persons}
        pairings = pair_all(plan.pairing, offices, people.of, owner, Random(f"{seed}/pairings"), since)
        tell_visits(
            rounds,
            desk,
            plan.pairing,
            plan.inspection,
            pairings,
            people.by_code,
            _answering(works, desk.random),
        )
        cases = [*desk.cases, *rounds.cases]
    exchanges = read_exchanges(pack)
    if exchanges.audits:
        # The large ones are ordered to be audited.
        codes, random = people.by_size[: len(people.by_size) // 2], Random(f"{seed}/audits")
        cases += tell_audits(
            exchanges.audits, codes, people.nearest, handlers, "desk", random, desk.calendar, today
        )
    return DemoCasework(
        pack=pack.id,
        seed=seed,
        today=today,
        persons=persons,
        owner=owner,
        pairings=tuple(pairings),
        files={**(PHOTOS if pairings else {}), **(PAPERS if exchanges.audits else {})},
        exchanges=make_exchanges(exchanges, people.counties, desk.calendar, seed, today),
        cases=tuple(sorted(cases, key=lambda case: (case.opened_at, case.parent is not None, case.key))),
    )


def _answering(works: dict[str, Department], random: Random) -> Callable[[Asker], tuple[str, str]]:
    """What is asked on a visit, and which of the city's offices answers it."""
    able = [(kind, each.name) for each in works.values() if each.place is None for kind in each.work]
    return lambda _asker: random.choice(able)


def _appoint(
    plan: CaseworkPlan, works: dict[str, Department], seed: int
) -> tuple[tuple[PersonOf, ...], dict[str, str]]:
    """Accounts, and who of them answers for which office: those of the plan, and one made up for each other office."""
    random = Random(f"{seed}/persons")
    persons, handlers = list(plan.person), dict(plan.handlers)
    for number, office in enumerate(works, 1):
        if office not in handlers:
            username = f"office{number:02d}"
            handlers[office] = username
            persons.append(
                PersonOf(
                    username=username,
                    name=make_name(random),
                    english="",
                    post="承办人",
                    role="handler",
                    office=office,
                )
            )
    if plan.enterprise is not None:
        persons.append(plan.enterprise)
    return tuple(persons), handlers


class _Askers:
    """Which enterprises turn to which office: those of its county or park, or all where it is the city's."""

    def __init__(self, pack: Pack, registry: DemoRegistry, owner: str | None) -> None:
        contacts = {c.code: c for c in registry.contacts if c.post == "环保负责人"}
        state = dict(registry.city.truth.select("统一社会信用代码", "状态").iter_rows())
        self._homes = {department.name: department.place for department in pack.city.department}
        self._everybody: list[Asker] = []
        self._here: dict[str, list[Asker]] = defaultdict(list)
        self.counties: dict[str, list[str]] = {county.name: [] for county in pack.city.county}
        self.by_size: list[str] = []
        self.nearest: dict[str, str] = {}
        """Enterprise → the office of its park or county."""
        offices = {place: name for name, place in self._homes.items() if place is not None}
        above = set(registry.city.truth.filter(registry.city.truth["规模"] == "规上")["统一社会信用代码"])
        parks = {park.short or park.name: park.name for park in pack.city.park}
        served = {department.place for department in pack.city.department}
        for place in registry.locations:
            settled = state.get(place.code) == "正常" and place.registered.year <= 2020
            if not settled and place.code != owner:
                continue
            contact = contacts[place.code]
            asker = Asker(place.code, contact.name, contact.mobile)
            self._everybody.append(asker)
            # A park that has an office of its own does not burden its county's.
            own = [parks[name] for name in place.parks if parks[name] in served]
            for home in own or [place.county]:
                self._here[home].append(asker)
                if home in offices:
                    self.nearest.setdefault(place.code, offices[home])
            self.counties[place.county].append(place.code)
            self.by_size.append(place.code)
        self.by_size.sort(key=lambda code: (code not in above, code))

    def of(self, office: str) -> list[Asker]:
        home = self._homes[office]
        return self._everybody if home is None else self._here[home]

    @property
    def by_code(self) -> dict[str, Asker]:
        return {each.code: each for each in self._everybody}

    def owner(self, code: str) -> Asker:
        found = next((each for each in self._everybody if each.code == code), None)
        return Asker(code, found.contact if found else "", found.phone if found else "", "enterprise")

    def choose(self, works: dict[str, Department]) -> str:
        """One of the first office that has enterprises of its own."""
        homes = [name for name in works if self._homes[name] is not None and self.of(name)]
        return min(each.code for each in self.of(homes[0]))
