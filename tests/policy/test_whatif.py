"""What-if: the kernel says what a full run of the changed policy says, whatever was tried before."""

from __future__ import annotations

import os
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from small_policies import compiled, graded, indicator, make_facts, policy

from muheng.intake.facts import CODE
from muheng.policy.bind import DataError
from muheng.policy.change import Change, PlaceError, make_change, read_change, read_data
from muheng.policy.plan import GRADE
from muheng.policy.run import Result, evaluate
from muheng.policy.whatif import Simulation, TrialError, change_policy, what_if

MANY = int(os.environ.get("MUHENG_EXAMPLES", "1"))

TWO = policy(
    inputs='行业 = { type = "文本", missing = "其他" }\n附加 = { unit = "1", digits = 2, missing = "同组平均得分" }',
    indicator="[class.企业]\n"
    + indicator(
        weight="60",
        score='by = "比值", base = { of = "同组平均", by = ["行业"] }, cap = "1.5倍权重", floor = 0',
        more='zero = "得零分"',
    )
    + indicator("附加", name="附加项", weight="40", score='by = "极差", bottom = 20, equal = "满分"'),
    grading=graded(within='["行业"]'),
)
ROWS = {
    f"企业{at}": {
        "成绩": (at * 37) % 101,
        "附加": None if at % 7 == 0 else (at * 53) % 97,
        "行业": "甲乙丙"[at % 3],
    }
    for at in range(1, 41)
}
CHANGES = {
    "weight": lambda value: Change(("class", "企业", "indicator", "成绩单", "weight"), 60, value),
    "cap": lambda value: Change(("class", "企业", "indicator", "成绩单", "score", "cap"), "", value),
    "bottom": lambda value: Change(
        ("class", "企业", "indicator", "附加项", "score", "bottom"), 20, value % 90
    ),
    "quota": lambda value: Change(("grading", "quota", "A"), "", f"{1 + value % 50}%"),
    "digits": lambda value: Change(("scoring", "total_digits"), 2, value % 3),
}


@pytest.fixture(scope="module")
def result() -> Result:
    return evaluate(compiled(TWO), make_facts(ROWS))


def grades_of(found: Result) -> list[int]:
    return [-1 if grade is None else grade for grade in found.values[GRADE]]


def test_a_weight_by_hand(result: Result) -> None:
    effect = Simulation(result).weigh("企业", "成绩单", 10)
    again = evaluate(
        change_policy(result.plan, [CHANGES["weight"](10), CHANGES["cap"]("1.5倍权重")]), result.facts
    )
    assert effect.grades.tolist() == grades_of(again)
    assert effect.matrix.sum() == 40
    assert effect.moved == sum(a != b for a, b in zip(grades_of(result), grades_of(again), strict=True))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(1, 99)), min_size=1, max_size=5))
def test_any_sequence_of_trials_equals_full_runs(trials: list[tuple[str, int]]) -> None:
    result = evaluate(compiled(TWO), make_facts(ROWS))
    simulation = Simulation(result)
    for kind, value in trials:
        change = CHANGES[kind](value)
        effect = simulation.change([change])
        plan = change_policy(result.plan, [change])
        assert effect.grades.tolist() == grades_of(evaluate(plan, result.facts))
    assert simulation.run(result.plan).moved == 0


def test_a_trial_that_fails_leaves_the_simulation_usable(result: Result) -> None:
    simulation = Simulation(result)
    with pytest.raises(TrialError):
        simulation.change([Change(("class", "企业", "indicator", "成绩单", "formula"), "", "成绩 / 没有")])
    assert simulation.run(result.plan).moved == 0


def test_commands_take_paths_as_people_write_them(result: Result) -> None:
    found = what_if(result, ["class.企业.indicator[成绩单].weight=5", "grading.quota.A=50%"])
    assert str(found.causes[0].what) == (
        "class.企业.indicator[成绩单].weight：60 → 5；grading.quota.A：20% → 50%"
    )
    assert found.moves.height > 0
    assert what_if(result, ["policy.name=换个名"]).moves.height == 0


@pytest.mark.parametrize(
    ("assignment", "hint"),
    [
        ("class.企业.indicator[成绩].weight=5", "成绩单"),
        ("grading.quotas.A=50%", "quota"),
        ("没有等号", "路径=值"),
        ("a..b=1", ""),
    ],
)
def test_a_path_that_leads_nowhere(result: Result, assignment: str, hint: str) -> None:
    with pytest.raises(PlaceError) as caught:
        what_if(result, [assignment])
    assert hint in f"{caught.value.what}{caught.value.fix or ''}"


