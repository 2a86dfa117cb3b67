"""The worked instance of eight lines, as an emergency list."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from muheng.emergency.inventory.model import Firm, Inventory, Line, Offer, Source
from muheng.emergency.options import Built, build_problem
from muheng.emergency.settings import Settings, load_settings

WAN = 1_000_000
"""Fen in 万元."""
KG = 1000
"""Grams."""

EMITTED = {
    "1": (120, 220, 90, 10),
    "2": (60, 260, 70, 0),
    "3": (60, 240, 65, 0),
    "4": (30, 20, 85, 40),
    "5": (0, 5, 10, 160),
    "6": (60, 110, 40, 0),
    "7": (90, 180, 50, 5),
    "8": (0, 2, 15, 120),
}
LOSSES = {"1": 60, "2": 9, "3": 10, "4": 4, "5": 5, "6": 0, "7": 14, "8": 3}
GRADES = {"1": "A", "2": "B", "3": "B", "4": "C", "5": "D", "6": "", "7": "C", "8": "C"}
TRADES = {
    "1": "长流程联合钢铁",
    "2": "水泥",
    "3": "水泥",
    "4": "铸造",
    "5": "工业涂装",
    "6": "",
    "7": "玻璃",
    "8": "家具制造",
}


def common_settings(**changes: object) -> Settings:
    """The shipped settings without the whole-line rule and with levels that count alike, unless said otherwise."""
    settings, found = load_settings()
    assert settings is not None, found
    plain = settings.execution.model_copy(update={"whole_lines": False})
    return settings.model_copy(update={"execution": plain, "small": None, **changes})


def t1_list() -> Inventory:
    firms = tuple(
        Firm(
            code=f"F{n}",
            name=f"示例企业{n}",
            county="甲县" if n in "1234" else "乙县",
            trade=TRADES[n],
            grade=GRADES[n],
            guarantee="民生保障" if n == "6" else "",
        )
        for n in EMITTED
    )
    lines = tuple(
        Line(
            id=f"F{n}-1",
            firm=f"F{n}",
            name=f"{n}号线",
            daily=kilograms(EMITTED[n]),
            stop_loss=LOSSES[n] * WAN,
            continuous=n == "7",
            least_load=700 if n == "7" else 0,
        )
        for n in EMITTED
    )
    offers = tuple(
        Offer(f"F{n}-1", name, order, kind, part)
        for n in "48"
        for order, (name, kind, part) in enumerate(
            (("正常生产", None, 0), ("限产50%", "限产", 500), ("停产", "停产", 1000))
        )
    )
    others = Source(
        "其他源",
        kilograms((60, 700, 600, 500)),
        {
            "yellow": kilograms((0, 30, 60, 10)),
            "orange": kilograms((0, 70, 120, 20)),
            "red": kilograms((0, 120, 180, 40)),
        },
    )
    return Inventory("示例清单", firms, lines, offers=offers, base=(others,))


def t1_twin() -> Inventory:
    """Twice the SO2 of others, less of it on the list: orange cannot be reached."""
    so2 = {"2": 40, "3": 40, "4": 10, "6": 90, "7": 110}
    plain = t1_list()
    lines = tuple(
        replace(line, daily=(so2[line.firm[1:]] * KG, *line.daily[1:])) if line.firm[1:] in so2 else line
        for line in plain.lines
    )
    others = plain.base[0]
    return replace(plain, lines=lines, base=(replace(others, emission=(400 * KG, *others.emission[1:])),))


def kilograms(values: tuple[float, ...]) -> tuple[int, int, int, int]:
    so2, nox, pm, voc = (int(Decimal(str(each)) * KG) for each in values)
    return so2, nox, pm, voc


def build(inventory: Inventory, *levels: str, settings: Settings | None = None, **more: object) -> Built:
    return build_problem(
        inventory, settings or common_settings(), levels=levels or ("yellow", "orange", "red"), **more
    )  # type: ignore[arg-type]
