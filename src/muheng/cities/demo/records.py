"""What each department knows, record by record, free of defects: the truth cut up as departments hold it.

Values are in the units of the layouts; nothing is formatted yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

from muheng.cities.demo.enterprises import Enterprise
from muheng.cities.demo.figures import POLLUTANTS, STATISTICS, TAX, Figures
from muheng.cities.demo.land import Land
from muheng.cities.demo.parameters import DemoParameters, SheetKind


@dataclass(frozen=True)
class AsText:
    """What the department typed as text where a number or a date belongs."""

    text: str


@dataclass(frozen=True)
class AsNumber:
    """A credit code that Excel took for a number: 15 digits are kept."""

    value: float


Value = str | Decimal | date | AsText | AsNumber | None


@dataclass
class Record:
    """One row of a department's sheet. `code` is whom it is about, whatever the row itself says."""

    values: dict[str, Value]
    code: str | None


def make_records(
    enterprises: Sequence[Enterprise],
    figures: Mapping[str, Figures],
    grades: Mapping[str, str],
    land: Land,
    parameters: DemoParameters,
    seed: int,
    year: int,
) -> dict[SheetKind, list[Record]]:
    """Records of every kind of sheet, each in its own department's order."""
    random = Random(f"{seed}/records/{year}")
    present = [e for e in enterprises if e.code in figures]
    meters, shares = _meters(random, present, figures, land, parameters.roster.life.shared_meter)
    records: dict[SheetKind, list[Record]] = {
        "名单": _roster(present, grades, land),
        "税收": _tax(random, present, figures),
        "用地": _parcels(present, land),
        "租赁": _leases(land, set(figures), year),
        "用电": meters,
        "分摊": shares,
        "用水": _water(random, present, figures),
        "统计": _rows(present, figures, STATISTICS),
        "排放": _rows(present, figures, [f"{p}{kind}" for kind in ("排放量", "核定量") for p in POLLUTANTS]),
    }
    for kind in ("税收", "用电", "用水", "统计", "排放"):
        random.shuffle(records[kind])
    return records


def _roster(enterprises: Sequence[Enterprise], grades: Mapping[str, str], land: Land) -> list[Record]:
    records = []
    for e in sorted(enterprises, key=lambda e: (e.county, e.township, e.code)):
        group, main = land.groups.get(e.code, (None, None))
        for park in e.parks or (None,):
            values: dict[str, Value] = {
                "代码": e.code,
                "名称": e.name,
                "规模": e.scale,
                "行业代码": e.kind.code,
                "行业": e.kind.name,
                "行业组": e.group,
                "区县": e.county,
                "乡镇": e.township,
                "园区": park,
                "注册日期": e.registered,
                "投产日期": e.started,
                "约定投产日期": e.agreed,
                "状态": e.status,
                "标签": _tags(e.tags),
                "安全事故等级": e.accident,
                "环境违法等级": e.violation,
                "失信": "是" if e.dishonest else "否",
                "上年等级": grades.get(e.code),
                "合并组": group,
                "主体企业": main,
            }
            records.append(Record(values, e.code))
    return records


def _tags(tags: Sequence[str]) -> str | None:
    """As the bureau writes them: 高新技术企业、专精特新：省级."""
    return "、".join(tags).replace(":", "：") or None


def _rows(
    enterprises: Sequence[Enterprise], figures: Mapping[str, Figures], items: Sequence[str]
) -> list[Record]:
    """One row for each enterprise that has any of the items."""
    records = []
    for e in enterprises:
        values: dict[str, Value] = {"代码": e.code, "名称": e.name}
        values |= {item: figures[e.code][item] for item in items}
        if any(values[item] is not None for item in items):
            records.append(Record(values, e.code))
    return records


def _tax(random: Random, enterprises: Sequence[Enterprise], figures: Mapping[str, Figures]) -> list[Record]:
    """One row each; a few have a second row for a branch, and the two add up."""
    records = _rows(enterprises, figures, TAX)
    for record in random.sample(records, 12):
        branch: dict[str, Value] = dict(record.values)
        for item in TAX:
            total = record.values[item]
            if isinstance(total, Decimal):
                part = (total / 5).quantize(Decimal("0.01"))
                record.values[item], branch[item] = total - part, part
        records.append(Record(branch, record.code))
    return records


