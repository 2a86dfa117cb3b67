"""The pages that are asked for under load, as a clerk of the city and one of a county ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from urllib.parse import urlencode

import polars as pl

from bench.site.city import CLERK, COUNTY, COUNTY_CLERK, PASSWORD, SEED, YEAR
from bench.site.load import USERS, Ask, Person, Times, put_under_load
from bench.site.row import Row
from bench.site.stage import Served, Stage, serving_bare, serving_site
from muheng.cities.demo import make_large
from muheng.cities.pack import load_pack

RUN = "/evaluations/2/runs/1/"
"""Of this year: the city is made in this order."""
MOST = 0.200
SHARE = 0.5


@dataclass(frozen=True)
class Sight:
    """What a person may ask for: the codes and names of the enterprises that they look after."""

    codes: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Visit:
    """A kind of page; ``ask`` gives an address for a person's next look."""

    title: str
    ask: Callable[[Random, Sight], str]
    target: float | None = None


def _listed(random: Random, sight: Sight) -> str:
    return "/enterprises/?" + urlencode(
        random.choice(
            [
                {"page": random.randint(1, 40)},
                {"sort": random.choice(("name", "-grade", "township", "industry_group"))},
                {"scale": "规上", "page": random.randint(1, 20)},
                {"grade": random.choice("ABCD"), "sort": "name"},
                {"state": "停产"},
                {"q": random.choice(sight.names)[2:4]},
            ]
        )
    )


def _typed(random: Random, sight: Sight) -> str:
    at = random.randrange(len(sight.codes))
    name, code = sight.names[at], sight.codes[at]
    start = random.randint(0, 2)
    typed = random.choice(
        (name[start : start + random.randint(1, 4)], code[: random.randint(3, 18)], "jx", "hgc")
    )
    return "/enterprises/search/?" + urlencode({"q": typed})


def _results(random: Random, sight: Sight) -> str:
    sort = random.choice(("总分", "-总分", "等级", "上年等级", "亩均税收:v", "-亩均税收:v", "所在"))
    filters = random.choice(
        [
            {},
            {"page": random.randint(1, 30)},
            {"grade": random.choice("ABCD")},
            {"class": "规上", "page": random.randint(1, 5)},
            {"moved": random.choice(("up", "down"))},
            {"low": random.randint(20, 60), "high": random.randint(61, 110)},
            {"q": random.choice(sight.names)[2:4]},
        ]
    )
    return f"{RUN}table/?" + urlencode({"sort": sort, **filters})


VISITS = (
    Visit("enterprise list", _listed, MOST),
    Visit("enterprise page", lambda random, sight: f"/enterprises/{random.choice(sight.codes)}/", MOST),
    Visit("search as one types", _typed, MOST),
    Visit("results table", _results, MOST),
    Visit("overview of a run", lambda random, sight: RUN),
    Visit("explanation", lambda random, sight: f"{RUN}enterprises/{random.choice(sight.codes)}/"),
    Visit("home page", lambda random, sight: "/"),
)


def sights(count: int) -> tuple[Sight, Sight]:
    """Of the city's clerk, and of the county's."""
    pack, _ = load_pack("maanshan")
    assert pack is not None
    large = make_large(pack, SEED, count, YEAR)
    both = large.frame.select("统一社会信用代码", "企业名称").join(
        large.locations.select("统一社会信用代码", "县区"), on="统一社会信用代码"
    )
    city, county = (
        Sight(tuple(rows["统一社会信用代码"]), tuple(rows["企业名称"]))
        for rows in (both, both.filter(pl.col("县区") == COUNTY))
    )
    return city, county


def measure_pages(on: Stage, count: int, seconds: float, users: int = USERS) -> Iterator[Row]:
    """Each kind of page by ``users`` at once, half of them the county's; then the JSON list beside its peers."""
    seen = sights(count)
    with serving_site(on) as served:
        people = [Person(served.address).log_in(name, PASSWORD) for name in (CLERK, COUNTY_CLERK)]
        for visit in VISITS:
            times, cpu = _load(served, people, _asking(visit, seen), seconds, users)
            note = ""
            if visit.target is not None:
                met = "met" if times.p95 < visit.target else "missed"
                note = f"p95 < {visit.target * 1000:.0f} ms: {met}"
            yield Row(visit.title, on.database, times.median, times.p95, times.rate, cpu, note)
        ours, our_cpu = _load(served, people[:1], _part, seconds, users)
    with serving_bare(on) as served:
        last = min(40, count // 50)
        same = [Person(served.address, dict(people[0].cookies))]
        page, page_cpu = _load(
            served, same, lambda random, _: f"/?page={random.randint(1, last)}", seconds, users
        )
        twin, twin_cpu = _load(
            served, same, lambda random, _: f"/list.json?page={random.randint(1, last)}", seconds, users
        )
    ratio = ours.rate / page.rate
    said = f"{ratio:.2f} of the bare page's rate; at least {SHARE}: {'met' if ratio >= SHARE else 'missed'}"
    for job, times, cpu, note in (
        ("JSON list, 50 rows", ours, our_cpu, said),
        ("bare Django list page, 50 rows", page, page_cpu, ""),
        ("bare Django JSON, 50 rows", twin, twin_cpu, ""),
    ):
        yield Row(job, on.database, times.median, times.p95, times.rate, cpu, note)


def _load(served: Served, people: list[Person], ask: Ask, seconds: float, users: int) -> tuple[Times, float]:
    """Times, and seconds of the server's processor for each page."""
    before = served.seconds
    times = put_under_load(people, ask, users, seconds)
    return times, (served.seconds - before) / times.asked


def _part(random: Random, person: int) -> str:
    return "/api/enterprises/?" + urlencode({"limit": 50, "offset": 50 * random.randint(0, 40)})


def _asking(visit: Visit, seen: tuple[Sight, Sight]) -> Callable[[Random, int], str]:
    return lambda random, person: visit.ask(random, seen[person])
