"""Advice is a promise: whoever does what a way says has the grade, the place and the score that it says.

Every way is tried by changing the facts and running everything again.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st
from small_city import NUMBERS, City, change_facts, cities
from small_policies import GRADE, Outcome, graded, indicator, marks, policy, run

from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.advise import Advice, Way, advise
from muheng.policy.bind import DataError
from muheng.policy.explain import UnknownEnterprise, trimmed
from muheng.policy.run import Result, evaluate

MANY = int(os.environ.get("MUHENG_EXAMPLES", "1"))


def outcome_of(result: Result, code: str, way: Way, portion: Decimal = Decimal(1)) -> tuple[object, ...]:
    """Grade, place and score of an enterprise that did what the way says, or a portion of it."""
    figures: dict[str, Decimal] = {}
    for step in way.steps:
        if step.before is not None and step.after is not None:
            before, after = Decimal(step.before), Decimal(step.after)
            figures[step.item] = (before + (after - before) * portion).quantize(before)
    tags = {step.item: step.tag for step in way.steps if step.tag is not None}
    changed = evaluate(result.plan, change_facts(result.facts, code, figures, tags), previous=result.previous)
    row = changed.rows[code]
    total = changed.grades[p.TOTAL][row]
    return changed.grades[p.GRADE][row], changed.values[p.PLACE][row], trimmed(total or "0")


def assert_promises_kept(result: Result, advice: Advice) -> None:
    for way in advice.ways:
        assert outcome_of(result, advice.code, way) == (way.grade, way.place, way.total), way
        assert result.plan.grades.index(way.grade) <= result.plan.grades.index(advice.wanted)


def advice_for(outcome: Outcome, name: str, grade: str) -> Advice:
    found = advise(outcome.result, outcome.result.values[CODE][outcome.row(name)], grade)
    assert_promises_kept(outcome.result, found)
    return found


def says(advice: Advice) -> str:
    return "\n".join(advice.lines())


@settings(
    max_examples=30 * MANY,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    report_multiple_bugs=False,
)
@given(cities(), st.data())
def test_every_way_holds_when_everything_is_run_again(city: City, data: st.DataObject) -> None:
    try:
        result = evaluate(city.plan, city.facts, previous=city.previous)
    except DataError:
        reject()
    below = [row for row, grade in enumerate(result.values[p.GRADE]) if grade]
    if not below:
        event("nobody below the best")
        return
    row = data.draw(st.sampled_from(below))
    grade = city.plan.grades[data.draw(st.integers(0, result.values[p.GRADE][row] - 1))]
    found = advise(result, result.values[CODE][row], grade)
    event("reachable" if found.reachable else "not reachable")
    assert found.lines()
    assert_promises_kept(result, found)
    assert_nothing_simple_was_missed(result, found, row)
    for dead in found.dead:
        figure = Decimal(dict(dead.limit.params)["value"])
        assert grade_with(result, found, {dead.item: figure}) != "reached", dead


def grade_with(result: Result, advice: Advice, figures: dict[str, Decimal]) -> str:
    """Whether the wanted grade is "reached" by these figures; "refused" where the policy does not take them."""
    try:
        changed = evaluate(
            result.plan, change_facts(result.facts, advice.code, figures), previous=result.previous
        )
    except DataError:
        return "refused"
    grade = changed.values[p.GRADE][changed.rows[advice.code]]
    return "reached" if grade is not None and grade <= result.plan.grades.index(advice.wanted) else "short"


def assert_nothing_simple_was_missed(result: Result, found: Advice, row: int) -> None:
    """Where a single figure at ten times or a tenth would do, some way is told. (营收 may decide the class, and
    to leave a class is no advice.)"""
    if found.reachable:
        return
    used = {"亩均利润": "利润", "亩均增加值": "增加值", "研发占比": "研发"}
    names = ["税收", *(used[item.name] for item in result.plan.indicators if item.name in used)]
    for name in names:
        value = result.facts.frame[name][row]
        if value is None or value <= 0:
            continue
        figure = Decimal(value * 10).scaleb(-NUMBERS[name][1])
        assert grade_with(result, found, {name: figure}) != "reached", name


# -- one rule at a time ------------------------------------------------------------------------------

TAX = '税收 = { unit = "万元", digits = 2, missing = "得零分" }\n'
LAND = '用地 = { unit = "亩", digits = 2, missing = "得零分" }\n'
PER_MU = indicator("税收 / 用地", unit="万元/亩", digits=4, more='zero = "得零分"', name="亩均税收")
CONSTANT = 'by = "比值", base = 10, cap = "不设", floor = 0'


def per_mu(score: str = CONSTANT, **keys: str) -> str:
    return policy(
        inputs=TAX + LAND + keys.pop("inputs", ""),
        indicator="[class.企业]\n"
        + indicator(
            "税收 / 用地", unit="万元/亩", digits=4, more='zero = "得零分"', name="亩均税收", score=score
        ),
        **keys,
    )


def taxes(*values: float, land: float = 10, **more: object) -> dict[str, dict[str, object]]:
    return {f"企业{at}": {"税收": value, "用地": land, **more} for at, value in enumerate(values, 1)}


def test_the_cheapest_change_is_about_the_least_that_does() -> None:
    """Five enterprises, B is the first three: the fourth needs more than 30 万元 a mu over 10 mu."""
    outcome = run(per_mu(), taxes(500, 400, 300, 200, 100))
    found = advice_for(outcome, "企业4", "B")
    first = found.ways[0]
    assert [(step.item, step.before) for step in first.steps] == [("用地", "10.00")]
    tax = next(way for way in found.ways if way.steps[0].item == "税收")
    assert Decimal(300) <= Decimal(tax.steps[0].after or "") <= Decimal(302)
    for way in found.ways:
        assert outcome_of(outcome.result, found.code, way, Decimal("0.95"))[0] == "C"


def test_who_has_the_grade_or_a_better_one_is_told_so() -> None:
    outcome = run(per_mu(), taxes(500, 400, 300, 200, 100))
    for grade, name in (("B", "企业2"), ("C", "企业1")):
        found = advice_for(outcome, name, grade)
        assert found.held
        assert found.ways == found.dead == ()
    assert says(advice_for(outcome, "企业1", "C")) == "企业1 已是 A 类。"


def test_the_name_may_stand_for_the_code_and_the_answer_has_the_code() -> None:
    outcome = run(per_mu(), taxes(500, 400, 300, 200, 100))
    found = advise(outcome.result, "企业4", "B")
    assert found.code == outcome.result.values[CODE][3]
    with pytest.raises(UnknownEnterprise):
        advise(outcome.result, "企业6", "B")
    with pytest.raises(ValueError, match="E"):
        advise(outcome.result, "企业4", "E")


def test_a_veto_is_named_and_no_figure_is_blamed() -> None:
    veto = '[[veto]]\nname = "较大事故"\nwhen = "事故 == 1"\nthen = "最高 D"\n'
    text = per_mu(inputs='事故 = { unit = "1", digits = 0, missing = 0 }\n', more=veto)
    rows = taxes(500, 400, 300, 200, 100, 事故=0)
    rows["企业1"]["事故"] = 1
    found = advice_for(run(text, rows), "企业1", "A")
    assert not found.reachable
    assert found.dead == ()
    assert "较大事故" in says(found)


def test_a_veto_by_a_figure_is_lifted_by_the_figure() -> None:
    veto = '[[veto]]\nname = "亏损"\nwhen = "利润总额 < 0"\nthen = "最高 D"\n'
    text = per_mu(inputs='利润总额 = { unit = "万元", digits = 2, missing = 0 }\n', more=veto)
    rows = taxes(500, 400, 300, 200, 100, 利润总额=50)
    rows["企业1"]["利润总额"] = -20
    found = advice_for(run(text, rows), "企业1", "A")
    (way,) = found.ways
    assert way.steps[0].item == "利润总额"
    assert 0 <= Decimal(way.steps[0].after or "") <= 1


def test_out_of_reach_says_how_much_is_missing_even_then() -> None:
    outcome = run(per_mu(), taxes(50000, 400, 300, 200, 1))
    found = advice_for(outcome, "企业5", "A")
    assert not found.reachable
    dead = {one.item: one for one in found.dead}
    assert set(dead) == {"税收", "用地"}
    far = evaluate(outcome.result.plan, change_facts(outcome.result.facts, found.code, {"税收": Decimal(10)}))
    line = Decimal(outcome.total("企业1") or 0)
    assert Decimal(far.grades[p.TOTAL][4]) + Decimal(dead["税收"].short or 0) == line
    assert "10 倍" in says(found)


def test_alone_in_its_group_nobody_moves() -> None:
    """25% of one, rounded down, is nobody: no figure helps."""
    found = advice_for(run(per_mu(), taxes(100)), "企业1", "A")
    assert not found.reachable
    assert {one.item for one in found.dead} == {"税收", "用地"}


def test_its_own_change_moves_the_mean() -> None:
    """Two enterprises and a base that is their mean: more tax raises the base as well."""
    score = 'by = "比值", base = { of = "同组平均" }, cap = "不设", floor = 0'
    grading = graded(quota='{ A = ">= 120分", B = ">= 60分", C = "95%", D = "100%" }', round='{ C = "进一" }')
    outcome = run(per_mu(score, grading=grading), taxes(100, 100))
    way = next(way for way in advice_for(outcome, "企业1", "A").ways if way.steps[0].item == "税收")
    # 120 = 100 × 2t ÷ (t + 100): t = 150.
    assert Decimal(150) <= Decimal(way.steps[0].after or "") <= Decimal(151)
    assert outcome.total("企业1") == 100


@pytest.mark.parametrize(
    "score",
    [
        'by = "名次"',
        'by = "极差", bottom = 20, equal = "满分"',
        'by = "比值", base = { of = "同组分位", percentile = "50%" }, cap = "不设", floor = 0',
        'by = "分档", bands = [[35, 100], [25, 80], [15, 60]]',
        'by = "比值", base = { of = "同组加权平均" }, cap = "1.5倍权重", floor = 0',
    ],
)
@pytest.mark.parametrize("name", ["企业4", "企业5"])
def test_scores_by_place_by_extremes_and_by_bands(score: str, name: str) -> None:
    """The last has the lowest value of all, so its own change moves the range."""
    outcome = run(per_mu(score), taxes(500, 400, 300, 200, 100))
    found = advice_for(outcome, name, "B")
    assert {step.item for way in found.ways for step in way.steps} == {"税收", "用地"}


def test_full_marks_for_the_first_leave_no_way_past_it() -> None:
    """Who has full marks stays before whoever gets them too, by its code."""
    found = advice_for(
        run(per_mu('by = "分档", bands = [[40, 100], [25, 80]]'), taxes(500, 400, 300)), "企业3", "A"
    )
    assert not found.reachable
    assert {(one.item, one.short) for one in found.dead} == {("税收", None), ("用地", None)}


def test_a_negative_figure_has_to_rise() -> None:
    inputs = '利润总额 = { unit = "万元", digits = 2, missing = "得零分" }\n用地 = { unit = "亩", digits = 2, missing = "得零分" }\n'
    text = policy(
        inputs=inputs,
        indicator="[class.企业]\n"
        + indicator(
            "利润总额 / 用地",
            unit="万元/亩",
            digits=4,
            more='zero = "得零分"',
            score='by = "比值", base = 10, cap = "不设", floor = 0',
        ),
    )
    rows = {
        f"企业{at}": {"利润总额": value, "用地": 10} for at, value in enumerate([500, 400, 30, -100, -200], 1)
    }
    found = advice_for(run(text, rows), "企业4", "B")
    (way,) = [way for way in found.ways if way.steps[0].item == "利润总额"]
    assert way.steps[0].share is not None
    assert way.steps[0].share > 0
    assert "由 -100 增至" in says(found)


def test_land_falls_no_further_than_the_policy_allows() -> None:
    """A tenth of the land is below what is evaluated at all; some way between is enough."""
    define = '面积 = { formula = "用地", unit = "亩", must = ">= 3", else = "不参评：地太小" }'
    text = policy(
        inputs=TAX + LAND,
        define=define,
        indicator="[class.企业]\n" + indicator("税收 / 面积", unit="万元/亩", digits=4, score=CONSTANT),
    )
    found = advice_for(run(text, taxes(500, 400, 300, 200, 100)), "企业4", "A")
    land = next(way for way in found.ways if way.steps[0].item == "用地")
    assert 3 <= Decimal(land.steps[0].after or "") <= 4


def test_nothing_is_advised_beyond_the_believable_range() -> None:
    text = policy(
        inputs='税收 = { unit = "万元", digits = 2, range = [0, 600], missing = "得零分" }\n' + LAND,
        indicator="[class.企业]\n" + PER_MU,
    )
    outcome = run(text, taxes(6000 / 10, 400, 300, 200, 100))
    found = advice_for(outcome, "企业5", "A")
    for way in found.ways:
        for step in way.steps:
            assert step.item != "税收" or Decimal(step.after or "") <= 600


def test_figures_beyond_all_others_stay_exact() -> None:
    """Ten times the largest figure lies beyond what the run was proved for, and in the end beyond 64 bits."""
    exact = 0
    for power in range(7, 13):
        huge = 10**power
        text = policy(
            inputs=f'税收 = {{ unit = "万元", digits = 6, range = [0, {10**14}], missing = "得零分" }}\n{LAND}',
            indicator="[class.企业]\n" + PER_MU,
        )
        try:
            outcome = run(text, taxes(huge, huge - 1, huge - 2, huge - 3, huge - 4, land=10))
        except DataError:
            continue
        exact += advice_for(outcome, "企业5", "A").reachable
    assert exact > 2


def test_a_status_behind_a_named_condition_is_a_way() -> None:
    text = per_mu(
        inputs='标签 = { type = "标签", missing = "视为缺" }\n',
        define="省专 = { when = \"有('专精特新', '省级')\" }",
        more='[limit]\n加分 = { take = "合计", cap = 20 }\n[[bonus]]\nname = "省专"\nwhen = "省专"\nadd = 15\nlimit = "加分"\n',
    )
    rows = taxes(100, 60, 51, 40, 30)
    rows["企业1"]["标签"] = "高新技术企业"
    found = advice_for(run(text, rows), "企业4", "B")
    assert found.ways[0].steps[0].tag == "专精特新:省级"
    assert "认定专精特新（省级）" in says(found)


def test_a_status_that_is_not_enough_goes_with_a_figure() -> None:
    text = per_mu(
        inputs='标签 = { type = "标签", missing = "视为缺" }\n',
        more='[limit]\n加分 = { take = "合计", cap = 20 }\n[[bonus]]\nname = "高新"\nwhen = "有(\'高企\')"\nadd = 5\nlimit = "加分"\n',
    )
    rows = taxes(100, 60, 51, 40, 30, 标签="其他")
    found = advice_for(run(text, rows), "企业4", "B")
    with_tag = next(way for way in found.ways if way.steps[0].tag is not None)
    alone = next(way for way in found.ways if way.steps[0].item == with_tag.steps[1].item)
    assert with_tag.cost < alone.cost


def test_a_status_that_lifts_the_grade_is_a_way() -> None:
    text = per_mu(
        inputs='标签 = { type = "标签", missing = "视为缺" }\n',
        more='[[regrade]]\nname = "县五百强"\nwhen = "有(\'县五百强\')"\nthen = "定为 A"\n',
    )
    rows = taxes(100, 60, 51, 40, 30, 标签="其他")
    assert advice_for(run(text, rows), "企业5", "A").ways[0].steps[0].tag == "县五百强"


def test_a_change_that_changes_the_class_is_judged_in_the_other_class() -> None:
    """With more tax it is 大: first among others than before."""
    text = policy(
        inputs=TAX + LAND,
        indicator="".join(
            f'[class.{name}]\nwhen = "{when}"\n'
            + indicator(
                "税收 / 用地", unit="万元/亩", digits=4, more='zero = "得零分"', name="亩均税收", of=name
            )
            for name, when in (("大", "税收 >= 250"), ("小", "税收 < 250"))
        ),
    )
    outcome = run(text, taxes(900, 800, 700, 600, 500, 240, 230, 220, 210, 100))
    for grade in ("A", "B"):
        found = advice_for(outcome, "企业9", grade)
        assert found.reachable


def test_places_by_another_key_than_the_score() -> None:
    grading = graded(order='["亩均税收 降", "统一社会信用代码 升"]')
    found = advice_for(run(per_mu(grading=grading), taxes(500, 400, 300, 200, 100)), "企业4", "B")
    assert {way.steps[0].item for way in found.ways} == {"税收", "用地"}
    assert all(one.short is None for one in found.dead)


def test_two_steps() -> None:
    grading = (
        '[grading]\nmethod = "两步"\norder = ["总分 降", "统一社会信用代码 升"]\ncounted = ["参评"]\n'
        'ties = "按排序键"\nvetoed = "占名额"\ndirect = "占名额"\nrest = "B"\n'
        '[[grading.step]]\nfrom = "前50%"\norder = ["亩均税收 降", "统一社会信用代码 升"]\nfirst = "20%"\nround = "进一"\ngrade = "A"\n'
    )
    found = advice_for(run(per_mu(grading=grading), taxes(500, 400, 300, 200, 100)), "企业4", "A")
    assert found.reachable


def test_everything_together_where_no_single_figure_is_enough() -> None:
    inputs = TAX + LAND + '营业收入 = { unit = "万元", digits = 2, missing = "得零分" }\n'
    capped = 'by = "比值", base = 10, cap = "1.2倍权重", floor = 0'
    text = policy(
        inputs=inputs,
        indicator="[class.企业]\n"
        + indicator(
            "税收 / 用地",
            unit="万元/亩",
            digits=4,
            weight="50",
            more='zero = "得零分"',
            name="亩均税收",
            score=capped,
        )
        + indicator(
            "营业收入 / 用地",
            unit="万元/亩",
            digits=4,
            weight="50",
            more='zero = "得零分"',
            name="亩均营收",
            score=capped,
        ),
    )
    rows = {
        f"企业{at}": {"税收": value, "营业收入": value, "用地": 10}
        for at, value in enumerate([110, 100, 90, 80, 70], 1)
    }
    found = advice_for(run(text, rows), "企业5", "A")
    assert found.reachable


def test_nobody_is_advised_to_cut_staff() -> None:
    text = policy(
        inputs=TAX + '职工 = { unit = "人", digits = 0, missing = "得零分" }\n',
        indicator="[class.企业]\n"
        + indicator("税收 / 职工", unit="万元/人", digits=4, more='zero = "得零分"', score=CONSTANT),
    )
    rows = {f"企业{at}": {"税收": value, "职工": 10} for at, value in enumerate([500, 400, 300, 200, 100], 1)}
    found = advice_for(run(text, rows), "企业4", "B")
    assert {step.item for way in found.ways for step in way.steps} == {"税收"}


def test_who_is_not_rated_hears_why() -> None:
    text = policy(
        inputs=TAX + LAND,
        define='面积 = { formula = "用地", unit = "亩", must = ">= 3", else = "不参评：地太小" }',
        indicator="[class.企业]\n" + indicator("税收 / 面积", unit="万元/亩", digits=4, score=CONSTANT),
    )
    rows = taxes(500, 400, 300, 200, 100)
    rows["企业2"]["用地"] = 1
    found = advice_for(run(text, rows), "企业2", "A")
    assert found.now is None
    assert not found.reachable
    assert "地太小" in says(found)


def test_last_years_mean_stays_whatever_is_done_now() -> None:
    score = 'by = "比值", base = { of = "上年同组平均" }, cap = "不设", floor = 0'
    outcome = run(per_mu(score), taxes(500, 400, 300, 200, 100), previous=taxes(100, 200, 300))
    assert advice_for(outcome, "企业4", "B").reachable


def test_advice_as_json_is_plain_data() -> None:
    outcome = run(per_mu(), taxes(500, 400, 300, 200, 100))
    told = json.loads(json.dumps(advice_for(outcome, "企业4", "B").json(), ensure_ascii=False))
    assert told["reachable"] is True
    assert told["held"] is False
    assert told["ways"][0]["grade"] == "B"
    assert told["ways"][0]["steps"][0]["item"] == "用地"


def test_grades_by_marks_alone() -> None:
    """The helper's own policy: one figure, whole shares."""
    found = advice_for(run(policy(grade=GRADE), marks(90, 80, 70, 60, 50)), "企业5", "C")
    assert found.reachable
