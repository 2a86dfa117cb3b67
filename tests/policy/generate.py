"""Policies and facts that nobody would write: every choice the schema offers, on awkward data.

``cases()`` gives the text of a policy, its facts and last year's. Policies are mostly well-formed; whoever
uses them leaves out those that do not compile. Data come from small pools, so that ties, nulls and zeros are
common.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random

import polars as pl
from hypothesis import strategies as st

from muheng.intake.facts import CODE, NAME, Facts, Item
from muheng.policy import plan as p
from muheng.policy.expression import TextTest, walk

YEAR = 2022
Draw = Callable[..., object]

# Dimension → inputs, and the units that a policy or a department may use for them.
UNITS = {
    "money": ("万元", "元", "亿元"),
    "area": ("亩", "m²", "公顷"),
    "coal": ("tce", "kgce"),
    "power": ("万kWh", "kWh"),
    "people": ("人",),
    "points": ("分",),
    "households": ("户",),
}
NUMBERS = {
    "税收": "money",
    "增加值": "money",
    "研发": "money",
    "自有用地": "area",
    "承租用地": "area",
    "能耗": "coal",
    "用电": "power",
    "职工": "people",
    "信用分": "points",
}
RATIOS = ("money", "area", "coal", "power", "people")
INDUSTRIES = ("17", "171", "1711", "18", "29", "a/b", "", "*", "C26")
TOWNS = ("东", "西", "b/c", "a", "")
TAGS = (
    "高企",
    "专精特新:省级",
    "专精特新:国家级|高企",
    "专精特新省级",
    "|高企",
    "绿色工厂:市级|专精特新:省级",
)
LEVELS = ("无", "一般", "较大", "重大")
DATES = (date(2018, 12, 31), date(2019, 1, 1), date(2020, 2, 29), date(2022, 12, 31), date(2023, 1, 1))
ROUNDINGS = ("四舍五入", "进一", "舍去")
OUT = ("不参评：缺数", "暂缓评价：缺数", "T：缺数")


@dataclass
class Known:
    """What formulas may name so far: numbers by dimension, conditions, texts."""

    numbers: dict[str, list[str]] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    def add(self, dimension: str, name: str) -> None:
        self.numbers.setdefault(dimension, []).append(name)


@dataclass(frozen=True)
class Case:
    text: str
    facts: Facts
    previous: Facts


# -- formulas --------------------------------------------------------------------------------------------


def number(draw: Draw) -> str:
    return str(draw(st.sampled_from(["0", "1", "2", "0.5", "3", "10", "0.07", "100", "1.2345", "33%"])))


def quantity(draw: Draw, known: Known, dimension: str, depth: int) -> str:
    """A formula of the dimension."""
    here = known.numbers.get(dimension, [])
    ways = ["name"] * 4 if here else []
    if depth > 0 and here:
        ways += [
            "sum",
            "difference",
            "times",
            "part",
            "if",
            "extreme",
            "abs",
            "minus",
            "ratio",
            "ratio",
            "clip",
        ]
    if not ways:
        raise LookupError(dimension)

    def more(other: str = dimension) -> str:
        return quantity(draw, known, other, depth - 1)

    match draw(st.sampled_from(ways)):
        case "name":
            return str(draw(st.sampled_from(here)))
        case "sum":
            return f"({more()} + {more()})"
        case "difference":
            return f"({more()} - {more()})"
        case "times":
            return f"{number(draw)} * {more()}"
        case "part":
            return f"({more()}) / {number(draw)}"
        case "if":
            return f"if({condition(draw, known, depth - 1)}, {more()}, {more()})"
        case "extreme":
            how = draw(st.sampled_from(["min", "max", "最小", "最大"]))
            parts = [more() for _ in range(int(draw(st.integers(2, 3))))]  # type: ignore[call-overload]
            return f"{how}({', '.join(parts)})"
        case "abs":
            return f"abs({more()})"
        case "minus":
            return f"-({more()})"
        case "clip":
            return f"max({more()}, {draw(st.sampled_from(['0', '1', '0.5', '12.34']))})"
        case "ratio":
            other = str(draw(st.sampled_from([name for name in RATIOS if known.numbers.get(name)])))
            return f"{more()} * ({more(other)} / ({more(other)}))"
    raise AssertionError


def condition(draw: Draw, known: Known, depth: int) -> str:
    ways = ["text", "in", "start", "tag", "missing", "level", "date", "years"]
    ways += ["number", "number", "quotients", "quotients"]
    ways += ["named"] if known.conditions else []
    ways += ["and", "or", "not", "numbers"] if depth > 0 else []
    comparison = str(draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="])))
    names = [name for names in known.numbers.values() for name in names]
    match draw(st.sampled_from(ways)):
        case "text":
            return f"规模 {draw(st.sampled_from(['==', '!=']))} '{draw(st.sampled_from(['大', '小']))}'"
        case "in":
            return "乡镇 in ['东', '', 'a']"
        case "start":
            return "开头是(行业, '17', 'a', '291')"
        case "tag":
            return str(draw(st.sampled_from(["有('专精特新')", "has('专精特新', '省级')", "有('高企')"])))
        case "missing":
            return f"缺({draw(st.sampled_from([*names, '行业', '投产', '标签']))})"
        case "level":
            return f"事故 {comparison} '{draw(st.sampled_from(LEVELS))}'"
        case "date":
            day = draw(st.sampled_from(["年末", *(f"'{day}'" for day in DATES)]))
            return f"投产 {comparison} {day}"
        case "years":
            return f"满年(投产) {comparison} {draw(st.integers(0, 4))}"
        case "named":
            return str(draw(st.sampled_from(known.conditions)))
        case "number":
            dimension = str(draw(st.sampled_from(list(known.numbers))))
            left = quantity(draw, known, dimension, min(depth, 1))
            return f"{left} {comparison} {draw(st.sampled_from([0, 1, 5, 10, 100, 1000]))}"
        case "numbers":
            dimension = str(draw(st.sampled_from(list(known.numbers))))
            left, right = (quantity(draw, known, dimension, depth - 1) for _ in range(2))
            return f"{left} {comparison} {right}"
        case "quotients":
            above, below = (str(draw(st.sampled_from(list(RATIOS)))) for _ in range(2))
            parts = [quantity(draw, known, of, min(depth, 1)) for of in (above, below, above, below)]
            if flip(draw):
                parts[3] = parts[1]
            return f"{parts[0]} / ({parts[1]}) {comparison} {parts[2]} / ({parts[3]})"
        case "and":
            return f"({condition(draw, known, depth - 1)} and {condition(draw, known, depth - 1)})"
        case "or":
            return f"({condition(draw, known, depth - 1)} 或 {condition(draw, known, depth - 1)})"
        case "not":
            return f"not ({condition(draw, known, depth - 1)})"
    raise AssertionError


# -- the policy ------------------------------------------------------------------------------------------


def some(draw: Draw, choices: list[str], most: int = 3) -> list[str]:
    """A few of the choices, none twice, in any order."""
    if not choices:
        return []
    return list(draw(st.lists(st.sampled_from(choices), unique=True, max_size=most)))  # type: ignore[call-overload]


def flip(draw: Draw, one_in: int = 2) -> bool:
    return draw(st.integers(1, one_in)) == 1


def inputs(draw: Draw, known: Known) -> dict[str, object]:
    made: dict[str, object] = {}
    for name, dimension in NUMBERS.items():
        declared: dict[str, object] = {"unit": draw(st.sampled_from(UNITS[dimension]))}
        missing = draw(
            st.sampled_from([0, 0, 1.5, "得零分", "同组平均得分", "视为缺", "视为缺", "视为缺", OUT[0]])
        )
        declared["missing"] = missing
        if flip(draw, 3):
            declared["digits"] = draw(st.integers(0, 4))
        if not flip(draw, 100):
            lowest = -(10**12) if dimension in ("money", "points") or flip(draw, 4) else 0
            declared["range"] = [lowest, 10**12]
        if dimension == "coal":
            declared["basis"] = "等价值"
        made[name] = declared
        known.add(dimension, name)
    made["规模"] = {"type": "文本", "values": ["大", "中", "小"], "missing": "视为缺"}
    made["行业"] = {"type": "文本", "missing": draw(st.sampled_from(["视为缺", "17", "其他业", OUT[1]]))}
    made["乡镇"] = {"type": "文本", "missing": draw(st.sampled_from(["视为缺", "东"]))}
    made["标签"] = {"type": "标签", "missing": draw(st.sampled_from(["视为缺", "高企"]))}
    made["投产"] = {"type": "日期", "missing": "视为缺"}
    made["事故"] = {
        "type": "等级",
        "levels": list(LEVELS),
        "missing": draw(st.sampled_from(["视为缺", "无"])),
    }
    known.groups += ["规模", "行业", "乡镇"]
    return made


def definitions(draw: Draw, known: Known, grouped: bool) -> dict[str, object]:
    """``grouped``: one is a group's figure, which can be known only after everybody's standing."""
    made: dict[str, object] = {}
    table = {"纺织": ["17", "18"], "细分": ["171"], "杂": ["a", "*"]}
    made["行业组"] = {"group": "行业", "table": table, "other": draw(st.sampled_from(["其他", "杂"]))}
    known.groups += ["行业组", "行业组"]
    land: dict[str, object] = {"formula": "自有用地 + 承租用地", "unit": draw(st.sampled_from(UNITS["area"]))}
    if flip(draw):
        land["must"] = draw(st.sampled_from(["> 0", ">= 0.5", "> 1.25"]))
        land["else"] = draw(st.sampled_from(["不参评：无地", "暂缓评价：无地", "得零分"]))
    made["用地"] = land
    known.add("area", "用地")
    for name in some(draw, ["甲", "乙", "丙"]):
        dimension = str(draw(st.sampled_from(list(RATIOS))))
        made[name] = {
            "formula": quantity(draw, known, dimension, 2),
            "unit": draw(st.sampled_from(UNITS[dimension])),
            "digits": draw(st.integers(0, 5)),
        }
        known.add(dimension, name)
    for name in some(draw, ["条件甲", "条件乙"]):
        made[name] = {"when": condition(draw, known, 2)}
        known.conditions.append(name)
    if grouped:
        by = some(draw, ["行业组", "乡镇", "规模"], 2)
        of, dimension = draw(  # type: ignore[misc]
            st.sampled_from([("税收", "money"), ("用地", "area"), ("职工", "people"), ("", "households")])
        )
        how = draw(st.sampled_from(["平均", "合计", "mean", "sum"])) if of else "户数"
        unit = draw(st.sampled_from(UNITS[dimension]))
        made["组内"] = {"formula": f"{how}({', '.join(filter(None, [of, *by]))})", "unit": unit, "digits": 2}
        known.add(dimension, "组内")
    return made


@dataclass(frozen=True)
class Measure:
    name: str
    formula: str
    unit: str
    digits: int
    is_quotient: bool


def measures(draw: Draw, known: Known) -> list[Measure]:
    made: list[Measure] = []
    for index in range(int(draw(st.integers(1, 4)))):  # type: ignore[call-overload]
        name = f"指标{index + 1}"
        above = str(draw(st.sampled_from(RATIOS)))
        depth = int(draw(st.sampled_from([0, 0, 1, 2])))  # type: ignore[call-overload]
        unit = str(draw(st.sampled_from(UNITS[above])))
        digits = int(draw(st.integers(0, 6)))  # type: ignore[call-overload]
        over = quantity(draw, known, above, depth)
        if flip(draw, 5):
            made.append(Measure(name, over, unit, digits, False))
            continue
        below = str(draw(st.sampled_from(RATIOS)))
        under = quantity(draw, known, below, depth)
        unit = "%" if above == below else f"{unit}/{draw(st.sampled_from(UNITS[below]))}"
        made.append(Measure(name, f"({over}) / ({under})", unit, digits, depth == 0))
    return made


def score(draw: Draw, measure: Measure, known: Known, weight: str) -> dict[str, object]:
    how = draw(st.sampled_from(["比值", "比值", "比值", "极差", "名次", "分档"]))
    made: dict[str, object] = {"by": how}
    groups = list(dict.fromkeys([*known.groups, "类别"]))
    if flip(draw, 3):
        made["direction"] = "越低越好"
    match how:
        case "比值":
            made["cap"] = draw(st.sampled_from(["不设", "不设", "1.5倍权重", Figure(weight), 100, 1.33]))
            made["floor"] = draw(st.sampled_from(["不设", 0, 0, 1, -5]))
            made |= base(draw, measure, groups)
        case "极差":
            made["bottom"] = draw(st.sampled_from([0, 20, 60, 100, 12.5]))
            made["equal"] = draw(st.sampled_from(["满分", "得零分"]))
            made["group"] = some(draw, groups, 2)
        case "名次":
            made["group"] = some(draw, groups, 2)
        case "分档":
            limits = sorted({0, *draw(st.lists(st.integers(-5, 200), max_size=4))})  # type: ignore[misc]
            if made.get("direction") is None:
                limits.reverse()
            made["bands"] = [[limit, draw(st.sampled_from([0, 1, 2.5, 10, 33.333]))] for limit in limits]
    return made


def published(draw: Draw, group: str) -> dict[str, object]:
    """Figures by the labels of a group, with one for all others where labels cannot be listed."""
    labels = {
        "规模": ["大", "中", "小"],
        "行业组": ["纺织", "细分", "杂"],
        "行业": [*INDUSTRIES],
        "乡镇": [*TOWNS],
    }
    figures = st.sampled_from([0.5, 1, 3, 12.3456, 100])
    return {label: draw(figures) for label in dict.fromkeys(["*", *some(draw, labels.get(group, []), 4)])}


def base(draw: Draw, measure: Measure, groups: list[str]) -> dict[str, object]:
    kind = draw(st.sampled_from(["constant", "table", "group", "group", "group"]))
    if kind == "constant":
        return {"base": draw(st.sampled_from([0.01, 1, 3, 24.097, 1000]))}
    if kind == "table":
        group = str(draw(st.sampled_from(groups)))
        return {"base": published(draw, group), "by_group": group}
    ways = ["同组平均", "上年同组平均", "同组分位", "上年同组平均"]
    ways += ["同组加权平均", "同组加权平均", "上年同组加权平均"] if measure.is_quotient else []
    of = draw(st.sampled_from(ways))
    by = some(draw, groups, 2)
    made: dict[str, object] = {"of": of, "by": by}
    if flip(draw):
        made["times"] = draw(st.sampled_from([2, 1.2, "150%", 0.333]))
    if flip(draw, 3):
        made["digits"] = draw(st.integers(0, 6))
    if of == "同组分位":
        made["percentile"] = draw(st.sampled_from(["90%", "50%", "100%", "1%", "33.3%"]))
    if str(of).startswith("上年") and flip(draw, 3):
        made["values"] = published(draw, by[0] if len(by) == 1 else "")
    elif flip(draw, 3):
        made["small"] = {"below": draw(st.integers(1, 6)), "then": "按全体"}
    return {"base": made}


def indicators(
    draw: Draw, chosen: list[Measure], known: Known, grouped: bool
) -> tuple[list[dict[str, object]], list[str]]:
    weights = [str(draw(st.sampled_from(["10", "30", "7.5", "33.33", "100"]))) for _ in chosen]
    made: list[dict[str, object]] = []
    for measure, weight in zip(chosen, weights, strict=True):
        rules = ["得零分", "得零分", "满分", "同组平均得分", "同组平均得分"]
        # Who is left out for want of a group's figure would change that figure: the compiler refuses it.
        rules += [] if grouped else ["不参评：无此项"]
        made.append(
            {
                "name": measure.name,
                "formula": measure.formula,
                "unit": measure.unit,
                "digits": measure.digits,
                "weight": Figure(weight),
                "score": score(draw, measure, known, weight),
                "missing": draw(st.sampled_from(rules)),
                "missing_by": some(draw, list(dict.fromkeys(known.groups)), 2),
                "zero": draw(st.sampled_from(rules)),
            }
        )
    return made, weights


def classes(
    draw: Draw, known: Known, before: Known, grouped: bool
) -> tuple[dict[str, dict[str, object]], object]:
    """Classes with the same total weight, and that weight."""
    found = measures(draw, known)
    for measure in found:
        known.add(measure.unit, measure.name)
    names = ["全部"] if flip(draw, 3) else ["甲类", "乙类", "丙类"][: int(draw(st.integers(2, 3)))]  # type: ignore[call-overload]
    first, weights = indicators(draw, found, known, grouped)
    made: dict[str, dict[str, object]] = {names[0]: {"indicator": first}}
    for name in names[1:]:
        if flip(draw, 3):
            made[name] = {"like": names[0]}
            continue
        again, _ = indicators(draw, found, known, grouped)
        for indicator, weight in zip(again, weights, strict=True):
            indicator["weight"] = Figure(weight)
        order = draw(st.permutations(again))
        made[name] = {"indicator": list(order)}  # type: ignore[call-overload]
    sizes = {
        "甲类": "规模 == '大'",
        "乙类": "规模 in ['中', '小']",
        "丙类": "缺(规模)",
        "全部": "规模 == '大'",
    }
    for name in names:
        if len(names) > 1 or flip(draw, 3):
            made[name]["when"] = sizes[name] if flip(draw, 4) is False else condition(draw, before, 1)
    total = sum(int(float(weight) * 100) for weight in weights)
    return made, Figure(f"{total / 100:.2f}")


def grading(
    draw: Draw, known: Known, grades: list[str], refers_to_grade: bool, vetoed: str
) -> dict[str, object]:
    numbers = [name for names in known.numbers.values() for name in names]
    groups = list(dict.fromkeys(known.groups))
    direction = st.sampled_from(["升", "降"])

    def order(first: list[str]) -> list[str]:
        keys = [*first, *(f"{name} {draw(direction)}" for name in some(draw, [*numbers, "总分"], 2))]
        return [*keys, f"{CODE} {draw(direction)}"]

    counted = ["参评", *some(draw, ["T", "免评价", "暂缓评价", "不参评", "不定等级"], 2)]
    made: dict[str, object] = {
        "within": some(draw, [*groups, "类别"], 2),
        "order": order(["总分 降"] if flip(draw, 2) else []),
        "counted": counted,
        "ties": "按排序键",
        "vetoed": vetoed,
        "direct": draw(st.sampled_from(["占名额", "不占名额"])),
    }
    if refers_to_grade:
        made["direct"] = "占名额"
    if made["order"][0] == "总分 降":  # type: ignore[index]
        made["ties"] = draw(st.sampled_from(["按排序键", "同分就高", "同分就低"]))
    two_step = flip(draw, 4)
    if flip(draw):
        then = "合并小组" if two_step else draw(st.sampled_from(["合并小组", "按全体"]))
        made["small"] = {"below": draw(st.sampled_from([1, 2, 3, 5, 20])), "then": then}
    if two_step:
        made["method"] = "两步"
        made["rest"] = draw(st.sampled_from(grades))
        made["step"] = [
            {
                "from": draw(st.sampled_from(["前50%", "后50%", "前33.3%", "后20%", "前100%"])),
                "order": order([]),
                "first": draw(st.sampled_from(["15%", "10%", "50%", "100%", "7.5%"])),
                "round": draw(st.sampled_from(ROUNDINGS)),
                "grade": draw(st.sampled_from(grades)),
            }
            for _ in range(int(draw(st.integers(1, 3))))  # type: ignore[call-overload]
        ]
        return made
    shares = sorted(draw(st.sets(st.integers(1, 199), min_size=len(grades) - 1, max_size=len(grades) - 1)))  # type: ignore[call-overload]
    quota: dict[str, str] = {}
    rounding: dict[str, str] = {}
    for index, (grade, share) in enumerate(zip(grades, shares, strict=False)):
        if flip(draw, 4):
            quota[grade] = f">= {[60, 30.5, 10, 1][index]}分"
            continue
        quota[grade] = f"{share / 2}%"
        last = grade == grades[-2] and flip(draw)
        rounding[grades[-1] if last else grade] = str(draw(st.sampled_from(ROUNDINGS)))
    quota[grades[-1]] = "100%"
    return {**made, "quota": quota, "round": rounding}


def adjustments(draw: Draw, known: Known, names: list[str], limits: list[str]) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for index, limit in enumerate(draw(st.lists(st.sampled_from(limits), max_size=4))):  # type: ignore[arg-type]
        adjustment: dict[str, object] = {"name": f"项{index}", "limit": limit}
        if flip(draw, 4) is False:
            adjustment["when"] = condition(draw, known, 1)
        if flip(draw, 3):
            points = [
                "5 * 最大(信用分, 0)",
                "信用分 / 3",
                "abs(信用分 - 2.5)",
                "if(有('高企'), 信用分, 1.23456)",
            ]
            adjustment["points"] = draw(st.sampled_from(points))
        else:
            adjustment["add"] = draw(st.sampled_from([1, 2.5, 0, 0.12345, "5%", "12.5%", "150%"]))
        adjustment["classes"] = some(draw, names, 2)
        made.append(adjustment)
    return made


def moves(
    draw: Draw,
    known: Known,
    names: list[str],
    grades: list[str],
    veto: bool,
    refers_to_grade: bool,
    keep_places: bool,
) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for index in range(int(draw(st.integers(0, 3)))):  # type: ignore[call-overload]
        grade = draw(st.sampled_from(grades))
        ways = [f"定为 {grade}", f"最高 {grade}", "降 1 档", "降 2 档"]
        ways += [] if veto else ["提 1 档", "提 9 档", f"最低 {grade}"]
        if veto and not keep_places:  # who is given no place has no grade to be lowered
            ways = [f"定为 {grade}", f"最高 {grades[-1]}"]
        when = condition(draw, known, 2)
        if refers_to_grade and flip(draw):
            when = f"初评等级 == '{grade}' 且 {when}"
        made.append(
            {
                "name": f"{'否决' if veto else '调整'}{index}",
                "when": when,
                "then": draw(st.sampled_from(ways)),
                "classes": some(draw, names, 2),
            }
        )
    return made


@st.composite
def policies(draw: Draw) -> str:
    """The text of a policy file."""
    known = Known()
    grouped, refers_to_grade = flip(draw, 3), flip(draw, 4)
    vetoed = "占名额" if refers_to_grade else str(draw(st.sampled_from(["占名额", "不占名额"])))
    document: dict[str, object] = {
        "policy": {
            "id": "generated",
            "name": "生成",
            "source": {"document": "无", "status": "示例"},
            "valid": {"from": date(2020, 1, 1)},
            "open": [],
        },
        "input": inputs(draw, known),
        "define": definitions(draw, known, grouped),
    }
    # What comes before anybody's standing cannot use a figure of a group.
    earlier = {of: [name for name in names if name != "组内"] for of, names in known.numbers.items()}
    before = Known({of: names for of, names in earlier.items() if names}, list(known.conditions))
    declared, total = classes(draw, known, before, grouped)
    names = list(declared)
    grades = ["A", "B", "C", "D"][: int(draw(st.integers(2, 4)))]  # type: ignore[call-overload]
    document["exempt"] = [
        {
            "name": f"理由{index}",
            "when": condition(draw, before, 1),
            "then": draw(st.sampled_from(["免评价", "暂缓评价", "不参评", "T", "不定等级"])),
            "scored": flip(draw),
            **({"treated_as": draw(st.sampled_from(grades))} if flip(draw) else {}),
        }
        for index in range(int(draw(st.integers(0, 2))))  # type: ignore[call-overload]
    ]
    document["scoring"] = {
        "score_digits": draw(st.integers(0, 6)),
        "total_digits": draw(st.integers(0, 6)),
        "cap": draw(st.sampled_from(["不设", 100, 120.555])),
        "floor": draw(st.sampled_from(["不设", 0, -3])),
        "weights": total,
    }
    known.add("points", "总分")
    limits = {
        name: {
            "take": draw(st.sampled_from(["合计", "最高一项", "第一项"])),
            "cap": draw(st.sampled_from(["不设", 10, 2.345])),
        }
        for name in ["加一", "加二", "减一", "减二"]
    }
    document["limit"] = limits
    document["bonus"] = adjustments(draw, before, names, ["加一", "加二"])
    document["deduction"] = adjustments(draw, before, names, ["减一", "减二"])
    document["grade"] = {grade: {"name": f"{grade}级"} for grade in grades}
    document["grading"] = grading(draw, known, grades, refers_to_grade, vetoed)
    for name in names:
        if flip(draw, 4):
            declared[name]["grading"] = grading(draw, known, grades, refers_to_grade, vetoed)
    if all("grading" in one for one in declared.values()):
        del document["grading"]
    document["class"] = declared
    document["regrade"] = moves(draw, known, names, grades, False, refers_to_grade, True)
    document["veto"] = moves(draw, known, names, grades, True, refers_to_grade, vetoed == "占名额")
    return write_toml(document)


# -- TOML ------------------------------------------------------------------------------------------------


class Figure(str):
    """A number already written out."""


def write_toml(document: Mapping[str, object]) -> str:
    lines: list[str] = []
    for section, content in document.items():
        if isinstance(content, list):
            lines += [f"[[{section}]]\n" + "\n".join(_pairs(one)) + "\n" for one in content]
        elif section == "class":
            assert isinstance(content, Mapping)
            for name, declared in content.items():
                lines += _class_lines(f'class."{name}"', declared)
        elif isinstance(content, Mapping):
            lines.append(f"[{section}]\n" + "\n".join(_pairs(content)) + "\n")
    return "\n".join(lines)


def _class_lines(path: str, declared: Mapping[str, object]) -> list[str]:
    plain = {key: value for key, value in declared.items() if key != "indicator"}
    indicators = declared.get("indicator", [])
    assert isinstance(indicators, list)
    tables = [f"[[{path}.indicator]]\n" + "\n".join(_pairs(one)) + "\n" for one in indicators]
    return [f"[{path}]\n" + "\n".join(_pairs(plain)) + "\n", *tables]


def _pairs(table: Mapping[str, object]) -> list[str]:
    return [f'"{key}" = {_inline(value)}' for key, value in table.items()]


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Figure) or not isinstance(value, str):
        return str(value)
    return f'"{value}"'


# -- facts -----------------------------------------------------------------------------------------------

SMALL = [0, 1, 2, 3, 5, 10, 15, 99, 100, 101, 333, 1000, 12345]
HUGE = [999_999, 10**7, 123_456_789, 10**9]


@st.composite
def tables(
    draw: Draw, year: int = YEAR, edges: Mapping[str, tuple[int, int, str, int]] | None = None
) -> Facts:
    """Facts of 1 to 60 enterprises. ``edges``: lowest and highest value, unit and digits of each number."""
    count = int(draw(st.one_of(st.integers(1, 12), st.integers(13, 60))))  # type: ignore[call-overload]
    random = Random(int(draw(st.integers(0, 2**32))))  # type: ignore[call-overload]
    items: dict[str, Item] = {}
    columns: dict[str, object] = {
        CODE: [f"91{index:04d}" for index in range(count)],
        NAME: [f"企业{index}" for index in range(count)],
    }

    def fill(pool: list[object]) -> list[object]:
        return [random.choice(pool) for _ in range(count)]

    for name, dimension in NUMBERS.items():
        if edges is None:
            if flip(draw, 25):
                continue
            unit = str(draw(st.sampled_from(UNITS[dimension])))
            digits = int(draw(st.integers(0, 3)))  # type: ignore[call-overload]
            pool: list[object] = [*SMALL, *(HUGE if flip(draw, 5) and dimension != "points" else [])]
            pool = list(draw(st.lists(st.sampled_from(pool), min_size=1, max_size=8)))  # type: ignore[call-overload]
            if dimension in ("money", "points") and flip(draw):
                pool += [-1, -50, -12345]
        else:
            low, high, unit, digits = edges[name]
            pool = [low, high, low + 1, high - 1, (low + high) // 2, 1, 0]
        if flip(draw):
            pool.append(None)
        items[name] = Item(name, "number", unit, digits, "等价值" if dimension == "coal" else None)
        columns[name] = pl.Series(fill(pool), dtype=pl.Int64)
    for name, kind, choices in (
        ("规模", "text", ("大", "中", "小")),
        ("行业", "text", INDUSTRIES),
        ("乡镇", "text", TOWNS),
        ("标签", "tags", TAGS),
        ("投产", "date", DATES),
        ("事故", "text", LEVELS),
    ):
        if flip(draw, 25):
            continue
        pool = list(draw(st.lists(st.sampled_from([*choices, *choices, None]), min_size=1, max_size=8)))  # type: ignore[call-overload]
        items[name] = Item(name, kind)  # type: ignore[arg-type]
        columns[name] = pl.Series(fill(pool), dtype=items[name].dtype)
    return Facts(year, items, pl.DataFrame(columns))


@st.composite
def cases(draw: Draw) -> Case:
    return Case(str(draw(policies())), draw(tables()), draw(tables(YEAR - 1)))  # type: ignore[arg-type]


def crowd(plan: p.Plan, count: int, seed: int) -> Facts:
    """Plausible facts of many enterprises for any policy: skewed figures, one in fifty missing."""
    random = Random(seed)
    items: dict[str, Item] = {}
    columns: dict[str, object] = {
        CODE: [f"91{index:07d}" for index in range(count)],
        NAME: ["企业"] * count,
    }
    texts = {test.name: test.values for node in plan.nodes for test in _text_tests(node)}
    for node in plan.nodes:
        choices: tuple[object, ...] = ()
        if isinstance(node, p.NumberInput):
            most = int(node.range[1] * 10**node.digits)
            choices = tuple(min(int(random.lognormvariate(9, 1)), most) for _ in range(5000))
            items[node.name] = Item(node.name, "number", node.unit, node.digits, node.basis)
        elif isinstance(node, p.CodeInput):
            kind = "text" if node.kind == "level" else node.kind
            items[node.name] = Item(node.name, kind)
            open_choices = (*texts.get(node.name, ()), *INDUSTRIES)
            choices = DATES if kind == "date" else node.levels or node.values or open_choices
        if choices:
            pool = [*choices * 50, *[None] * len(choices)]
            columns[node.name] = pl.Series(random.choices(pool, k=count), dtype=items[node.name].dtype)
    return Facts(YEAR, items, pl.DataFrame(columns))


def _text_tests(node: p.AnyNode) -> list[TextTest]:
    trees = [rule.tree for rule in node.rules] if isinstance(node, p.Standing) else []
    trees += [tree for _, tree in node.rules if tree] if isinstance(node, p.Classify) else []
    trees += [move.tree for move in node.moves] if isinstance(node, p.Regrading) else []
    trees += [node.when] if isinstance(node, p.Adjustment) and node.when else []
    return [part for tree in trees for part in walk(tree) if isinstance(part, TextTest)]