def test_values_are_read_as_toml_or_text() -> None:
    file = read_data(TWO, "t")
    assert read_change(file, "scoring.total_digits=3").after == 3
    assert read_change(file, "class.企业.indicator[成绩单].weight=30.5").after == Decimal("30.5")
    assert read_change(file, "grading.quota.A=25%").after == "25%"
    assert read_change(file, 'grading.within=["行业"]').after == ["行业"]


def test_a_change_leaves_the_file_itself_alone() -> None:
    file = read_data(TWO, "t")
    changed = make_change(file, read_change(file, "scoring.total_digits=3"))
    assert changed.data["scoring"]["total_digits"] == 3
    assert file.data["scoring"]["total_digits"] == 2


# -- every kind of change ------------------------------------------------------------------------------

RICH = policy(
    """
[limit]
加分 = { take = "合计", cap = 10 }
减分 = { take = "合计", cap = "不设" }
[[bonus]]
name = "高新"
when = "有('高企')"
add = 6
limit = "加分"
[[bonus]]
name = "专精"
when = "有('专精特新')"
add = "10%"
limit = "加分"
[[deduction]]
name = "出租"
when = "附加 < 20"
add = 3
limit = "减分"
[[exempt]]
name = "小微"
when = "税收 < 5"
then = "不参评"
[[regrade]]
name = "示范"
when = "有('示范')"
then = "提 1 档"
[[veto]]
name = "亏损"
when = "附加 < 3"
then = "定为 D"
""",
    inputs='行业 = { type = "文本", missing = "其他" }\n附加 = { unit = "1", digits = 2, missing = 7 }\n'
    '税收 = { unit = "万元", digits = 2, missing = "得零分" }\n用地 = { unit = "亩", digits = 2, missing = "视为缺" }\n'
    '标签 = { type = "标签", missing = "视为缺" }\n',
    define='面积 = { formula = "用地", unit = "亩", must = "> 1", else = "不参评：地太小" }\n'
    '行业组 = { group = "行业", table = { 一 = ["甲"], 二 = ["乙"] }, other = "其他" }',
    indicator="[class.企业]\n"
    + indicator(
        "税收 / 面积", unit="万元/亩", digits=4, name="亩均税收", weight="50",
        score='by = "比值", base = { of = "同组平均", by = ["行业组"] }, cap = "1.5倍权重", floor = "0.1倍权重"',
        more='zero = "满分"\nmissing = "满分"',
    )
    + indicator(weight="30", score='by = "比值", base = 50, cap = 40, floor = 0', more='zero = "得零分"')
    + indicator("附加", name="附加项", weight="15", score='by = "极差", bottom = 20, equal = "满分"')
    + indicator("附加", name="再附加", weight="5", score='by = "名次"'),
    grading=graded(within='["行业组"]', small='{ below = 4, then = "合并小组" }'),
)  # fmt: skip
RICH_ROWS = {
    f"企业{at:02}": {
        "成绩": (at * 37) % 101,
        "附加": None if at % 7 == 0 else (at * 53) % 97,
        "税收": (at * 29) % 83,
        "用地": None if at == 9 else (at * 11) % 17,
        "行业": "甲乙丙丁"[at % 4],
        "标签": ["高企", "专精特新:省级|高企", None, "示范"][at % 4],
    }
    for at in range(1, 41)
}
ASSIGNMENTS = [
    "class.企业.indicator[亩均税收].weight=70",
    "class.企业.indicator[亩均税收].zero=得零分",
    "class.企业.indicator[亩均税收].missing=同组平均得分",
    "class.企业.indicator[亩均税收].digits=0",
    "class.企业.indicator[亩均税收].unit=元/亩",
    "class.企业.indicator[亩均税收].formula=税收 / (面积 + 用地)",
    "class.企业.indicator[亩均税收].score.cap=不设",
    "class.企业.indicator[亩均税收].score.base=3.5",
    "class.企业.indicator[亩均税收].score.base.times=2",
    "class.企业.indicator[亩均税收].score.base.by=[]",
    'class.企业.indicator[亩均税收].score={ by = "名次" }',
    "class.企业.indicator[成绩单].score.base=10",
    "class.企业.indicator[成绩单].score.direction=越低越好",
    "class.企业.indicator[附加项].score.bottom=60",
    'class.企业.when=成绩 > 20',
    "scoring.total_digits=0",
    "scoring.cap=80",
    "limit.加分.take=最高一项",
    "limit.加分.cap=2",
    "bonus[高新].add=12%",
    "bonus[高新].when=附加 > 50",
    "deduction[出租].add=30",
    "exempt[小微].when=税收 < 40",
    "exempt[小微].then=T",
    "define.面积.must=> 5",
    'define.行业组.table={ 一 = ["甲", "丙"], 二 = ["乙"] }',
    "grading.within=[]",
    "grading.quota.A=45%",
    "grading.round.A=进一",
    "grading.ties=同分就低",
    "grading.order=[\"亩均税收 升\", \"统一社会信用代码 降\"]",
    "grading.small.below=30",
    "grading.small.then=按全体",
    "grading.counted=[\"参评\", \"不参评\"]",
    "grading.vetoed=不占名额",
    "regrade[示范].then=定为 A",
    "veto[亏损].then=最高 C",
    "veto[亏损].when=附加 < 30",
    "input.附加.missing=0",
    "input.附加.digits=0",
    "input.税收.unit=元",
    "input.税收.range=[0, 1000]",
    "input.行业.missing=乙",
    "input.标签.missing=示范",
    "policy.name=别的名称",
]  # fmt: skip


