"""A document with many mistakes gets one sentence for each, with its line and how to mend it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from muheng.documents.diagnostic import Diagnostic, diagnostic_json, format_diagnostics
from muheng.documents.message import Refusal, say
from muheng.documents.reference import reference_markdown
from muheng.documents.schema import Number, validate
from muheng.documents.toml_file import read_toml


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ratio(Part):
    by: Literal["比值"]
    base: Number
    cap: Number | Literal["不设"]


class Rank(Part):
    by: Literal["名次"]
    floor: int = 0


class Small(Part):
    below: int
    then: str


class Indicator(Part):
    name: str = Field(min_length=1, description="指标名称。")
    weight: Number = Field(gt=0, description="权重。", json_schema_extra={"example": "weight = 30"})
    score: Annotated[Ratio | Rank, Field(discriminator="by")] = Field(description="怎样计分。")
    valid: date | None = Field(None, alias="from", description="起用日期。")
    tags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_name(self) -> Self:
        if self.name == "税收｜收入":
            raise Refusal(say("名称“{name}”里有竖线。", name=self.name), say("换一个名称。"), at=("name",))
        return self


class Document(Part):
    indicator: dict[str, Indicator] = Field({}, description="各项指标。")
    more: tuple[Indicator, ...] = ()
    small: Small | Literal["不设"] = Field("不设", json_schema_extra={"example": "[small]\nbelow = 20"})
    order: Literal["升", "降"] = "降"


def diagnose(text: str) -> list[Diagnostic]:
    file, diagnostics = read_toml(text, "p.toml")
    assert file is not None, diagnostics
    document, diagnostics = validate(file, Document)
    assert (document is None) == bool(diagnostics)
    return diagnostics


def test_a_right_document_becomes_its_model() -> None:
    file, _ = read_toml(
        '[indicator.税]\nname = "税"\nweight = 30.10\nfrom = 2024-01-01\n'
        'score = { by = "比值", base = 2, cap = "不设" }\n'
    )
    assert file is not None
    document, diagnostics = validate(file, Document)
    assert diagnostics == []
    assert document is not None
    assert document.indicator["税"].weight == Decimal("30.10")
    assert document.indicator["税"].valid == date(2024, 1, 1)


def test_all_mistakes_in_one_go() -> None:
    found = diagnose(
        'small = { below = "x", thn = "y" }\n'
        "[indicator.税]\n"
        'nmae = "x"\n'
        'weight = "30"\n'
        'score = { by = "比直", base = 1, cap = 2 }\n'
        'tags = "a"\n'
        "from = 3\n"
        "[[more]]\n"
        'name = "人均"\n'
        "weight = -1\n"
        'score = { by = "比值", base = true, cap = "不社" }\n'
    )
    told = {(d.path, str(d.what), str(d.fix)) for d in found}
    assert told == {
        ("small.below", '应是整数，写的是 "x"。', "直接写数字，不加引号。"),
        ("small.thn", "不认识的名称“thn”。", "是不是“then”？"),
        ("small.then", "缺少“then”。", "None"),
        ("indicator.税.nmae", "不认识的名称“nmae”。", "是不是“name”？"),
        ("indicator.税.name", "缺少“name”。", "加上“name”：指标名称。"),
        ("indicator.税.weight", '应是数字，写的是 "30"。', "直接写数字，不加引号。"),
        ("indicator.税.score", "“by”没有“比直”这一种。", "是不是“比值”？可以写：比值、名次。"),
        ("indicator.税.tags", '应是列表，写的是 "a"。', '写成列表：["a"]'),
        ("indicator.税.from", "应是日期，写的是 3。", "日期写成 2026-01-31 的样子，不加引号。"),
        ("more[人均].weight", "应大于 0，写的是 -1。", "None"),
        ("more[人均].score.base", "应是数字，写的是 true。", "None"),
        ("more[人均].score.cap", '应是数字或“不设”，写的是 "不社"。', "None"),
    }
    lines = {d.path: d.line for d in found}
    assert lines["small.thn"] == 1
    assert lines["indicator.税.name"] == 2
    assert lines["indicator.税.weight"] == 4
    assert lines["more[人均].score.cap"] == 11
    assert [d.line for d in found] == sorted(d.line or 0 for d in found)


def test_a_missing_key_shows_its_example() -> None:
    (diagnostic,) = diagnose('[indicator.税]\nname = "税"\nscore = { by = "名次" }\n')
    assert str(diagnostic.fix) == "加上一行，例如：weight = 30"


def test_a_refusal_points_at_its_key() -> None:
    (diagnostic,) = diagnose('[[more]]\nweight = 1\nscore = { by = "名次" }\n\nname = "税收｜收入"\n')
    assert (diagnostic.line, str(diagnostic.fix)) == (5, "换一个名称。")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('order = "生"', '没有 "生" 这个选项。'),
        ("order = 1", "没有 1 这个选项。"),
        ("small = 3", "应是表或“不设”，写的是 3。"),
        ("more = [1]", "应是表，写的是 1。"),
        ("more = { }", "应是列表，写的是 {}。"),
        ('[indicator.x]\nname = ""\nweight = 1\nscore = { by = "名次" }', "不能是空的。"),
        ('[indicator.x]\nname = "x"\nweight = 1\nscore = { floor = 1 }', "缺少“by”，不知道是哪一种。"),
        (
            '[indicator.x]\nname = "x"\nweight = 1\nscore = { by = "名次", floor = 1.5 }',
            "应是整数，写的是 1.5。",
        ),
    ],
)
def test_one_mistake_one_sentence(text: str, what: str) -> None:
    assert [str(d.what) for d in diagnose(text)] == [what]


def test_the_tone() -> None:
    file, _ = read_toml("[policy]\nweight = 95\n", "policies/2022.toml")
    assert file is not None
    found = [
        file.error(
            ("policy", "weight"),
            say("应大于 {bound}，写的是 {found}。", bound=1, found=2),
            say("换一个名称。"),
        ),
        file.warning((), say("不能是空的。")),
    ]
    assert format_diagnostics(found) == (
        "policies/2022.toml:2  policy.weight\n"
        "  应大于 1，写的是 2。\n"
        "  改法：换一个名称。\n"
        "policies/2022.toml\n"
        "  提示：不能是空的。\n"
        "1 个错误，1 个提示。未运行。"
    )
    assert format_diagnostics(found[1:]).endswith("0 个错误，1 个提示。")
    assert diagnostic_json(found[1], "zh") == {
        "severity": "warning",
        "file": "policies/2022.toml",
        "line": None,
        "path": "",
        "what": "不能是空的。",
        "fix": None,
    }
    assert diagnostic_json(found[1], "en")["what"] == "This must not be empty."


def test_a_message_inside_a_message_follows_its_language() -> None:
    inner = say("整数")
    outer = say("应是{expected}，写的是 {found}。", expected=inner, found="{x}")
    assert str(outer) == "应是整数，写的是 {x}。"
    assert outer.render("en") == "Expected an integer, found {x}."
    assert say("没有英文的句子 {n}", n=1).render("en") == "没有英文的句子 1"


def test_the_reference_page_has_every_key() -> None:
    page = reference_markdown(Document, "规则参考", "说明。")
    assert page.startswith("# 规则参考\n\n说明。\n")
    assert (
        "| `indicator` | 表：名称 = 表（见 [`[indicator.〈名称〉]`](#indicator)） | 可不写 | 各项指标。 |  |"
        in page
    )
    assert "| `weight` | 数字（> 0） | 必填 | 权重。 | `weight = 30` |" in page
    assert "| `from` | 日期 | 可不写 | 起用日期。 |  |" in page
    assert '| `order` | `"升"`、`"降"` | 默认 `"降"` |' in page
    assert "`[small]`<br>`below = 20`" in page
    assert "同样的写法也用于 `[[more]]`。" in page
    for model in (Document, Indicator, Ratio, Rank, Small):
        for name, info in model.model_fields.items():
            assert f"| `{info.alias or name}` |" in page
