"""Pages of casework under load, on one database after the other: each kind by itself, then all mixed with acts between
them, as people work; beside a bare page of the same server, and what memory the processes took.
"""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from queue import Empty, SimpleQueue
from random import Random
from urllib.parse import urlencode

from bench.casework.city import CLERK, COUNTY_CLERK, HANDLER, LEADER, OWNER
from bench.site.city import PASSWORD
from bench.site.load import BEFORE, SECONDS, USERS, Person, WrongAnswer, put_under_load
from bench.site.processes import peaks
from bench.site.row import Row
from bench.site.stage import DATABASES, Served, Stage, keep_to_cores, serving_bare, serving_site, stage

COUNT = 1_000_000
MAKER = "bench.casework.city"
OFFICIALS = (CLERK, COUNTY_CLERK, HANDLER, LEADER)
READS = 10
"""For each act."""
MIXED = 6
"""Times as long as one kind of page."""
_CASE = re.compile(r'href="/cases/([A-Z]{2,4}-\d{4}-\d{6})/"')
_SEEN = re.compile(r'name="seen" value="(\d+)"')


@dataclass(frozen=True)
class Visit:
    """A kind of page: who looks at it, where, how often among others, and within what time it should come."""

    title: str
    people: tuple[str, ...]
    ask: Callable[[Random, list[str]], str]
    weight: int
    target: float | None = None


def _inbox(random: Random, cases: list[str]) -> str:
    return "/cases/?" + urlencode(
        random.choice(
            [
                {},
                {},
                {"tab": "mine"},
                {"tab": "office"},
                {"tab": "desk"},
                {"tab": "all", "kind": random.choice(("land", "money", "approval"))},
                {"tab": "all", "type": "demand", "page": random.randint(1, 5)},
            ]
        )
    )


def _overdue(random: Random, cases: list[str]) -> str:
    return "/cases/?" + urlencode(random.choice([{"tab": "overdue"}, {"tab": "overdue", "page": 2}]))


def _ranking(random: Random, cases: list[str]) -> str:
    return "/cases/measures/ranking/?" + urlencode(
        {"span": random.choice(("year", "quarter", "month", "week"))}
    )


def _figures(random: Random, cases: list[str]) -> str:
    by = random.choice(("county", "organisation", "kind"))
    return "/cases/measures/?" + urlencode({"span": random.choice(("year", "month")), "by": by})


VISITS = (
    Visit("inbox", OFFICIALS, _inbox, 5, 0.150),
    Visit("overdue list", (CLERK, COUNTY_CLERK, LEADER), _overdue, 2, 0.300),
    Visit("county ranking", (CLERK, COUNTY_CLERK, LEADER), _ranking, 1, 0.300),
    Visit("figures", (CLERK, COUNTY_CLERK, LEADER), _figures, 1),
    Visit("case", (CLERK, LEADER), lambda random, cases: f"/cases/{random.choice(cases)}/", 4),
    Visit("an enterprise's own cases", (OWNER,), lambda random, cases: "/cases/mine/", 1),
)


def run(
    count: int = COUNT, seconds: float = SECONDS, databases: tuple[str, ...] = DATABASES
) -> Iterator[Row]:
    """``seconds`` for each kind of page, ``MIXED`` times that for all together. Rows come as they are measured."""
    keep_to_cores()
    for database in databases:
        with stage(database, count, MAKER) as on:
            yield from measure(on, seconds)


def measure(on: Stage, seconds: float, users: int = USERS) -> Iterator[Row]:
    with serving_site(on) as served:
        people = {name: Person(served.address).log_in(name, PASSWORD) for name in (*OFFICIALS, OWNER)}
        cases = _find_cases(people[CLERK])
        for visit in VISITS:
            who = [people[name] for name in visit.people]
            before = served.seconds
            times = put_under_load(
                who, lambda random, _person, ask=visit.ask: ask(random, cases), users, seconds
            )  # type: ignore[misc]
            cpu = (served.seconds - before) / times.asked
            note = _judge(times.p95, visit.target)
            yield Row(visit.title, on.database, times.median, times.p95, times.rate, cpu, note)
        for process in served.processes:
            process.forget()
        yield from _mix(on, served, people, cases, seconds * MIXED, users)
        held = peaks(served.processes)
        yield Row(
            "memory while mixed",
            on.database,
            None,
            note=f"web {held.web:.0f} MB, worker {held.worker:.0f} MB",
        )
    with serving_bare(on) as served:
        same = [Person(served.address, dict(people[CLERK].cookies))]
        before = served.seconds
        times = put_under_load(same, lambda random, _: f"/?page={random.randint(1, 4)}", users, seconds)
        cpu = (served.seconds - before) / times.asked
        yield Row("bare Django list page, 50 rows", on.database, times.median, times.p95, times.rate, cpu)


