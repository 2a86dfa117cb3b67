"""Small cities whose enterprises are mostly rated: believable policies of every kind, a dozen enterprises.

For tests of what is said about a result (explanation, advice, what-if, comparison), where ``generate`` would
rate too few. ``cities()`` draws the policy's text and two years of facts; ``change_facts`` gives one enterprise
other figures or statuses, as the departments would report them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

import polars as pl
from hypothesis import strategies as st

from muheng.intake.facts import CODE, NAME, Facts, Item
from muheng.policy.compile import compile_policy
from muheng.policy.plan import Plan

YEAR = 2024
Draw = Callable[..., object]

NUMBERS = {
    "税收": ("万元", 2),
    "利润": ("万元", 2),
    "增加值": ("万元", 2),
    "营收": ("万元", 2),
    "研发": ("万元", 2),
    "自有用地": ("亩", 2),
    "出租用地": ("亩", 2),
    "能耗": ("tce", 2),
}
TYPICAL = {
    "税收": 100,
    "利润": 80,
    "增加值": 900,
    "营收": 3000,
    "研发": 90,
    "自有用地": 20,
    "出租用地": 2,
    "能耗": 300,
}
MEASURES = {
    "亩均税收": ("税收 / 用地", "万元/亩"),
    "亩均利润": ("利润 / 用地", "万元/亩"),
    "亩均增加值": ("增加值 / 用地", "万元/亩"),
    "能耗强度": ("能耗 / 增加值", "tce/万元"),
    "研发占比": ("研发 / 营收", "%"),
}
TYPICAL_BASE = {"亩均税收": 5, "亩均利润": 4, "亩均增加值": 45, "能耗强度": 0.4, "研发占比": 3}
TAGS = ("高企", "专精特新:省级", "专精特新:国家级", "绿色工厂")


@dataclass(frozen=True)
class City:
    text: str
    facts: Facts
    previous: Facts

    @property
    def plan(self) -> Plan:
        found = compile_policy(self.text, "规则.toml")
        assert found.plan is not None, [str(diagnostic.what) for diagnostic in found.diagnostics]
        return found.plan


def _score(draw: Draw, name: str, weight: int) -> str:
    inverse = name == "能耗强度"
    direction = ', direction = "越低越好"' if inverse else ""
    match draw(
        st.sampled_from(
            ["constant", "constant", "mean", "mean", "percentile", "last", "极差", "名次", "分档"]
        )
    ):
        case "constant":
            base = f"{TYPICAL_BASE[name]}"
        case "mean":
            by = draw(st.sampled_from(["[]", '["行业"]', '["乡镇"]']))
            small = draw(st.sampled_from(["", ', small = { below = 3, then = "按全体" }']))
            base = f'{{ of = "同组平均", by = {by}, times = {draw(st.sampled_from([1, 2, "1.2"]))}{small} }}'
        case "percentile":
            base = f'{{ of = "同组分位", percentile = "{draw(st.sampled_from(["50%", "90%"]))}" }}'
        case "last":
            base = '{ of = "上年同组平均" }'
        case "极差":
            bottom = draw(st.sampled_from([0, 20, 60]))
            group = draw(st.sampled_from(["[]", '["行业"]']))
            return f'{{ by = "极差", bottom = {bottom}, equal = "满分", group = {group}{direction} }}'
        case "名次":
            return f'{{ by = "名次", group = {draw(st.sampled_from(["[]", chr(91) + chr(34) + "行业" + chr(34) + chr(93)]))}{direction} }}'
        case _:
            base = TYPICAL_BASE[name]
            bands = [[base * 2, weight], [base, weight / 2], [base / 2, weight / 4]]
            if inverse:
                bands = [[base / 2, weight], [base, weight / 2], [base * 2, weight / 4]]
            return f'{{ by = "分档", bands = {bands}{direction} }}'
    cap = draw(st.sampled_from(['"不设"', '"1.2倍权重"', str(weight)]))
    floor = draw(st.sampled_from(['"不设"', "0"]))
    return f'{{ by = "比值", base = {base}, cap = {cap}, floor = {floor}{direction} }}'


def _indicators(draw: Draw, class_name: str, names: list[str]) -> str:
    weights = {1: [100], 2: [60, 40], 3: [50, 30, 20]}[len(names)]
    parts: list[str] = []
    for name, weight in zip(names, weights, strict=True):
        formula, unit = MEASURES[name]
        rule = draw(st.sampled_from(["得零分", "得零分", "同组平均得分", "满分"]))
        missing = draw(st.sampled_from(["得零分", "同组平均得分"]))
        parts.append(
            f'[[class.{class_name}.indicator]]\nname = "{name}"\nformula = "{formula}"\nunit = "{unit}"\n'
            f'digits = 4\nweight = {weight}\nzero = "{rule}"\nmissing = "{missing}"\n'
            f"score = {_score(draw, name, weight)}\n"
        )
    return "\n".join(parts)


def _grading(draw: Draw, one_class: bool) -> str:
    # A class's name groups nothing within that class.
    within = draw(st.sampled_from(["[]", "[]", '["行业"]', '["乡镇"]']))
    small = ""
    first = draw(st.sampled_from(["总分 降", "总分 降", "总分 降", "亩均税收 降"]))
    order = f'["{first}", "亩均税收 降", "{CODE} 升"]'
    vetoed = draw(st.sampled_from(["占名额", "不占名额"]))
    both = f'counted = ["参评"]\nvetoed = "{vetoed}"\ndirect = "{draw(st.sampled_from(["占名额", "不占名额"]))}"\n'
    if draw(st.integers(1, 6)) == 1:
        return (
            f'[grading]\nmethod = "两步"\nwithin = {within}\norder = {order}\nties = "按排序键"\nrest = "B"\n{both}'
            f'[[grading.step]]\nfrom = "前50%"\norder = ["亩均税收 降", "{CODE} 升"]\nfirst = "25%"\nround = "进一"\ngrade = "A"\n'
            f'[[grading.step]]\nfrom = "后50%"\norder = ["亩均税收 升", "{CODE} 升"]\nfirst = "30%"\nround = "四舍五入"\ngrade = "D"\n'
        )
    if within != "[]":
        then = draw(st.sampled_from(["合并小组", "按全体"]))
        small = draw(st.sampled_from(["", f'small = {{ below = 3, then = "{then}" }}\n']))
    ties = draw(st.sampled_from(["按排序键", "同分就高", "同分就低"])) if first == "总分 降" else "按排序键"
    best = draw(st.sampled_from(["25%", "25%", ">= 80分"]))
    quota = f'{{ A = "{best}", B = "60%", C = "90%", D = "100%" }}'
    rounded = (
        '{ A = "四舍五入", B = "四舍五入", D = "进一" }'
        if best == "25%"
        else '{ B = "四舍五入", D = "进一" }'
    )
    return f'[grading]\nwithin = {within}\norder = {order}\nquota = {quota}\nround = {rounded}\nties = "{ties}"\n{both}{small}'


@st.composite
def policies(draw: Draw) -> str:
    """A policy text that compiles."""
    names = list(draw(st.lists(st.sampled_from(list(MEASURES)), unique=True, min_size=1, max_size=3)))  # type: ignore[call-overload]
    if "亩均税收" not in names:
        names[-1] = "亩均税收"
    classes = draw(st.sampled_from(["one", "one", "scale", "size"]))
    if classes == "one":
        declared = _indicators(draw, "企业", names)
    else:
        # A class by a figure: who changes that figure may change class.
        tests = (
            ("规模 == '规上'", "规模 == '规下'") if classes == "scale" else ("营收 >= 2000", "营收 < 2000")
        )
        declared = "\n".join(
            f'[class.{class_name}]\nwhen = "{when}"\n{_indicators(draw, class_name, names)}'
            for class_name, when in zip(("大类", "小类"), tests, strict=True)
        )
    least = draw(st.sampled_from(["> 0", "> 3"]))
    otherwise = draw(st.sampled_from(["不参评：无有效用地", "得零分"]))
    lines = [
        '[policy]\nid = "small-city"\nname = "小城"\nsource = { document = "无", status = "示例" }\n'
        "valid = { from = 2020-01-01 }\nopen = []\n[input]",
        *(
            f'{name} = {{ unit = "{unit}", digits = {digits}, missing = {_missing(name)}{_basis(unit)} }}'
            for name, (unit, digits) in NUMBERS.items()
        ),
        '规模 = { type = "文本", values = ["规上", "规下"], missing = "规下" }',
        '行业 = { type = "文本", missing = "其他" }',
        '乡镇 = { type = "文本", missing = "视为缺" }',
        '标签 = { type = "标签", missing = "视为缺" }',
        '事故 = { type = "等级", levels = ["无", "一般", "较大"], missing = "无" }',
        f'[define]\n用地 = {{ formula = "自有用地 - 出租用地", unit = "亩", digits = 2, must = "{least}", else = "{otherwise}" }}',
        "省专 = { when = \"有('专精特新', '省级')\" }",
        declared,
        f"[scoring]\nscore_digits = 4\ntotal_digits = {draw(st.sampled_from([0, 2]))}\n"
        f"cap = {draw(st.sampled_from([chr(34) + '不设' + chr(34), '100']))}\nfloor = {draw(st.sampled_from([chr(34) + '不设' + chr(34), '0']))}",
        f'[limit]\n加分 = {{ take = "{draw(st.sampled_from(["合计", "最高一项", "第一项"]))}", cap = {draw(st.sampled_from([5, 8]))} }}\n减分 = {{ take = "合计", cap = "不设" }}',
    ]
    if draw(st.booleans()):
        lines.append('[[bonus]]\nname = "高新"\nwhen = "有(\'高企\')"\nadd = 3\nlimit = "加分"')
    if draw(st.booleans()):
        lines.append('[[bonus]]\nname = "专精特新"\nwhen = "省专"\nadd = "8%"\nlimit = "加分"')
    if draw(st.booleans()):
        lines.append(
            '[[deduction]]\nname = "出租"\nwhen = "出租用地 > 3"\npoints = "(出租用地 - 3) / 1"\nlimit = "减分"'.replace(
                'points = "(出租用地 - 3) / 1"', "add = 4"
            )
        )
    if draw(st.booleans()):
        lines.append(
            '[[exempt]]\nname = "公用事业"\nwhen = "行业 == \'公用\'"\nthen = "不定等级"\nscored = true\ntreated_as = "B"'
        )
    lines += [
        '[grade]\nA = { name = "优先" }\nB = { name = "支持" }\nC = { name = "提升" }\nD = { name = "限制" }',
        _grading(draw, classes == "one"),
    ]
    if draw(st.booleans()):
        then = draw(st.sampled_from(["定为 A", "提 1 档", "最低 C"]))
        lines.append(f'[[regrade]]\nname = "示范"\nwhen = "有(\'绿色工厂\')"\nthen = "{then}"')
    if draw(st.booleans()):
        lines.append('[[regrade]]\nname = "亏损"\nwhen = "利润 < 0"\nthen = "降 1 档"')
    if draw(st.booleans()):
        lines.append('[[veto]]\nname = "较大事故"\nwhen = "事故 >= \'较大\'"\nthen = "定为 D"')
    return "\n\n".join(lines)


def _missing(name: str) -> str:
    return {"出租用地": "0", "研发": "0"}.get(name, '"视为缺"')


def _basis(unit: str) -> str:
    return ', basis = "等价值"' if unit == "tce" else ""


@st.composite
def rosters(draw: Draw, year: int = YEAR) -> Facts:
    """1 to 14 enterprises; some figures missing, zero, negative or equal."""
    count = int(draw(st.one_of(st.integers(1, 4), st.integers(5, 14))))  # type: ignore[call-overload]
    random = Random(int(draw(st.integers(0, 2**32))))  # type: ignore[call-overload]
    holes = bool(draw(st.booleans()))
    columns: dict[str, object] = {
        CODE: [f"91{index:04d}" for index in range(count)],
        NAME: [f"企业{index}" for index in range(count)],
    }
    items = {
        name: Item(name, "number", unit, digits, "等价值" if unit == "tce" else None)
        for name, (unit, digits) in NUMBERS.items()
    }

    def figure(name: str) -> int | None:
        if holes and random.random() < 0.08:
            return random.choice([None, 0])
        value = TYPICAL[name] * random.lognormvariate(0, 0.8)
        if name == "利润" and random.random() < 0.25:
            value = -value
        return round(value) * 100 if random.random() < 0.3 else round(value * 100)

    for name in NUMBERS:
        columns[name] = pl.Series([figure(name) for _ in range(count)], dtype=pl.Int64)
    if count > 2 and random.random() < 0.3:  # two alike in everything
        for name in NUMBERS:
            values = columns[name].to_list()  # type: ignore[attr-defined]
            columns[name] = pl.Series([*values[:-1], values[0]], dtype=pl.Int64)
    for name, choices in (
        ("规模", ["规上", "规上", "规下"]),
        ("行业", ["17", "17", "18", "29", "公用", None]),
        ("乡镇", ["东", "西", None]),
        ("事故", ["无", "无", "无", "无", "较大"]),
        ("标签", [None, None, "高企", "绿色工厂", "高企|专精特新:省级"]),
    ):
        items[name] = Item(name, "tags" if name == "标签" else "text")
        columns[name] = pl.Series([random.choice(choices) for _ in range(count)], dtype=pl.String)
    return Facts(year, items, pl.DataFrame(columns))


@st.composite
def cities(draw: Draw) -> City:
    return City(str(draw(policies())), draw(rosters()), draw(rosters(YEAR - 1)))  # type: ignore[arg-type]


def change_facts(
    facts: Facts,
    code: str,
    figures: Mapping[str, Decimal] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Facts:
    """The facts with other figures of one enterprise (in the items' own units), and tags that it gains."""
    row = facts.frame[CODE].index_of(code)
    here = pl.int_range(pl.len()) == row
    changes: list[pl.Expr] = []
    for name, figure in (figures or {}).items():
        digits = facts.items[name].digits or 0
        scaled = figure.scaleb(digits)
        assert scaled == int(scaled), f"{name} {figure} has more than {digits} decimals"
        changes.append(pl.when(here).then(pl.lit(int(scaled))).otherwise(pl.col(name)).alias(name))
    for name, tag in (tags or {}).items():
        own = pl.col(name)
        gained = pl.when(own.is_null()).then(pl.lit(tag)).otherwise(own + "|" + tag)
        changes.append(pl.when(here).then(gained).otherwise(own).alias(name))
    return replace(facts, frame=facts.frame.with_columns(changes))