@pytest.fixture(scope="module")
def rich() -> Simulation:
    return Simulation(evaluate(compiled(RICH), make_facts(RICH_ROWS)))


def read(of: Result, assignment: str) -> Change:
    return read_change(read_data(of.plan.text, "t"), assignment)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_kind_of_change_equals_a_full_run_of_the_edited_text(rich: Simulation, assignment: str) -> None:
    """One simulation takes all of them, one after the other."""
    change = read(rich.result, assignment)
    effect = rich.change([change])
    again = evaluate(change_policy(rich.result.plan, [change]), rich.result.facts)
    assert effect.grades.tolist() == grades_of(again)
    found = what_if(rich.result, [assignment])
    graded_rows = pl.any_horizontal(pl.col("原等级", "新等级").is_in(rich.result.plan.grades))
    assert found.moves.filter(graded_rows).height == effect.moved
    assert rich.run(rich.result.plan).moved == 0


def test_most_kinds_of_change_move_somebody(rich: Simulation) -> None:
    still = [text for text in ASSIGNMENTS if not rich.change([read(rich.result, text)]).moved]
    assert len(still) < len(ASSIGNMENTS) / 2, still


@settings(max_examples=15 * MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.lists(st.sampled_from(ASSIGNMENTS), min_size=1, max_size=3, unique=True), min_size=1, max_size=4
    )
)
def test_changes_together_and_one_set_after_another(rich: Simulation, trials: list[list[str]]) -> None:
    for assignments in trials:
        changes = [read(rich.result, assignment) for assignment in assignments]
        try:
            plan = change_policy(rich.result.plan, changes)
        except (TrialError, PlaceError):
            event("do not go together")
            continue
        assert rich.change(changes).grades.tolist() == grades_of(evaluate(plan, rich.result.facts))
    assert rich.run(rich.result.plan).moved == 0


@pytest.mark.parametrize("name", ["亩均税收", "成绩单", "附加项", "再附加"])
@pytest.mark.parametrize("weight", [1, 20, "33.5", 400])
def test_a_weight_by_the_quick_way_is_the_weight_in_the_file(
    rich: Simulation, name: str, weight: int | str
) -> None:
    """Caps that are multiples of the weight follow it, caps in points do not; full marks for what is missing do."""
    quick = rich.weigh("企业", name, weight)
    change = read(rich.result, f"class.企业.indicator[{name}].weight={weight}")
    full = evaluate(change_policy(rich.result.plan, [change]), rich.result.facts)
    assert quick.grades.tolist() == grades_of(full)
    assert {item.name: item.weight for item in quick.plan.indicators} == {
        item.name: item.weight for item in full.plan.indicators
    }


@pytest.mark.parametrize(
    ("class_name", "name", "weight"), [("企业", "没有", 5), ("没有", "成绩单", 5), ("企业", "成绩单", 0)]
)
def test_a_weight_that_cannot_be_is_said_so(
    rich: Simulation, class_name: str, name: str, weight: int
) -> None:
    with pytest.raises(PlaceError):
        rich.weigh(class_name, name, weight)