def _parcels(enterprises: Sequence[Enterprise], land: Land) -> list[Record]:
    present = {e.code for e in enterprises}
    return [
        Record(
            {
                "代码": p.owner.code,
                "名称": p.owner.name,
                "宗地号": p.number,
                "证号": p.certificate,
                "面积": Decimal(p.area),
                "用途": p.use,
                "坐落": p.place,
            },
            p.owner.code,
        )
        for p in land.parcels
        if p.owner.code in present
    ]


def _leases(land: Land, present: set[str], year: int) -> list[Record]:
    records = []
    for lease in land.leases:
        parties = [party for party in (lease.lessor, lease.tenant) if party is not None]
        if lease.start.year > year or any(party.code not in present for party in parties):
            continue
        values: dict[str, Value] = {
            "出租方代码": lease.lessor.code if lease.lessor else None,
            "出租方": lease.lessor_name,
            "承租方代码": lease.tenant.code if lease.tenant else None,
            "承租方": lease.tenant_name,
            "面积": lease.area,
            "租期起": lease.start,
            "租期止": lease.end,
        }
        records.append(Record(values, lease.tenant.code if lease.tenant else None))
    return records


def _meters(
    random: Random, enterprises: Sequence[Enterprise], figures: Mapping[str, Figures], land: Land, shared: int
) -> tuple[list[Record], list[Record]]:
    """Meters, whose kWh are whole numbers, and the shares of the shared ones.

    A shared meter takes a part of each user's consumption, so that own meters and shares add up.
    """
    left = {e.code: int((figures[e.code]["用电量"] or Decimal(0)) * 10000) for e in enterprises}
    names = {e.code: e.name for e in enterprises}
    numbers = iter(random.sample(range(3405_0000_00, 3405_9999_99), 3 * len(enterprises)))
    users: dict[str, list[str]] = defaultdict(list)
    for lease in land.leases:
        if lease.lessor is None or lease.tenant is None:
            continue
        lessor, tenant = lease.lessor.code, lease.tenant.code
        if lessor in left and tenant in left and tenant not in users[lessor]:
            users[lessor].append(tenant)
    meters: list[Record] = []
    shares: list[Record] = []
    able = [
        code for code, tenants in users.items() if tenants and min(left[c] for c in (code, *tenants)) > 2000
    ]
    for lessor in random.sample(sorted(able), min(shared, len(able))):
        sharing = [lessor, *users[lessor][:3]]
        percents = [100 // len(sharing)] * len(sharing)
        percents[0] += 100 - sum(percents)
        total = int(0.3 * min(left[code] for code in sharing) * len(sharing)) // 100 * 100
        number = str(next(numbers))
        meters.append(_meter(number, lessor, names[lessor], "公用", total))
        for code, percent in zip(sharing, percents, strict=True):
            left[code] -= total * percent // 100
            values: dict[str, Value] = {
                "户号": number,
                "代码": code,
                "名称": names[code],
                "比例": Decimal(percent),
            }
            shares.append(Record(values, code))
    for e in enterprises:
        count = 1 if random.random() < 0.85 else random.choice((2, 2, 3))
        rest = left[e.code]
        for i in range(count):
            part = rest if i == count - 1 else int(rest * random.uniform(0.2, 0.7))
            rest -= part
            meters.append(_meter(str(next(numbers)), e.code, e.name, "专用", part))
    return meters, shares


def _meter(number: str, code: str, name: str, nature: str, kilowatt_hours: int) -> Record:
    used = Decimal(kilowatt_hours) / 10000
    return Record({"户号": number, "名称": name, "代码": code, "性质": nature, "用电量": used}, code)


def _water(random: Random, enterprises: Sequence[Enterprise], figures: Mapping[str, Figures]) -> list[Record]:
    records = []
    serial = random.randint(20000, 30000)
    for e in enterprises:
        used, own = figures[e.code]["用水量"], figures[e.code]["自取水量"]
        if used is None:
            continue
        parts = [used]
        if used > 1 and random.random() < 0.2:
            first = (used * Decimal("0.4")).quantize(Decimal("0.0001"))
            parts = [first, used - first]
        for i, part in enumerate(parts):
            serial += random.randint(1, 9)
            values: dict[str, Value] = {
                "户号": f"S{serial}",
                "名称": e.name,
                "代码": e.code,
                "用水量": part,
                "自取水量": own if i == 0 else None,
            }
            records.append(Record(values, e.code))
    return records
