"""Synthetic enterprises: name, credit code, place, industry, dates, tags. Not their figures.

Nothing here is a real enterprise. Brands are three uncommon characters drawn at random; the organisation part
of a credit code says MUHENG, or is a number below 20000 whose own check digit is wrong on purpose, while the
code's last check digit is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import exp
from random import Random

from stdnum.cn import uscc

from muheng.cities.demo.parameters import (
    SCALES,
    Anchor,
    Counts,
    DemoParameters,
    Industry,
    IndustryClass,
    Names,
    Scale,
)
from muheng.cities.pack import City, Park
from muheng.standards.credit_code import ALPHABET, ORGANISATION_WEIGHTS

_NEW_CODES_FROM = date(2015, 10, 1)


@dataclass(frozen=True)
class Enterprise:
    """One enterprise. `revenue` (万元) and `land` (亩 that it uses) are its levels in the base year."""

    number: int
    code: str
    name: str
    scale: Scale
    county: str
    township: str
    parks: tuple[str, ...]
    """Short names; two for an enterprise that stands in two parks."""
    industry: Industry
    kind: IndustryClass
    group: str
    registered: date
    started: date | None
    agreed: date | None
    """Agreed date of starting production, for one that is still building."""
    status: str
    tags: tuple[str, ...]
    accident: str
    violation: str
    dishonest: bool
    revenue: float
    land: float
    skill: float
    """Normal around 0: ties an enterprise's ratios together, the good ones being good at several things."""
    tenure: str
    """自有, 租用 or 无地."""


def make_enterprises(city: City, parameters: DemoParameters, seed: int) -> list[Enterprise]:
    """All enterprises up to the base year, in no meaningful order. The same seed gives the same list."""
    random = Random(f"{seed}/enterprises")
    roster = parameters.roster
    drafts = [
        draft
        for scale in SCALES
        for draft in _match(random, _places(random, city, parameters, scale), parameters, scale)
    ]
    anchor = next(i for i, draft in enumerate(drafts) if _is_anchor(draft, roster.anchor))
    fates = _fates(random, drafts, parameters, anchor)
    names = _names(random, drafts, parameters)
    numbers = random.sample(range(1, 10000), len(drafts))
    two_parks = set(
        _choose(random, [i for i, d in enumerate(drafts) if d.park is not None], roster.life.two_parks)
    )
    made = []
    for i, draft in enumerate(drafts):
        scale, industry = draft.scale, draft.industry
        spread = roster.revenue.of(scale)
        revenue = min(max(spread.median * exp(spread.spread * random.gauss(0, 1)), spread.least), spread.most)
        per_mu = industry.revenue_per_mu * (1.0 if scale == "规上" else 0.34)
        skill = random.gauss(0, 1)
        # Larger and abler enterprises use their land better.
        lift = (revenue / spread.median) ** 0.15 * exp(0.4 * skill)
        land = min(max(revenue / (per_mu * lift) * exp(0.58 * random.gauss(0, 1)), 1.2), 2400.0)
        if i == anchor:
            revenue, land = roster.anchor.revenue, roster.anchor.land
        registered = _registered(random, roster.base_year, i in fates.start_up, i in fates.building)
        started = None if i in fates.building else registered + timedelta(days=random.randint(120, 900))
        agreed = registered + timedelta(days=random.randint(500, 1100)) if i in fates.building else None
        parks: tuple[str, ...] = () if draft.park is None else (draft.park.short or draft.park.name,)
        if i in two_parks and draft.park is not None:
            others = [park for park in city.park if park.id != draft.park.id]
            other = random.choice([park for park in others if park.county == draft.county] or others)
            parks += (other.short or other.name,)
        status = "在建" if i in fates.building else "停产" if i in fates.stopped else "正常"
        tags = tuple(tag.text for tag in roster.tag if random.random() < tag.of(scale))
        if industry.utility or i in fates.building or i in fates.stopped:
            tags = ()
        tenure = "自有"
        if i in fates.landless:
            tenure = "无地"
        elif i != anchor and land < 60 and random.random() < roster.life.tenant.of(scale):
            tenure = "租用"
        made.append(
            Enterprise(
                number=i,
                code=_code(random, draft.division, numbers[i], registered),
                name=names[i],
                scale=scale,
                county=draft.county,
                township=draft.township,
                parks=parks,
                industry=industry,
                kind=draft.kind,
                group=draft.group,
                registered=registered,
                started=started,
                agreed=agreed,
                status=status,
                tags=tags,
                accident=fates.accident.get(i, "无"),
                violation=fates.violation.get(i, "无"),
                dishonest=i in fates.dishonest,
                revenue=revenue,
                land=land,
                skill=skill,
                tenure=tenure,
            )
        )
    return made


@dataclass(frozen=True)
class _Place:
    county: str
    division: str
    township: str
    park: Park | None


@dataclass(frozen=True)
class _Draft:
    scale: Scale
    county: str
    division: str
    township: str
    park: Park | None
    industry: Industry
    kind: IndustryClass
    group: str


def _is_anchor(draft: _Draft, anchor: Anchor) -> bool:
    place = (draft.county, draft.industry.id)
    return draft.scale == "规上" and place == (anchor.county, anchor.industry)


@dataclass(frozen=True)
class _Fates:
    start_up: frozenset[int]
    building: frozenset[int]
    stopped: frozenset[int]
    landless: frozenset[int]
    accident: dict[int, str]
    violation: dict[int, str]
    dishonest: frozenset[int]


