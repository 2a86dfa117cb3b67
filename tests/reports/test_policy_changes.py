"""Two versions of a policy: every rule that reads otherwise, side by side, and each change as a sentence."""

from __future__ import annotations

import inspect
import re

import pytest
from pydantic import BaseModel

from muheng.cities.pack import find_policy
from muheng.policy import document
from muheng.policy.change import differences, read_data
from muheng.policy.compile import compile_policy
from muheng.policy.plan import Plan
from muheng.reports.phrases import Reader
from muheng.reports.policy_changes import (
    KEYS,
    SECTIONS,
    ChangeTeller,
    Difference,
    compare_wording,
    tell_texts,
)
from muheng.reports.policy_chapters import write_policy
from muheng.reports.words import render

DEMO = find_policy("ah-maanshan-demo").read_text(encoding="utf-8")
LAST_VETO = '[[veto]]\nname = "严重失信"\nwhen = "失信 == \'是\'"\nthen = "最高 C"\n'


def plan_of(text: str) -> Plan:
    compiled = compile_policy(text)
    assert compiled.plan is not None, compiled.diagnostics
    return compiled.plan


def compared(after: str, before: str = DEMO) -> tuple[Difference, ...]:
    return compare_wording(write_policy(plan_of(before)), write_policy(plan_of(after)))


def told(after: str, before: str = DEMO, lang: str = "zh") -> list[str]:
    texts = write_policy(plan_of(before)), write_policy(plan_of(after))
    teller = ChangeTeller(*texts, Reader(plan_of(after)))
    changes = differences(read_data(before, "before"), read_data(after, "after"))
    return [render(teller.tell(change), "en" if lang == "en" else "zh") for change in changes]


def test_a_text_does_not_differ_from_itself() -> None:
    assert compared(DEMO) == ()
    assert told(DEMO) == []


def test_only_what_differs_in_a_row_is_shown() -> None:
    found = compared(DEMO.replace("weight  = 40", "weight  = 30").replace("weight  = 15", "weight  = 25", 1))
    assert [render(difference.name, "zh") for difference in found] == ["亩均税收", "亩均营业收入"]
    first = [tuple(render(side, "zh") for side in (p.title, p.before, p.after)) for p in found[0].parts]
    assert first == [
        ("权重（分）", "40", "30"),
        (
            "得分上下限",
            "上限：60 分（权重的 1.5 倍）；下限：0 分",
            "上限：45 分（权重的 1.5 倍）；下限：0 分",
        ),
    ]


def test_a_rule_that_is_dropped_or_new_stands_alone() -> None:
    (dropped,) = compared(DEMO.replace(LAST_VETO, ""))
    assert dropped.after is None
    assert "严重失信" in render(dropped.parts[0].before, "zh")
    assert dropped.parts[0].after == ""
    (new,) = compared(DEMO, DEMO.replace(LAST_VETO, ""))
    assert new.before is None
    assert told(DEMO.replace(LAST_VETO, ""))[0].startswith("取消一票否决“严重失信”：")
    assert told(DEMO, DEMO.replace(LAST_VETO, ""))[0].startswith("增加一票否决“严重失信”：")


def test_a_renamed_rule_stands_beside_itself() -> None:
    (found,) = compared(DEMO.replace('"省级智能工厂"', '"省级以上智能工厂"'))
    assert found.before is not None
    assert [render(part.title, "zh") for part in found.parts] == ["项目"]


def test_a_chapter_that_one_version_lacks() -> None:
    without = re.sub(r"\[merge\].*?(?=\n# 规上：)", "", DEMO, flags=re.S)
    gone = compared(without)
    assert {render(difference.chapter, "zh") for difference in gone if difference.after is None} == {
        "合并评价办法"
    }
    assert [difference.before for difference in compared(DEMO, without) if difference.after is None] == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('A = "20%"', 'A = "25%"', "定级办法的名额的“A”由20%改为25%"),
        ("用地 < 3", "用地 < 5", "例外情形“规下企业用地不足三亩”的所需条件改为：规模为“规下”，且用地不足 5 亩（原为：规模为“规下”，且用地不足 3 亩）"),
        ('then = "提 1 档"', 'then = "提 2 档"', "等级调整“国家级专精特新企业提一档”的处理由“提 1 档”改为“提 2 档”"),
        ("cap = 5 }", 'cap = "不设" }', "限额组“减分”的上限由5改为不设"),
        ("from = 2022-01-01 }", "from = 2023-01-01 }", "本办法的起始日期由2022年1月1日改为2023年1月1日"),
        ("illustrative = true", "illustrative = false", "本办法的仅为示例由是改为否"),
        ("这是示例：", "本件是示例：", "本办法的没有说明的事项有改动"),
        ('alone  = "承租用地 >= 30"\n', "", "取消合并评价办法的单独评价的条件（原为：承租用地达到 30 亩）"),
        (
            'unit = "亩", must = "> 0", else = "不参评：没有有效用地"',
            'unit = "亩", must = "> 1", else = "不参评：没有有效用地"',
            "定义“用地”的应满足的要求由“> 0”改为“> 1”",
        ),
    ],
)  # fmt: skip
def test_a_change_is_a_sentence(old: str, new: str, sentence: str) -> None:
    assert told(DEMO.replace(old, new, 1)) == [sentence]


def test_english_tells_the_same_change() -> None:
    (found,) = told(DEMO.replace("用地 < 3", "用地 < 5"), lang="en")
    assert found.startswith(
        "Condition of exception “规下企业用地不足三亩”: now 规模 is “规下”, and 用地 is below 5 mu"
    )


def test_no_change_between_shipped_years_names_a_key() -> None:
    old, new = (find_policy(f"zj-huangyan-{year}").read_text(encoding="utf-8") for year in (2021, 2022))
    for sentence in told(new, old):
        if "编号" not in sentence and "网页" not in sentence:
            assert not re.search(r"[a-z_]{3,}", sentence), sentence


def test_every_key_of_the_schema_has_words() -> None:
    models = [
        model
        for _, model in inspect.getmembers(document, inspect.isclass)
        if issubclass(model, BaseModel) and model.__module__ == document.__name__ and model.model_fields
    ]
    assert len(models) > 15
    spoken = {key.rpartition(".")[2] for key in KEYS} | set(SECTIONS)
    keys = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert sorted(keys - spoken) == []


def test_texts_that_do_not_compile_are_still_compared() -> None:
    broken = DEMO.replace("weight  = 40", "weight  = 45")  # weights no longer add up
    assert [render(said, "zh") for said in tell_texts(DEMO, broken)] == ["规上“亩均税收”的权重由40改为45"]
    assert [render(said, "zh") for said in tell_texts(DEMO, DEMO + "\n# 说明\n")] == ["只有注释或排版不同。"]
    assert tell_texts(DEMO, DEMO) == ()
    no_toml = DEMO.replace("weight  = 40", "weight  = = 40")
    (line,) = tell_texts(DEMO, no_toml)
    assert render(line, "zh").endswith("行起改为：weight  = = 40（原为：weight  = 40）")
    assert "New from line 1" in render(tell_texts("", "[policy")[0], "en")
