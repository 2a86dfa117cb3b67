"""What enterprises were called and what they held before: former names, titles with their terms, earlier years.

In the demo's year everything agrees with the roster: its name is the last one, its 标签 are what is held on
31 December. Periods are half-open. Nothing here changes a figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random

from muheng.cities.demo.enterprises import Enterprise
from muheng.cities.demo.figures import Figures
from muheng.cities.demo.parameters import DemoParameters
from muheng.cities.pack import City

_RENAMED = 0.08
_TERM = {"高新技术企业": 3, "专精特新": 3, "品牌": 3}
"""Years that a title holds; others hold until they are withdrawn."""
_ISSUERS = {
    "高新技术企业": "省科技厅",
    "专精特新": "省经信厅",
    "绿色工厂": "省经信厅",
    "智能工厂": "省经信厅",
    "数字化车间": "省经信厅",
    "品牌": "省市场监管局",
    "研发平台": "科技局",
}
_FORMS = ("（集团）有限公司", "股份有限公司", "有限责任公司", "有限公司")


@dataclass(frozen=True)
class FormerName:
    code: str
    name: str
    start: date
    end: date
    source: str


@dataclass(frozen=True)
class HeldStatus:
    """A title such as 高新技术企业 for one term; a renewal is a term of its own that begins where this ends."""

    code: str
    name: str
    level: str | None
    start: date
    end: date | None
    document: str
    issuer: str

    def tag(self) -> str:
        """As facts write it: 专精特新:省级."""
        return self.name if self.level is None else f"{self.name}:{self.level}"


@dataclass(frozen=True)
class ParkStatus:
    """A title of a park, by the park's id."""

    park: str
    name: str
    level: str
    start: date
    end: date | None
    document: str
    issuer: str


def make_former_names(
    enterprises: Sequence[Enterprise], parameters: DemoParameters, seed: int, year: int
) -> tuple[FormerName, ...]:
    """Earlier names of about one enterprise in twelve, by code and date; none was ever another's."""
    random = Random(f"{seed}/former names")
    words = parameters.names
    able = [e for e in enterprises if e.registered.year <= year - 3]
    taken = {e.name for e in enterprises}
    found = []
    for e in random.sample(able, round(len(able) * _RENAMED)):
        count = 1 if random.random() < 0.85 else 2
        first, last = e.registered + timedelta(days=200), date(year + 1, 9, 30)
        changes = sorted(
            first + timedelta(days=d) for d in random.sample(range(30, (last - first).days, 97), count)
        )
        name, names = e.name, []
        for _ in changes:
            name = _earlier_name(random, name, words.first, words.second, words.third, taken)
            taken.add(name)
            names.append(name)
        starts = [e.registered, *changes]
        for former, (start, end) in zip(reversed(names), pairwise(starts), strict=True):
            source = f"变更登记通知书（演示）〔{end.year}〕第{random.randint(1, 4000):04d}号"
            found.append(FormerName(e.code, former, start, end, source))
    return tuple(sorted(found, key=lambda former: (former.code, former.start)))


def _earlier_name(random: Random, name: str, first: str, second: str, third: str, taken: set[str]) -> str:
    """Another brand, or the same with another legal form."""
    form = next(form for form in _FORMS if name.endswith(form))
    stem = name.removesuffix(form)
    while True:
        if random.random() < 0.4:
            earlier = stem + random.choice([other for other in _FORMS if other != form])
        else:
            brand = random.choice(first) + random.choice(second) + random.choice(third)
            earlier = brand + stem[3:] + random.choice((form, "有限公司", "有限责任公司"))
        if earlier not in taken:
            return earlier


def name_on(e: Enterprise, former: Mapping[str, Sequence[FormerName]], day: date) -> str:
    """What an enterprise was called on a day."""
    return next((past.name for past in former.get(e.code, ()) if past.start <= day < past.end), e.name)


def make_statuses(
    enterprises: Sequence[Enterprise], parameters: DemoParameters, seed: int, year: int
) -> tuple[HeldStatus, ...]:
    """Titles up to the end of October after the year, by code, title and date."""
    found: list[HeldStatus] = []
    kinds = [tag.text for tag in parameters.roster.tag]
    for e in enterprises:
        random = Random(f"{seed}/statuses/{e.code}")
        for tag in kinds:
            if tag in e.tags:
                found += _held(random, e, tag, year)
            elif e.status == "正常" and not e.industry.utility:
                found += _not_held(random, e, tag, year)
    order = {tag: at for at, tag in enumerate(kinds)}
    return tuple(sorted(found, key=lambda status: (status.code, order[status.tag()], status.start)))