def _judge(p95: float, target: float | None) -> str:
    if target is None:
        return ""
    return f"p95 < {target * 1000:.0f} ms: {'met' if p95 < target else 'missed'}"


def _find_cases(clerk: Person) -> list[str]:
    """Numbers of cases old and new, from lists of each year."""
    found: set[str] = set()
    for year in range(2022, 2027):
        for tab in ("all", "overdue"):
            page = clerk.get(f"/cases/?tab={tab}&since={year}-03-01&until={year}-03-31")
            found |= set(_CASE.findall(page))
    found |= set(_CASE.findall(clerk.get("/cases/?tab=all"))) | set(
        _CASE.findall(clerk.get("/cases/?tab=overdue"))
    )
    if len(found) < 50:
        raise WrongAnswer(f"only {len(found)} cases found")
    return sorted(found)


# -- all mixed, with acts -----------------------------------------------------------------------------------------


def _mix(
    on: Stage, served: Served, people: dict[str, Person], cases: list[str], seconds: float, users: int
) -> Iterator[Row]:
    """Everyone does what their role does; after ten pages read, one case is moved on, or a note is written."""
    people[CLERK].leave()  # the server does not keep a connection that was idle for long
    waiting: SimpleQueue[str] = SimpleQueue()
    for page in range(1, 9):
        for number in dict.fromkeys(_CASE.findall(people[CLERK].get(f"/cases/?tab=desk&page={page}"))):
            waiting.put(number)
    taken: dict[str, list[float]] = defaultdict(list)
    lock = threading.Lock()
    failures: list[Exception] = []
    together = threading.Barrier(users, timeout=300)
    moved = [0]

    def work(number: int) -> None:
        random = Random(1000 + number)
        name = (*OFFICIALS, *OFFICIALS)[number % 8]
        mine = {each: person.copy() for each, person in people.items()}
        able = [visit for visit in VISITS if name in visit.people or visit.people == (OWNER,)]
        weights = [visit.weight for visit in able]
        kept: list[tuple[str, float]] = []
        try:
            together.wait()
            end, reads = time.perf_counter() + seconds, 0
            while time.perf_counter() < end or reads < READS:
                reads += 1
                if reads % READS == 0:
                    kept.append(("act", _act(mine[CLERK], waiting, cases, random, moved)))
                    continue
                visit = random.choices(able, weights)[0]
                person = mine[OWNER if visit.people == (OWNER,) else name]
                start = time.perf_counter()
                person.get(visit.ask(random, cases))
                if reads > BEFORE:
                    kept.append((visit.title, time.perf_counter() - start))
        except (WrongAnswer, OSError, threading.BrokenBarrierError) as error:
            together.abort()
            failures.append(error)
        with lock:
            for title, one in kept:
                taken[title].append(one)

    before = served.seconds
    threads = [threading.Thread(target=work, args=(number,)) for number in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    total = sum(map(len, taken.values()))
    cpu = (served.seconds - before) / total
    targets = {visit.title: visit.target for visit in VISITS}
    for title in (*targets, "act"):
        if not taken[title]:
            continue
        p95 = statistics.quantiles(taken[title], n=20)[-1] if len(taken[title]) > 1 else taken[title][0]
        note = _judge(p95, targets.get(title))
        if title == "act":
            note = f"{len(taken[title])} acts, {moved[0]} of them accepted a demand"
        yield Row(f"mixed: {title}", on.database, statistics.median(taken[title]), p95, note=note)
    yield Row(
        "mixed: all",
        on.database,
        statistics.median(chain.from_iterable(taken.values())),
        None,
        total / seconds,
        cpu,
    )


def _act(
    clerk: Person, waiting: SimpleQueue[str], cases: list[str], random: Random, moved: list[int]
) -> float:
    """Seconds of sending one act; looking at the case before is not in it."""
    try:
        number = waiting.get_nowait()
        values = [("act", "accept")]
        moved[0] += 1
    except Empty:
        number = random.choice(cases)
        values = [("act", "note"), ("note", "已电话了解进展。")]
    page = clerk.get(f"/cases/{number}/?act={values[0][1]}")
    seen, token = _SEEN.search(page), re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    if seen is None or token is None:
        raise WrongAnswer(f"{number}: no form for {values[0][1]}")
    body = urlencode([("csrfmiddlewaretoken", token[1]), ("seen", seen[1]), *values]).encode()
    start = time.perf_counter()
    answer = clerk.send(f"/cases/{number}/act/", body, "application/x-www-form-urlencoded")
    spent = time.perf_counter() - start
    # Somebody else may have moved it meanwhile: that is told on the page itself, and counts as an answer.
    if not answer:
        raise WrongAnswer(f"{number}: {values}")
    return spent