def _places(random: Random, city: City, parameters: DemoParameters, scale: Scale) -> list[_Place]:
    counties = {county.name: county for county in city.county}
    inside = {park.id: park.of(scale) for park in parameters.roster.park}
    places = []
    for counts in parameters.roster.county:
        county = counties[counts.name]
        here = []
        for park in city.park:
            if park.county == county.name:
                township = park.township or county.townships[0]
                here += [_Place(county.name, county.code, township, park)] * inside.get(park.id, 0)
        while len(here) < counts.of(scale):
            here.append(_Place(county.name, county.code, random.choice(county.townships), None))
        places += here
    return places


def _match(random: Random, places: list[_Place], parameters: DemoParameters, scale: Scale) -> list[_Draft]:
    """Give each place an industry: counts come out exactly, parks get more of what they are meant for."""
    pool = [counts for counts in parameters.roster.industry for _ in range(counts.of(scale))]
    random.shuffle(pool)
    order = list(range(len(places)))
    random.shuffle(order)
    drafts: dict[int, _Draft] = {}
    for at in sorted(order, key=lambda i: places[i].park is None):
        place = places[at]
        pick = len(pool) - 1
        if place.park is not None and random.random() < 0.6:
            wanted = set(place.park.industries)
            for i, counts in enumerate(pool):
                if any(kind.code[:2] in wanted for kind in parameters.industries[counts.id].classes):
                    pick = i
                    break
        counts = pool.pop(pick)
        industry = parameters.industries[counts.id]
        drafts[at] = _Draft(
            scale,
            place.county,
            place.division,
            place.township,
            place.park,
            industry,
            random.choice(industry.classes),
            counts.group,
        )
    return [drafts[i] for i in range(len(places))]


def _fates(random: Random, drafts: list[_Draft], parameters: DemoParameters, anchor: int) -> _Fates:
    """Which enterprises are new, building, stopped …; nobody is two of these, and the anchor is none."""
    life, record = parameters.roster.life, parameters.roster.record
    free = {
        scale: [
            i for i, d in enumerate(drafts) if d.scale == scale and i != anchor and not d.industry.utility
        ]
        for scale in SCALES
    }

    def take(counts: Counts) -> frozenset[int]:
        taken: list[int] = []
        for scale in SCALES:
            chosen = _choose(random, free[scale], counts.of(scale))
            free[scale] = [i for i in free[scale] if i not in chosen]
            taken += chosen
        return frozenset(taken)

    start_up = take(life.start_up)
    building = take(life.building)
    stopped = take(life.stopped)
    landless = take(life.landless)
    levels: list[dict[int, str]] = []
    for counts in (record.accident, record.violation):
        wanted = [level for level, count in counts.items() for _ in range(count)]
        levels.append(
            dict(zip(_choose(random, free["规上"] + free["规下"], len(wanted)), wanted, strict=True))
        )
    dishonest = frozenset(_choose(random, free["规上"] + free["规下"], record.dishonest))
    return _Fates(start_up, building, stopped, landless, levels[0], levels[1], dishonest)


def _choose(random: Random, among: list[int], count: int) -> list[int]:
    return random.sample(among, min(count, len(among)))


def _names(random: Random, drafts: list[_Draft], parameters: DemoParameters) -> list[str]:
    words = parameters.names
    brands: set[str] = set()
    names = []
    for draft in drafts:
        brand = ""
        while not brand or brand in brands:
            brand = random.choice(words.first) + random.choice(words.second) + random.choice(words.third)
        brands.add(brand)
        forms = random.choices(words.forms, [form.of(draft.scale) for form in words.forms])
        names.append(brand + random.choice(draft.kind.words) + forms[0].text)
    return names


def _registered(random: Random, base_year: int, start_up: bool, building: bool) -> date:
    if start_up:
        first, last = date(base_year - 2, 1, 5), date(base_year, 9, 30)
    elif building:
        first, last = date(base_year - 3, 1, 5), date(base_year - 1, 6, 30)
    else:
        first, last = date(1996, 3, 1), date(base_year - 4, 12, 20)
    return first + timedelta(days=random.randint(0, (last - first).days))


def check_digit(code: str) -> str:
    """The 18th character of a credit code, from the 17 before it."""
    return str(uscc.calc_check_digit(code))


def make_stranger(random: Random, division: str, names: Names) -> tuple[str, str]:
    """Code and name of an enterprise that is on nobody's roster."""
    brand = random.choice(names.second) + random.choice(names.first) + random.choice(names.third)
    code = _code(random, division, random.randint(20000, 29000), _NEW_CODES_FROM)
    return code, f"{brand}商贸有限公司"


def _code(random: Random, division: str, number: int, registered: date) -> str:
    if registered >= _NEW_CODES_FROM:
        high, rest = divmod(number, 31 * 31)
        body = "MUHENG" + ALPHABET[high] + ALPHABET[rest // 31] + ALPHABET[rest % 31]
    else:
        digits = f"{number:08d}"
        right = -sum(int(d) * w for d, w in zip(digits, ORGANISATION_WEIGHTS, strict=True)) % 11
        body = digits + str((right + random.randint(1, 8)) % 10 if right < 10 else random.randint(0, 9))
    code = "91" + division + body
    code += check_digit(code)
    # A number ending in 000 looks like one that Excel has cut.
    return _code(random, division, number + 10000, registered) if code.endswith("000") else code
