"""A policy as a document: complete, in words, and each rule at its place in the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from muheng.cities.pack import PACKS
from muheng.documents.message import Language
from muheng.policy.compile import compile_policy
from muheng.policy.plan import Plan
from muheng.reports.policy_chapters import write_policy
from muheng.reports.policy_text import PolicyText, Table, chapter_number
from muheng.reports.words import render

SHIPPED = sorted(PACKS.glob("*/policies/*.toml"))


def compiled(path: Path) -> Plan:
    plan = compile_policy(path).plan
    assert plan is not None
    return plan


@pytest.fixture(scope="module", params=SHIPPED, ids=lambda path: path.stem)
def policy(request: pytest.FixtureRequest) -> tuple[Plan, PolicyText]:
    plan = compiled(request.param)
    return plan, write_policy(plan)


def demo() -> PolicyText:
    return write_policy(compiled(PACKS / "maanshan" / "policies" / "ah-maanshan-demo.toml"))


def said(text: PolicyText, key: str, lang: Language = "zh") -> str:
    return render(text.places[key][1].said, lang)


def test_all_eight_are_shipped() -> None:
    assert len(SHIPPED) == 8


def test_no_key_or_operator_of_the_file_is_read_aloud(policy: tuple[Plan, PolicyText]) -> None:
    plan, text = policy
    url = plan.document.policy.source.url or "—"
    for line in text.lines():
        line = line.replace(url, "")
        if line.startswith(tuple(f"{number}. " for number in range(1, 30))):
            continue  # open questions are the author's own words
        assert not re.search(r"[a-z]{2,}|[=<>]=|['{}]|\[|\]", line), line


def test_every_rule_of_the_file_is_said(policy: tuple[Plan, PolicyText]) -> None:
    plan, text = policy
    document = plan.document
    due = [f"input.{name}" for name in document.input]
    due += [f"define.{name}" for name in document.define]
    for name, declared in document.classes.items():
        due += [f"class.{name}.indicator[{indicator.name}]" for indicator in declared.indicator]
    due += [f"exempt[{rule.name}]" for rule in document.exempt]
    due += [f"limit.{name}" for name in document.limit]
    due += [f"bonus[{rule.name}]" for rule in document.bonus]
    due += [f"deduction[{rule.name}]" for rule in document.deduction]
    due += [f"regrade[{rule.name}]" for rule in document.regrade]
    due += [f"veto[{rule.name}]" for rule in document.veto]
    due += [f"policy.open[{number}]" for number in range(1, len(document.policy.open) + 1)]
    assert [key for key in due if key not in text.places] == []


def test_no_two_rules_have_one_key(policy: tuple[Plan, PolicyText]) -> None:
    _, text = policy
    keys = [place.key for chapter in text.chapters for place in chapter.places()]
    assert len(keys) == len(set(keys))


def test_each_rule_stands_on_its_lines(policy: tuple[Plan, PolicyText]) -> None:
    plan, text = policy
    lines = plan.text.splitlines()
    for key, (_, place) in text.places.items():
        if place.lines is None:
            assert key.startswith(("terms.", "method.")), key
            continue
        own = "\n".join(lines[place.lines.first - 1 : place.lines.last])
        if match := re.search(r"\[(\D[^\]]*)\]$", key):
            assert match.group(1) in own, key
        elif key.startswith("policy.open"):
            assert render(place.said, "zh") in own


def test_clauses_of_the_source_are_named(policy: tuple[Plan, PolicyText]) -> None:
    plan, text = policy
    shown = "\n".join(text.lines())
    for declared in plan.document.classes.values():
        for indicator in declared.indicator:
            assert indicator.clause is None or indicator.clause in shown


def test_weights_are_added_up() -> None:
    tables = [part for chapter in demo().chapters for part in chapter.parts if isinstance(part, Table)]
    sums = [table.last[3] for table in tables if table.last]
    assert sums == ["100", "100"]


def test_the_demo_policy_in_words() -> None:
    text = demo()
    assert text.illustrative
    assert said(text, "class.规下.when") == "规下：规模为“规下”的企业。"
    assert (
        said(text, "exempt[投产不满两年]")
        == "投产不满两年（投产日期至评价年度12月31日不满 2 年）：暂缓评价。"
    )
    assert said(text, "define.用地.else").startswith("没有有效用地（用地不符合“大于 0 亩”的要求）：不参评")
    assert said(text, "merge.alone") == "承租用地达到 30 亩的企业单独评价，不并入。"
    assert said(text, "grading.quota.A") == "A：名次在前 20% 以内（本级及以上的户数四舍五入）。"
    assert said(text, "grading.quota.D") == "D：其余，即末尾 5%（本级的户数有小数即进一）。"
    assert "上限：60 分（权重的 1.5 倍）；下限：0 分" in said(text, "class.规上.indicator[亩均税收]")
    assert "取同一行业组企业该项得分的平均" in said(text, "class.规上.indicator[单位排放营业收入]")
    assert "怎样调整：降 1 档" in said(text, "regrade[登记用地出租过半降一档]")


def test_two_steps_are_said_one_after_the_other() -> None:
    text = write_policy(compiled(PACKS / "zhengzhou" / "policies" / "ha-zhengzhou-2018.toml"))
    assert said(text, "grading.step[1]") == (
        "第 1 步：总分名次在前 50% 的企业重新排名，依次比较：亩均税收（高者在前），"
        "统一社会信用代码（顺序）；取全部名额户数的 15%（四舍五入），定为 A。"
    )
    assert said(text, "grading.rest") == "其余企业定为 B。"


def test_every_sentence_has_its_english_form(policy: tuple[Plan, PolicyText]) -> None:
    """What is left in Chinese are the policy's own names and words."""
    plan, text = policy
    own = plan.text
    for line in text.lines("en"):
        for run in re.findall(r"[\u4e00-\u9fff]+", line):
            assert run in own or run in "统一社会信用代码", (run, line)


def test_json_has_every_place(policy: tuple[Plan, PolicyText]) -> None:
    _, text = policy
    found = text.json("en")
    keys = [
        row["key"]
        for chapter in found["chapters"]
        for part in chapter["parts"]
        for row in part.get("rows", [part])
    ]
    assert keys == list(text.places)


@pytest.mark.parametrize(
    ("number", "zh"),
    [(1, "一、"), (9, "九、"), (10, "十、"), (11, "十一、"), (20, "二十、"), (35, "三十五、")],
)
def test_chapters_are_numbered(number: int, zh: str) -> None:
    assert chapter_number(number) == zh
    assert chapter_number(number, "en") == f"{number}. "
