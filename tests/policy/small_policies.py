"""Small policies and a handful of enterprises, for tests that look at one rule at a time.

``policy(...)`` is a complete policy of one class and one indicator, 成绩单, whose score is its value: what a
test wants to be different, it names. ``run`` evaluates a policy over rows written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import polars as pl

from muheng.documents.diagnostic import format_diagnostics
from muheng.intake.facts import CODE, NAME, Facts, Item
from muheng.policy.compile import compile_policy
from muheng.policy.plan import Plan
from muheng.policy.run import Result, evaluate
from muheng.standards.rounding import scale_half_up

Row = Mapping[str, object]

UNITS = {
    "入库税收": "万元",
    "自有用地": "亩",
    "承租用地": "亩",
    "出租用地": "亩",
    "出租规下户数": "户",
    "租用厂房面积": "m²",
    "用电量": "万kWh",
    "工业总产值": "万元",
    "工业增加值": "万元",
    "营业收入": "万元",
    "利润总额": "万元",
    "研发费用": "万元",
    "技改投资": "万元",
    "平均职工人数": "人",
    "综合能耗": "tce",
    "主要污染物排放量": "t",
    "县区加分": "分",
    "县区减分": "分",
    "附加分": "分",
    "核定加分": "分",
    "核定减分": "分",
    "税收": "万元",
    "用地": "亩",
    "能耗": "tce",
    "厂房": "m²",
    "职工": "人",
    "户数甲": "户",
    "加减": "分",
}
TAGS = {"标签"}
DIGITS = 6

HEAD = """
[policy]
id = "test"
name = "测试"
source = { document = "测试", status = "自拟" }
valid = { from = 2024-01-01 }
open = []
"""
INPUT = """
[input]
成绩 = { unit = "1", digits = 2, missing = "得零分" }
"""
INDICATOR = """
[class.企业]
[[class.企业.indicator]]
name = "成绩单"
formula = "成绩"
unit = "1"
digits = 2
weight = 100
score = { by = "比值", base = 100, cap = "不设", floor = "不设" }
"""
SCORING = """
[scoring]
score_digits = 2
total_digits = 2
cap = "不设"
floor = "不设"
"""
GRADE = """
[grade]
A = { name = "优先" }
B = { name = "支持" }
C = { name = "提升" }
D = { name = "限制" }
"""
GRADING = """
[grading]
order = ["总分 降", "统一社会信用代码 升"]
quota = { A = "20%", B = "60%", C = "95%", D = "100%" }
round = { A = "舍去", B = "舍去", D = "进一" }
counted = ["参评"]
ties = "按排序键"
vetoed = "占名额"
direct = "占名额"
"""


def policy(
    more: str = "",
    *,
    inputs: str = "",
    define: str = "",
    indicator: str = INDICATOR,
    scoring: str = SCORING,
    grade: str = GRADE,
    grading: str = GRADING,
) -> str:
    """``inputs`` and ``define`` are lines of those tables; ``more`` are further tables."""
    defined = f"[define]\n{define}\n" if define else ""
    return f"{HEAD}{INPUT}{inputs}\n{defined}{indicator}{scoring}{grade}{grading}{more}"


def graded(**changes: str) -> str:
    """GRADING with keys replaced or added, values as TOML."""
    lines = dict(line.split(" = ", 1) for line in GRADING.strip().splitlines()[1:])
    return "\n[grading]\n" + "\n".join(f"{key} = {value}" for key, value in (lines | changes).items()) + "\n"


def indicator(
    formula: str = "成绩",
    *,
    unit: str = "1",
    score: str = 'by = "比值", base = 100, cap = "不设", floor = "不设"',
    weight: str = "100",
    digits: int = 2,
    more: str = "",
    name: str = "成绩单",
    of: str = "企业",
) -> str:
    """One indicator of a class, without the class's own header."""
    return (
        f'[[class.{of}.indicator]]\nname = "{name}"\nformula = "{formula}"\nunit = "{unit}"\n'
        f"digits = {digits}\nweight = {weight}\nscore = {{ {score} }}\n{more}\n"
    )


