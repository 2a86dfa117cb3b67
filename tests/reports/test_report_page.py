"""report.html parsed again: self-contained, balanced, escaped, and its figures those of the result."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from report_city import make_facts, make_plan

from muheng.documents.message import english_catalogue, say
from muheng.intake.facts import CODE, NAME
from muheng.intake.problem import Problem
from muheng.policy import plan as p
from muheng.policy.run import Result, evaluate
from muheng.reports import page
from muheng.reports.chart import Mark, Series, Strip, bars, grade_series, heat_table, histogram, stacked_bars
from muheng.reports.page import write_report

VOID = {"meta", "input", "br", "link", "img"}
SELF_CLOSED = {"rect", "line"}


class Page(HTMLParser):
    """Elements with their attributes, texts by element, and every complaint about nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []
        self.cells: list[list[list[str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        self.wrong += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.cells.append([])
        if tag == "tr":
            self.cells[-1].append([])
        if tag in ("td", "th"):
            self.cells[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in SELF_CLOSED:
            self.wrong.append(f"<{tag}/>")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if data.strip():
            self.texts.append((inside, data.strip()))
        if inside in ("td", "th"):
            self.cells[-1][-1][-1] += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self, *tags: str) -> str:
        return "\n".join(text for inside, text in self.texts if inside in tags)

    @property
    def shown(self) -> str:
        return "\n".join(text for inside, text in self.texts if inside not in ("script", "style"))


def render(result: Result, tmp_path: Path, problems: list[Problem] | None = None, **options: Any) -> Page:
    path = tmp_path / "report.html"
    write_report(result, problems or [], path, **options)
    return Page(path.read_text(encoding="utf-8"))


def records(found: Page) -> dict[str, Any]:
    text = next(text for inside, text in found.texts if inside == "script")
    value: dict[str, Any] = json.loads(text)
    return value


@pytest.fixture(scope="module")
def found(result: Result, problems: list[Problem], tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("page")
    return render(result, folder, problems, city="示例市", engines={"muheng": "0.1.0"})


def test_it_is_well_formed_and_needs_nothing_else(found: Page) -> None:
    assert found.wrong == []
    for _, attributes in found.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert attributes.get(name, "#").startswith("#")
    policy = next(meta for meta in found.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"].startswith("default-src 'none'")
    style = next(text for inside, text in found.texts if inside == "style")
    assert "url(" not in style
    assert "@import" not in style


def test_it_can_be_read_without_eyes_or_mouse(found: Page) -> None:
    assert len(found.of("h1")) == 1
    assert found.of("html") == [{"lang": "zh-CN"}]
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [attributes["href"].lstrip("#") for attributes in found.of("a")]
    assert set(targets) <= set(ids)
    for attributes in found.of("svg"):
        assert attributes.get("aria-hidden") or attributes.get("aria-label")
    for attributes in found.of("div"):
        if attributes.get("class") == "scroll":
            assert attributes["tabindex"] == "0"
            assert attributes["aria-label"]
    assert [attributes["for"] for attributes in found.of("label")] == ["query"]


def test_every_chart_has_its_figures_one_click_away(
    result: Result, problems: list[Problem], tmp_path: Path
) -> None:
    write_report(result, problems, tmp_path / "report.html")
    figures = (tmp_path / "report.html").read_text(encoding="utf-8").split("<figure>")[1:]
    charts = [text for figure in figures if 'role="img"' in (text := figure.split("</figure>")[0])]
    assert len(charts) >= 8
    for chart in charts:
        click = chart.index("<details><summary>")
        assert chart.index("<table>") > click > chart.rindex('role="img"')


def test_the_top_says_what_matters(found: Page, result: Result) -> None:
    grades = result.grades[p.GRADE].to_list()
    assert found.said("strong") == str(grades.count("D"))
    top = found.said("p", "h1", "span")
    assert "示例市 · 2025 年度评价结果" in top
    assert "示例市工业企业亩均效益综合评价办法" in top
    graded = len(grades) - grades.count(None)
    assert (
        f"1,200 户中 {graded:,} 户定级，评为 A（优先发展类） 的 {grades.count('A')} 户".replace(
            "） 的", "） 的"
        )
        in top
    )
    assert re.search(r"级企业的亩均税收是 D 级的 \d+\.\d 倍：中位数", top)
    assert "与上年比，" in top


def test_the_tables_add_to_the_roster(found: Page, result: Result) -> None:
    totals = [rows[-1] for rows in found.cells if rows and rows[-1][0] == "合计"]
    assert len(totals) == 4
    grades = Counter(result.grades[p.GRADE].to_list())
    for row in totals:
        assert row[1] == "1,200"
        assert [int(row[index].replace(",", "")) for index in (2, 4, 6, 8)] == [
            grades[grade] for grade in "ABCD"
        ]
        assert int(row[-1]) == grades[None]


def test_the_matrix_adds_to_the_roster(found: Page) -> None:
    matrix = next(rows for rows in found.cells if rows[0][0] == "上年＼本年")
    counts = [int(cell.replace(",", "")) for row in matrix[1:] for cell in row[1:] if cell != "·"]
    assert sum(counts) == 1200


def test_it_says_how_to_check(found: Page, result: Result) -> None:
    assert result.plan.meaning in found.shown
    assert result.plan.wording in found.shown
    assert "muheng verify bundle.zip" in found.shown
    assert "文本没有说明总分相同时怎样排序，本文件按亩均税收、再按信用代码。" in found.said("li")
    assert "0.1.0" in found.shown


def test_problems_are_shown_by_department(found: Page) -> None:
    table = next(rows for rows in found.cells if rows[0] == ["部门", "错误", "提示", "文件"])
    assert [row[0] for row in table[1:]] == ["税务", "部门未知", "统计"]
    assert "税务局2025.xlsx · 入库税收 · F17：“1,234.5万”不是数字。" in found.shown


def test_the_search_finds_everyone_with_every_point(found: Page, result: Result) -> None:
    data = records(found)
    assert [row[1] for row in data["rows"]] == result.values[CODE].to_list()
    for position, row in enumerate(data["rows"]):
        assert row[4] == result.grades[p.GRADE][position]
        assert row[6] == result.grades["总分"][position]
        if row[2] >= 0:
            name, indicators = data["classes"][row[2]]
            own = [indicator for indicator in result.plan.indicators if indicator.class_name == name]
            assert [title for title, _, _ in indicators] == [indicator.name for indicator in own]
            assert row[12] == [result.figure(position, indicator.filled) for indicator in own]


HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'; alert(1); //",
    "<!--<script>",
    "&lt;b&gt;",
    "{{ 7*7 }}{% raw %}",
    "行\u2028分隔\u2029符",
)


def test_hostile_names_are_only_names(tmp_path: Path, result: Result) -> None:
    facts = make_facts(400)
    names = [HOSTILE[index % len(HOSTILE)] for index in range(400)]
    frame = facts.frame.with_columns(
        pl.Series(NAME, names),
        pl.Series("乡镇", names[::-1]),
        pl.Series("园区", names),
        pl.Series("上年等级", names),
    )
    hostile = evaluate(make_plan(), replace(facts, frame=frame))
    problem = Problem(
        "error", HOSTILE[0], HOSTILE[1], None, None, None, HOSTILE[2], say("{text}", text=HOSTILE[0])
    )
    plain = render(evaluate(make_plan(), facts), tmp_path, [])
    found = render(hostile, tmp_path, [problem], city=HOSTILE[0], engines={HOSTILE[1]: HOSTILE[2]})
    assert found.wrong == []
    assert len(found.of("script")) == 2
    kinds = {tag for tag, _ in found.elements}
    assert kinds <= {tag for tag, _ in plain.elements}
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert [row[0] for row in records(found)["rows"]] == hostile.values[NAME].to_list()
    assert HOSTILE[0] in found.shown


def test_one_enterprise(one: Result, tmp_path: Path) -> None:
    found = render(one, tmp_path)
    assert found.wrong == []
    assert "1 户中 1 户定级" in found.shown
    assert "规下 0 户，没有定级的。" in found.shown
    assert "所有企业都已定级。" in found.shown
    assert "各部门的数据没有发现问题。" in found.shown


def test_nobody_graded(nobody: Result, tmp_path: Path) -> None:
    found = render(nobody, tmp_path)
    assert found.wrong == []
    assert found.said("strong") == "0"
    assert "40 户企业都没有定级；40 户未定级，最多的是" in found.shown
    assert "并列与分界" not in found.shown


def test_without_last_year_the_closest_cut_is_told(result: Result, tmp_path: Path) -> None:
    facts = make_facts(300)
    items = {name: item for name, item in facts.items.items() if name not in ("上年等级", "乡镇", "园区")}
    bare = replace(facts, items=items, frame=facts.frame.drop("上年等级", "乡镇", "园区"))
    found = render(evaluate(make_plan(), bare), tmp_path)
    assert "与上年相比" not in found.shown
    assert "按乡镇和园区" not in found.shown
    top = [text for inside, text in found.texts if inside == "p"][:6]
    assert any(text.startswith("分差最小的分界是") for text in top)


def test_english(result: Result, problems: list[Problem], tmp_path: Path) -> None:
    found = render(result, tmp_path, problems, lang="en")
    assert found.of("html") == [{"lang": "en"}]
    assert "Results of 2025" in found.shown
    assert "户" not in found.shown.replace("出租户数", "")
    fixed = {chinese for chinese in english_catalogue() if "{" not in chinese and len(chinese) > 3}
    said = set(found.shown.splitlines())
    assert not said & fixed


def test_a_large_city_has_no_search_but_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: Result
) -> None:
    monkeypatch.setattr(page, "SEARCHED", 100)
    found = render(result, tmp_path)
    assert found.wrong == []
    assert found.of("script") == []
    assert "查一户用 muheng explain" in found.shown


def test_the_same_values_give_the_same_bytes(result: Result, problems: list[Problem], tmp_path: Path) -> None:
    texts = []
    for name in ("a.html", "b.html"):
        write_report(result, problems, tmp_path / name)
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def widths(markup: str) -> list[float]:
    return [float(width) for width in re.findall(r'<rect x="[\d.]+%" width="([\d.]+)%"', markup)]


def test_stacked_bars_fill_the_width_or_their_part_of_the_longest() -> None:
    kinds = grade_series(("A", "B"), "未定级")[:2]
    strips = [
        Strip("甲", (1, 3), ("1", "3"), ""),
        Strip("乙", (2, 0), ("2", "0"), ""),
        Strip("丙", (0, 0), ("0", "0"), ""),
    ]
    assert widths(stacked_bars(strips, kinds)) == [25, 75, 100]
    assert widths(stacked_bars(strips, kinds, to_scale=True)) == [25, 75, 50]
    assert widths(bars([Strip("甲", (4,), ("4",), ""), Strip("乙", (1,), ("1",), "")], kinds[0])) == [100, 25]
    assert bars([], kinds[0]) == '<div class="bars"></div>'


def test_a_histogram_draws_every_count_and_mark() -> None:
    kinds = [Series("A", "#000", "#fff"), Series("B", "#111", "#fff")]
    drawn = histogram(
        [(1, 2), (0, 0), (4, 0)], ["0", "5", "10", "15"], ["a", "b", "<c>"], kinds, [Mark(1.5, "A｜B <8>")]
    )
    heights = [float(height) for height in re.findall(r'height="([\d.]+)" fill', drawn)]
    assert heights == [37.5, 75, 150]
    assert "&lt;c&gt;" in drawn
    assert "A｜B &lt;8&gt;" in drawn
    assert 'x1="50.000%"' in drawn


@pytest.mark.parametrize("many", range(1, 10))
def test_grades_have_colours_from_best_to_worst(many: int) -> None:
    series = grade_series([str(index) for index in range(many)], "未定级")
    assert len(series) == many + 1
    assert series[0].fill == "#0b6b5d"
    assert many == 1 or series[-2].fill == "#a63a2b"
    for one in series:
        assert contrast(one.fill, one.ink) >= 4.5


def contrast(first: str, second: str) -> float:
    """WCAG contrast of two colours."""
    lights = sorted((luminance(first), luminance(second)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_heat_table_holds_every_count() -> None:
    drawn = heat_table("角", ["甲<"], ["A", "B"], [(1200, 0)], [["better", "same"]])
    assert "甲&lt;" in drawn
    assert "1,200" in drawn
    assert 'class="better" style="--share:1.00"' in drawn