def _held(random: Random, e: Enterprise, tag: str, year: int) -> list[HeldStatus]:
    """Terms of which one covers 31 December of the year."""
    term = _TERM.get(tag.partition(":")[0])
    end_of_year = date(year, 12, 31)
    earliest = min(e.registered + timedelta(days=365), end_of_year - timedelta(days=30))
    if term is None:
        start = _day(random, max(earliest, date(year - 9, 1, 1)), end_of_year)
        return [_status(random, e, tag, start, None)]
    start = _day(random, max(earliest, _years_on(end_of_year, -term) + timedelta(days=40)), end_of_year)
    starts = [start]
    while (before := _years_on(starts[0], -term)) >= earliest and random.random() < 0.6:
        starts.insert(0, before)
    end = _years_on(start, term)
    if end <= date(year + 1, 10, 31) and random.random() < 0.8:
        starts.append(end)
    return [_status(random, e, tag, begun, _years_on(begun, term)) for begun in starts]


def _not_held(random: Random, e: Enterprise, tag: str, year: int) -> list[HeldStatus]:
    """A term that ran out before the year's end, or one that begins after it: a few have either."""
    draw = random.random()
    term = _TERM.get(tag.partition(":")[0])
    common = 4.0 if tag == "高新技术企业" else 1.0
    rare = 0.2 if e.scale == "规下" else 1.0
    if term is not None and draw < 0.010 * common * rare and e.registered.year <= year - 6:
        start = _day(random, date(year - 5, 1, 1), date(year - term, 12, 1))
        return [_status(random, e, tag, start, _years_on(start, term))]
    if draw > 1 - 0.008 * common * rare:
        start = _day(random, date(year + 1, 3, 1), date(year + 1, 10, 20))
        return [_status(random, e, tag, start, None if term is None else _years_on(start, term))]
    return []


def _status(random: Random, e: Enterprise, tag: str, start: date, end: date | None) -> HeldStatus:
    name, _, level = tag.partition(":")
    issuer = _ISSUERS[name]
    if level == "国家级":
        issuer = "工业和信息化部"
    elif level == "市级":
        issuer = f"市{issuer}"
    elif issuer == "科技局":
        issuer = "省科技厅"
    document = f"演示文〔{start.year}〕{random.randint(1, 300)}号"
    return HeldStatus(e.code, name, level or None, start, end, document, f"{issuer}（演示）")


def make_park_statuses(city: City, seed: int, year: int) -> tuple[ParkStatus, ...]:
    """About half of the parks are green parks; a national one was a provincial one before."""
    random = Random(f"{seed}/park statuses")
    found = []
    for park in city.park:
        if random.random() >= 0.5:
            continue
        start = _day(random, date(year - 6, 1, 1), date(year - 2, 12, 1))
        end = _day(random, date(year - 1, 1, 1), date(year, 12, 1)) if park.level == "国家级" else None
        number = random.randint(1, 300)
        provincial = f"演示文〔{start.year}〕{number}号"
        found.append(ParkStatus(park.id, "绿色园区", "省级", start, end, provincial, "省经信厅（演示）"))
        if end is not None:
            national = f"演示文〔{end.year}〕{number + 7}号"
            issuer = "工业和信息化部（演示）"
            found.append(ParkStatus(park.id, "绿色园区", "国家级", end, None, national, issuer))
    return tuple(found)


def as_they_were(
    enterprises: Sequence[Enterprise],
    figures: Mapping[str, Figures],
    names: Sequence[FormerName],
    statuses: Sequence[HeldStatus],
    parameters: DemoParameters,
    seed: int,
    year: int,
) -> list[Enterprise]:
    """Those who have figures in an earlier year, with that year's names, titles and records on its last day."""
    random = Random(f"{seed}/records of {year}")
    day = date(year, 12, 31)
    former, held = defaultdict(list), defaultdict(set)
    for name in names:
        former[name.code].append(name)
    for status in statuses:
        if status.start <= day and (status.end is None or day < status.end):
            held[status.code].add(status.tag())
    present = [e for e in enterprises if e.code in figures]
    able = [e.code for e in present if e.number and e.status == "正常" and not e.industry.utility]
    record = parameters.roster.record
    levels = [
        [level for level, count in counts.items() for _ in range(count)]
        for counts in (record.accident, record.violation)
    ]
    drawn = random.sample(able, sum(map(len, levels)) + record.dishonest)
    accident = dict(zip(drawn, levels[0], strict=False))
    violation = dict(zip(drawn[len(levels[0]) :], levels[1], strict=False))
    dishonest = set(drawn[sum(map(len, levels)) :])
    kinds = [tag.text for tag in parameters.roster.tag]
    return [
        replace(
            e,
            name=name_on(e, former, day),
            tags=tuple(kind for kind in kinds if kind in held[e.code]),
            accident=accident.get(e.code, "无"),
            violation=violation.get(e.code, "无"),
            dishonest=e.code in dishonest,
        )
        for e in present
    ]


def _day(random: Random, first: date, last: date) -> date:
    day = first + timedelta(days=random.randint(0, max((last - first).days, 0)))
    # Terms end on the same day of another year, which 29 February does not have.
    return day.replace(day=28) if (day.month, day.day) == (2, 29) else day


def _years_on(day: date, years: int) -> date:
    return day.replace(year=day.year + years)
