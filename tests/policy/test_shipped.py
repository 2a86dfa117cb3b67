"""Every shipped policy compiles without a word, reads what the layouts give, and grades a whole city."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import polars as pl
import pytest
from small_policies import Outcome, compiled

from muheng.cities.demo import DemoCity, make_demo
from muheng.cities.pack import COMMON_LAYOUTS, PACKS, find_policy, load_pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.intake.facts import CODE, NAME, Facts, Item
from muheng.policy.compile import compile_policy
from muheng.policy.plan import CodeInput, NumberInput, Plan
from muheng.policy.run import evaluate
from muheng.standards.units import convert

POLICIES = {path.stem: path for path in sorted(PACKS.glob("*/policies/*.toml"))}
# What no department's layout gives: points that a county or an office sets, and one survey figure.
OWN_ITEMS = {
    "js-huaian-2024": {"县区加分", "县区减分"},
    "ah-jingde-2022": {"附加分"},
    "ah-guangde": {"核定加分", "核定减分", "租用厂房面积"},
}


@pytest.fixture(scope="module", params=POLICIES)
def path(request: pytest.FixtureRequest) -> Path:
    return POLICIES[request.param]


@pytest.fixture(scope="module")
def plan(path: Path) -> Plan:
    return compiled(path)


def layout_items() -> dict[str, tuple[str, str | None, str | None]]:
    """Item → (kind, unit, basis), of every common layout."""
    items: dict[str, tuple[str, str | None, str | None]] = {}
    for file in COMMON_LAYOUTS.glob("*.toml"):
        for sheet in tomllib.loads(file.read_text(encoding="utf-8"))["sheet"].values():
            columns = sheet["columns"]
            for column in columns.values():
                if "item" in column:
                    items[column["item"]] = (column["type"], column.get("unit"), column.get("basis"))
            for subject in sheet.get("subjects", {}).values():
                for item, column in subject["gives"].items():
                    items[item] = ("数字", columns[column]["unit"], None)
                items |= dict.fromkeys(subject.get("counts", {}), ("数字", "户", None))
            for item, total in sheet.get("sums", {}).items():
                items[item] = ("数字", columns[total["of"][0]]["unit"], None)
    return items


@pytest.fixture(scope="session")
def demo() -> DemoCity:
    pack, found = load_pack("maanshan")
    assert pack is not None, found
    return make_demo(pack, 7, 2025)


def facts_of(demo: DemoCity, truth: pl.DataFrame, year: int) -> Facts:
    items: dict[str, Item] = {}
    columns = [truth[CODE], truth[NAME]]
    for name in truth.columns[2:]:
        values = truth[name]
        if name in demo.units:
            basis = {"综合能耗": "等价值", "综合能耗当量值": "当量值"}.get(name)
            items[name] = Item(name, "number", demo.units[name], 4, basis)
            values = (values.cast(pl.Decimal(38, 4)) * 10_000).cast(pl.Int64)
        elif values.dtype == pl.Date:
            items[name] = Item(name, "date")
        else:
            items[name] = Item(name, "tags" if name == "标签" else "text")
        columns.append(values.alias(name))
    return Facts(year, items, pl.DataFrame(columns).sort(CODE))


def test_all_are_here() -> None:
    assert set(POLICIES) == {
        "zj-huangyan-2021", "zj-huangyan-2022", "js-huaian-2024", "ah-jingde-2022", "ah-guangde",
        "zj-wenling-park-2022", "ha-zhengzhou-2018", "ah-maanshan-demo",
    }  # fmt: skip


def test_compiles_without_a_word(path: Path) -> None:
    found = compile_policy(path)
    assert not found.diagnostics, format_diagnostics(found.diagnostics)
    assert found.plan is not None
    assert found.plan.document.policy.id == path.stem
    assert find_policy(path.stem) == path


def test_says_where_it_is_from_and_what_is_open(plan: Plan) -> None:
    head = plan.document.policy
    assert head.source.document
    assert re.search("未见|系推断", head.source.status)
    assert len(head.open) >= 5
    assert all(sentence.endswith("。") for sentence in head.open)
    assert head.illustrative == (head.id == "ah-maanshan-demo")


def test_every_rule_has_its_clause(plan: Plan) -> None:
    document = plan.document
    if document.policy.illustrative:
        return
    indicators = [indicator for declared in document.classes.values() for indicator in declared.indicator]
    rules = [*indicators, *document.exempt, *document.bonus, *document.deduction, *document.regrade]
    assert [rule.name for rule in (*rules, *document.veto) if rule.clause is None] == []


def test_every_assumption_is_said(plan: Plan) -> None:
    """What no text says and every run needs: each has its sentence in ``open``."""
    said = "".join(plan.document.policy.open)
    for topic in ("用地", "缺", "小数", "分母为零|不大于零|为零", "等级|名额|比例"):
        if not plan.document.policy.illustrative:
            assert re.search(topic, said), topic
    if any(node.basis for node in plan.nodes if isinstance(node, NumberInput)):
        sourced = plan.document.policy.id.startswith("zj-huangyan")
        assert sourced or "等价值" in said or plan.document.policy.illustrative


def test_reads_what_the_layouts_give(plan: Plan) -> None:
    given = layout_items()
    own = OWN_ITEMS.get(plan.document.policy.id, set())
    for node in plan.nodes:
        if not isinstance(node, NumberInput | CodeInput) or node.name in own:
            continue
        kind, unit, basis = given[node.name]
        if isinstance(node, NumberInput):
            assert (kind, basis) == ("数字", node.basis), node.name
            assert unit is not None
            assert convert(1, unit, node.unit) == 1, node.name
        else:
            expected = {"text": "文本", "level": "文本", "date": "日期", "tags": "标签"}[node.kind]
            assert kind == expected, node.name


def test_grades_a_whole_city(plan: Plan, demo: DemoCity) -> None:
    found = Outcome(evaluate(plan, facts_of(demo, demo.truth, demo.year)))
    grades = found.result.grades
    rated = grades.filter(pl.col("评价状态") == "参评")
    assert rated["等级"].null_count() == 0
    assert grades.filter(pl.col("评价状态") != "参评")["等级"].null_count() == grades.height - rated.height
    assert set(rated["等级"]) == set(plan.grades)
    assert rated.height > 500
    # Everyone who is not rated is told why.
    assert (grades.filter(pl.col("评价状态") != "参评")["状态理由"] != "").all()


def test_the_same_whatever_the_order_of_the_rows(plan: Plan, demo: DemoCity) -> None:
    facts = facts_of(demo, demo.truth.sample(200, seed=1), demo.year)
    shuffled = Facts(facts.year, facts.items, facts.frame.sample(fraction=1, shuffle=True, seed=2))
    one, other = evaluate(plan, facts), evaluate(plan, shuffled)
    assert one.values.sort(CODE).equals(other.values.sort(CODE).select(one.values.columns))


def test_indicators_and_weights_as_published() -> None:
    """Names, weights and bases against the texts, a second time."""
    published = {
        "zj-huangyan-2021": {
            "规上": [("30", "26.01"), ("20", "132.27"), ("20", "2.54"),
                    ("10", "4861.08"), ("10", "17.45"), ("10", "0.0305")],
            "规下": [("50", "16.601058"), ("50", "0.236565")],
        },
        "zj-huangyan-2022": {
            "规上": [("30", "24.097"), ("20", "136.16"), ("20", "2.694"),
                    ("10", "4929.81"), ("10", "18.14"), ("10", "0.0302")],
            "规下": [("50", "11.5932"), ("50", "0.2352")],
        },
    }  # fmt: skip
    for name, classes in published.items():
        document = compiled(POLICIES[name]).document
        for of, expected in classes.items():
            found = [(str(i.weight), str(i.score.base)) for i in document.classes[of].indicator]
            assert found == expected
    guangde = compiled(POLICIES["ah-guangde"]).document
    assert [int(str(i.weight)) for i in guangde.classes["规上"].indicator] == [45, 20, 15, 15, 5]
    assert guangde.grading is not None
    assert list(guangde.grading.quota.values()) == ["25%", "70%", "95%", "100%"]
    wenling = compiled(POLICIES["zj-wenling-park-2022"]).document
    quotas = [
        declared.grading and list(declared.grading.quota.values()) for declared in wenling.classes.values()
    ]
    assert quotas == [["20%", "80%", "95%", "100%"], ["5%", "75%", "95%", "100%"]]
    zhengzhou = compiled(POLICIES["ha-zhengzhou-2018"]).document.grading
    assert zhengzhou is not None
    assert [(step.part, step.first, step.grade) for step in zhengzhou.step] == [
        ("前50%", "15%", "A"), ("后50%", "10%", "C"),
    ]  # fmt: skip


GUIDE = Path(__file__).parents[2] / "docs" / "guide-policy.md"


def blocks(kind: str) -> list[str]:
    """Fenced blocks of the guide: those of the policy that it builds, or the fragments after it."""
    built, others = GUIDE.read_text(encoding="utf-8").split("\n## 九、")
    part = built if kind == "built" else others
    return re.findall(r"^```toml\n(.*?)^```$", part, re.M | re.S)


def test_the_guide_builds_the_shipped_policy() -> None:
    found = compiled("\n".join(blocks("built")))
    assert found.meaning == compiled(POLICIES["zj-huangyan-2022"]).meaning
    assert found.document.grade == compiled(POLICIES["zj-huangyan-2022"]).document.grade


def test_the_guide_shows_what_check_says() -> None:
    text = "\n".join(blocks("built"))
    wrong = text.replace(', "统一社会信用代码 升"]', "]")
    head, tail = wrong.split('name    = "研发经费占比"')
    wrong = head + 'name    = "研发经费占比"' + tail.replace("weight  = 10", "weight  = 5", 1)
    said = format_diagnostics(compile_policy(wrong, "zj-huangyan-2022.toml").diagnostics)
    assert said in GUIDE.read_text(encoding="utf-8"), said


def test_the_fragments_of_the_guide_are_in_shipped_policies() -> None:
    shipped = [path.read_text(encoding="utf-8") for path in POLICIES.values()]
    fragments = [
        line for block in blocks("others") for line in ([block] if "[[" in block else block.splitlines())
    ]
    assert len(fragments) > 10
    assert [part for part in fragments if not any(part.strip() in text for text in shipped)] == []


def test_the_open_questions_of_the_guide_are_those_of_the_policy() -> None:
    text = GUIDE.read_text(encoding="utf-8").split("\n## 八、")[1].split("\n## 九、")[0]
    quoted = re.findall(r"^- (.*未见：.*)$", text, re.M)
    assert len(quoted) == 3
    said = compiled(POLICIES["zj-huangyan-2022"]).document.policy.open
    assert set(quoted) <= set(said)
    assert len(said) == 13  # as the guide says
