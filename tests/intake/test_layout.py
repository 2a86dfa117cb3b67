"""Layout files: read strictly, every mistake told."""

from __future__ import annotations

from pathlib import Path

import pytest

from muheng.documents.diagnostic import format_diagnostics
from muheng.intake.layout import Layout, load_layouts

GOOD = """
id = "tax"
name = "税收"
department = "税务"

[sheet."税收".columns]
"信用代码" = { type = "信用代码" }
"税收" = { type = "数字", unit = "万元", item = "税收", aliases = ["入库税收"] }
"增值税" = { type = "数字", unit = "万元", item = "增值税" }
"""


def load(tmp_path: Path, *texts: str) -> tuple[list[Layout], str]:
    paths = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.toml"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    layouts, diagnostics = load_layouts(paths)
    return layouts, format_diagnostics(diagnostics)


def test_the_common_layouts_cover_the_departments(layouts: list[Layout]) -> None:
    assert {layout.department for layout in layouts} == {
        "税务", "自然资源", "供电", "水务", "统计", "生态环境", "经信",
    }  # fmt: skip
    items = {name for layout in layouts for name in layout.items()}
    assert {"入库税收", "自有用地", "承租用地", "出租用地", "出租户数", "主要污染物排放量", "规模"} <= items


def test_a_later_file_with_the_same_id_takes_the_place(tmp_path: Path) -> None:
    layouts, told = load(tmp_path, GOOD, GOOD.replace("万元", "元"))
    assert [item.unit for item in layouts[0].items().values()] == ["元", "元"]
    assert told.startswith("0 个错误")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('unit = "万元", item = "税收"', 'unit = "万园", item = "税收"', "不认识的单位“万园”"),
        ('unit = "万元", item = "税收"', 'item = "税收"', "数字列没有写单位"),
        ('type = "信用代码"', 'type = "代码"', "信用代码"),
        ('type = "信用代码"', 'type = "信用代码", item = "代码"', "信用代码和名称用来认企业"),
        ('type = "信用代码"', 'type = "文本"', "没有信用代码列，也没有名称列"),
        ('aliases = ["入库税收"]', 'aliases = ["增值税"]', "同时属于“税收”和“增值税”"),
        ('aliases = ["入库税收"]', 'alias = ["增值税"]', "alias"),
        ('aliases = ["入库税收"]', 'basis = "等价值"', "basis 只用于以标准煤计的列"),
        ('aliases = ["入库税收"]', 'repeat = "拼接"', "只有文本列和标签列可以拼接"),
        ('aliases = ["入库税收"]', 'repeat = "取最大", by = "面积"', "没有名为“面积”的列"),
        ('aliases = ["入库税收"]', 'values = { "大" = [] }', "values 只用于文本列"),
        ('id = "tax"', 'id = "Tax"', "id"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    layouts, told = load(tmp_path, GOOD.replace(old, new, 1))
    assert layouts == []
    assert said in told


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        ('[sheet."税收".sums]\n"合计" = { of = ["税收", "所得税"] }', "没有名为“所得税”的列"),
        ('[sheet."税收".sums]\n"合计" = { of = [] }', "没有写由哪些列相加"),
        ('[sheet."税收".subjects."甲方"]\ncode = "税收"', "“税收”应是信用代码列"),
        ('[sheet."税收".subjects."甲方"]\ncounts = { "户数" = { of = "乙方" } }', "没有名为“乙方”的另一方"),
        ('[sheet."税收".meter]\nnumber = "税收"\nsplit = "分摊"', "“税收”应是文本列"),
    ],
)
def test_mistakes_between_columns_are_told(tmp_path: Path, tail: str, said: str) -> None:
    layouts, told = load(tmp_path, GOOD + tail)
    assert layouts == []
    assert said in told


def test_two_layouts_may_not_give_the_same_item(tmp_path: Path) -> None:
    _, told = load(tmp_path, GOOD, GOOD.replace('id = "tax"', 'id = "finance"'))
    assert "项目“税收”在布局“tax”里已有" in told