def test_a_run_refused_for_its_figures_leaves_the_simulation_usable() -> None:
    """Ever greater weights: at some point the figures cannot be calculated with exactly any more."""
    source = policy(
        inputs=f'税收 = {{ unit = "万元", digits = 6, range = [0, {10**12}], missing = "得零分" }}',
        indicator="[class.企业]\n"
        + indicator(
            "税收",
            unit="万元",
            digits=6,
            name="税收项",
            weight="60",
            score='by = "比值", base = 1000, cap = "不设", floor = 0',
        )
        + indicator(weight="40"),
    )
    rows = {f"企业{at}": {"成绩": (at * 37) % 101, "税收": 10 ** (at % 10)} for at in range(1, 21)}
    result = evaluate(compiled(source), make_facts(rows))
    simulation = Simulation(result)
    kinds = set()
    for power in range(2, 15):
        change = read(result, f"class.企业.indicator[税收项].weight={10**power}")
        try:
            wanted = grades_of(evaluate(change_policy(result.plan, [change]), result.facts))
        except DataError as error:
            kinds.add(error.misfits[0].what.template)
            for _ in range(2):
                with pytest.raises(DataError):
                    simulation.change([change])
            assert simulation.run(result.plan).moved == 0
        else:
            assert simulation.change([change]).grades.tolist() == wanted
    assert kinds


def test_a_base_from_last_year_stays_last_year_s() -> None:
    source = policy(
        indicator="[class.企业]\n"
        + indicator(
            score='by = "比值", base = { of = "上年同组平均" }, cap = 90, floor = 0', more='zero = "得零分"'
        )
    )
    rows = {f"企业{at}": {"成绩": at * 10} for at in range(1, 9)}
    result = evaluate(compiled(source), make_facts(rows), previous=make_facts(rows, 2023))
    simulation = Simulation(result)
    for assignment in (
        "class.企业.indicator[成绩单].score.base.times=3",
        "class.企业.indicator[成绩单].score.cap=40",
    ):
        change = read(result, assignment)
        full = evaluate(change_policy(result.plan, [change]), result.facts, previous=result.previous)
        assert simulation.change([change]).grades.tolist() == grades_of(full)


def test_grades_may_be_fewer_afterwards() -> None:
    result = evaluate(compiled(policy()), make_facts({f"企业{at}": {"成绩": at} for at in range(1, 11)}))
    changes = [
        read(result, 'grade={ A = { name = "优" }, B = { name = "良" }, C = { name = "差" } }'),
        read(result, 'grading.quota={ A = "20%", B = "60%", C = "100%" }'),
        read(result, 'grading.round={ A = "舍去", B = "舍去" }'),
    ]
    effect = Simulation(result).change(changes)
    assert effect.before == ("A", "B", "C", "D")
    assert effect.plan.grades == ("A", "B", "C")
    assert effect.matrix.sum() == 10
    assert effect.matrix[3].tolist() == [0, 0, 1, 0]
    assert effect.moved == 1


def test_another_rule_for_merging_is_another_list_of_subjects() -> None:
    source = policy(
        '[merge]\nby = "宗地号"\nland = "用地"\nresult = "共享"\nalone = "用地 >= 5"\n',
        inputs='宗地号 = { type = "文本", missing = "视为缺" }\n用地 = { unit = "亩", missing = 0 }',
    )
    rows = {
        f"企业{at}": {"成绩": at * 10, "宗地号": "甲" if at < 4 else f"丁{at}", "用地": at}
        for at in range(1, 11)
    }
    result = evaluate(compiled(source), make_facts(rows))
    change = read(result, "merge.alone=用地 >= 2")
    effect = Simulation(result).change([change])
    full = evaluate(change_policy(result.plan, [change]), result.given)
    wanted = [full.values[GRADE][full.rows[code]] for code in result.values[CODE]]
    assert effect.grades.tolist() == wanted
    found = what_if(result, ["merge.alone=用地 >= 2"])
    assert found.matrix["户数"].sum() == 10


@pytest.mark.parametrize(
    "assignment", ["=5", " = 5", "[成绩单]=5", "grading.order[1].x=5", "class=5", "scoring.total_digits.x=1"]
)
def test_hostile_paths_are_refused_in_words(rich: Simulation, assignment: str) -> None:
    with pytest.raises((PlaceError, TrialError)) as caught:
        what_if(rich.result, [assignment])
    assert str(caught.value)


@pytest.mark.parametrize(
    "assignment",
    ["scoring.total_digits=3.5", "grading.quota.A=90%", "class.企业.indicator[成绩单].formula=成绩 +"],
)
def test_a_change_that_makes_the_policy_wrong_says_what_is_wrong(rich: Simulation, assignment: str) -> None:
    with pytest.raises(TrialError) as caught:
        rich.change([read(rich.result, assignment)])
    assert any(diagnostic.severity == "error" for diagnostic in caught.value.diagnostics)
    assert rich.run(rich.result.plan).moved == 0