def make_facts(
    rows: Mapping[str, Row],
    year: int = 2024,
    *,
    codes: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Facts:
    """Facts of enterprises by name, in the order of their codes; kinds by the values' Python types."""
    known_units = UNITS | dict(units or {})
    names = list(rows)
    items: dict[str, Item] = {}
    columns: dict[str, list[object]] = {}
    for item in dict.fromkeys(key for row in rows.values() for key in row):
        values = [rows[name].get(item) for name in names]
        known = [value for value in values if value is not None]
        if known and isinstance(known[0], str):
            items[item] = Item(item, "tags" if item in TAGS else "text")
        elif known and isinstance(known[0], date):
            items[item] = Item(item, "date")
        else:
            unit = known_units.get(item, "1")
            items[item] = Item(item, "number", unit, DIGITS, "等价值" if unit == "tce" else None)
            values = [
                None if value is None else scale_half_up(Decimal(str(value)), DIGITS) for value in values
            ]
        columns[item] = values
    made = codes or {name: f"91{at:016d}" for at, name in enumerate(names)}
    data = {CODE: [made[name] for name in names], NAME: names}
    schema = {item: items[item].dtype for item in columns}
    frame = pl.DataFrame({**data, **columns}, schema={CODE: pl.String, NAME: pl.String, **schema})
    return Facts(year, items, frame.sort(CODE))


def compiled(source: str | Path) -> Plan:
    found = compile_policy(source, None if isinstance(source, Path) else "规则.toml")
    assert found.plan is not None, format_diagnostics(found.diagnostics)
    return found.plan


@dataclass(frozen=True)
class Outcome:
    """A result, asked by the enterprise's name."""

    result: Result

    def __post_init__(self) -> None:
        assert self.result.grades[NAME].is_unique().all()

    def row(self, name: str) -> int:
        row = self.result.values[NAME].index_of(name)
        assert row is not None, name
        return row

    def column(self, title: str) -> dict[str, object]:
        grades = self.result.grades
        return dict(zip(grades[NAME], grades[title], strict=True))

    @property
    def grades(self) -> dict[str, object]:
        return self.column("等级")

    @property
    def letters(self) -> str:
        """Grades in the order of the rows, 无 for none: "AABBD"."""
        return "".join(str(grade or "无") for grade in self.result.grades["等级"])

    @property
    def counts(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for letter in self.letters:
            found[letter] = found.get(letter, 0) + 1
        return found

    def score(self, name: str, node: str) -> Decimal | None:
        """A score as people read it, with three decimals."""
        found = self.figure(name, node)
        return None if found is None else found.quantize(Decimal("0.001"), ROUND_HALF_UP)

    def figure(self, name: str, node: str) -> Decimal | None:
        text = self.result.figure(self.row(name), node)
        return None if text is None else Decimal(text)

    def total(self, name: str) -> Decimal | None:
        return self.figure(name, "总分")

    def standing(self, name: str) -> tuple[object, object]:
        return self.column("评价状态")[name], self.column("状态理由")[name]

    def moves(self, name: str) -> list[str]:
        return [move.title for move in self.result.moves(self.row(name))]


def run(
    source: str | Path | Plan,
    rows: Mapping[str, Row] | Facts,
    *,
    year: int = 2024,
    previous: Mapping[str, Row] | None = None,
) -> Outcome:
    plan = source if isinstance(source, Plan) else compiled(source)
    facts = rows if isinstance(rows, Facts) else make_facts(rows, year)
    before = None if previous is None else make_facts(previous, year - 1)
    return Outcome(evaluate(plan, facts, previous=before))


def marks(*values: object, start: str = "企业") -> dict[str, dict[str, object]]:
    """Enterprises 企业1, 企业2, … with these 成绩."""
    return {f"{start}{at}": {"成绩": value} for at, value in enumerate(values, 1)}
