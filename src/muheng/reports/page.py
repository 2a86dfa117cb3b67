"""report.html: one file that needs nothing else, for a leader with two minutes and an analyst with questions.

Puts what ``sections`` tells into HTML; asks no network, no clock, and trusts no name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from muheng.documents.message import Language, Message, say
from muheng.intake.facts import CODE, NAME
from muheng.intake.problem import Problem
from muheng.policy import plan as p
from muheng.policy.run import Result, decimal_text
from muheng.reports import words
from muheng.reports.chart import grade_series
from muheng.reports.figures import gather_figures
from muheng.reports.findings import tell_findings, tell_headline
from muheng.reports.listing import LAST_GRADE, MEMBERS, PLACE
from muheng.reports.sections import tell_sections
from muheng.reports.story import Story
from muheng.reports.whole_file import write_whole
from muheng.standards.rounding import format_exact

SEARCHED = 5_000
"""With more subjects than these the page would be too heavy to send; `muheng explain` finds each."""


def write_report(
    result: Result,
    problems: Sequence[Problem],
    path: Path | str,
    *,
    city: str | None = None,
    last_year: pl.DataFrame | None = None,
    lang: Language = "zh",
    engines: Mapping[str, str] | None = None,
) -> None:
    """Write the report. ``last_year``: 统一社会信用代码, 等级; ``engines``: name → version, for the record.

    The same values give the same bytes. Raises OSError where the file cannot be written.
    """
    figures = gather_figures(result, problems, last_year)
    text = render_report(Story(result, problems, figures, lang, engines or {}), city)
    with write_whole(Path(path)) as stream:
        stream.write(text.encode())


def render_report(story: Story, city: str | None = None) -> str:
    """The page as text."""
    result = story.result
    policy = result.plan.document.policy
    number, meaning = tell_headline(story)
    searched = story.figures.listing.height <= SEARCHED
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("muheng.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    year = say("{year} 年度评价结果", year=result.year)
    return environment.get_template("report.html.j2").render(
        language={"zh": "zh-CN", "en": "en"}[story.lang],
        title=story.tell(say("{policy} {year} 年度评价结果", policy=policy.name, year=result.year)),
        over=" · ".join(part for part in (city, story.tell(year)) if part),
        name=policy.name,
        note=story.tell(say("示例规则，不是当地现行规定。")) if policy.illustrative else "",
        number=number,
        meaning=meaning,
        findings=tell_findings(story),
        sections=tell_sections(story),
        said={name: story.tell(message) for name, message in _WORDS.items()},
        unsearched=""
        if searched
        else story.tell(say("企业太多，本页不带查询；查一户用 muheng explain bundle.zip 信用代码。")),
        records=_script_json(_records(story)) if searched else "",
        style=_asset("report.css"),
        script=_asset("report.js") if searched else "",
    )


_WORDS: Mapping[str, Message] = {
    "contents": say("目录"),
    "figures": say("数据表"),
    "find": say("查一户企业"),
    "hint": say("输入企业名称或信用代码的一部分"),
    "internal": say("内部资料。等级以公布的名单为准。"),
    "skip": say("跳到正文"),
}


def _records(story: Story) -> dict[str, Any]:
    """What the search box shows: one short row per subject, texts as people read them."""
    result, figures = story.result, story.figures
    plan, listing = result.plan, figures.listing
    total = plan.numeric(p.TOTAL)
    assert isinstance(total, p.Total)
    adjusted = [name for name, _ in total.of]
    texts: dict[str, list[str | None]] = {}
    for name in {
        *(i.value for i in plan.indicators),
        *(i.filled for i in plan.indicators),
        *adjusted,
        p.TOTAL,
    }:
        texts[name] = decimal_text(result.values[name], plan.numeric(name).digits).to_list()
    by_class = {name: [i for i in plan.indicators if i.class_name == name] for name in plan.classes}
    standings = {name: story.tell(said) for name, said in words.STANDINGS.items()}
    rows: list[list[Any]] = []
    for row, subject in enumerate(listing.iter_rows(named=True)):
        own = by_class.get(subject[p.CLASS], [])
        rows.append(
            [
                subject[NAME],
                subject[CODE],
                plan.classes.index(subject[p.CLASS]) if subject[p.CLASS] is not None else -1,
                subject[PLACE],
                subject[p.GRADE],
                subject[LAST_GRADE],
                texts[p.TOTAL][row],
                subject[p.PLACE],
                standings[subject[p.STANDING]] if subject[p.STANDING] != p.RATED else None,
                subject[p.REASON] or None,
                subject[p.REGRADED_BY],
                [texts[i.value][row] for i in own],
                [texts[i.filled][row] for i in own],
                [texts[name][row] for name in adjusted],
                subject[MEMBERS],
            ]
        )
    series = grade_series(figures.grades, "")
    return {
        "classes": [
            [name, [[i.name, plan.numeric(i.value).unit, format_exact(i.weight)] for i in own]]
            for name, own in by_class.items()
        ],
        "adjusted": [[name, "+" if sign > 0 else "−"] for name, sign in total.of],
        "grades": {grade: [one.fill, one.ink] for grade, one in zip(figures.grades, series, strict=False)},
        "words": {name: story.tell(said) for name, said in _SEARCH_WORDS.items()},
        "rows": rows,
    }


_SEARCH_WORDS: Mapping[str, Message] = {
    "none": say("没有找到。"),
    "many": say("只列出前 8 户，请多输入几个字。"),
    "code": say("信用代码"),
    "class": say("类别"),
    "place": say("所在"),
    "total": say("总分"),
    "rank": say("名次"),
    "last": say("上年等级"),
    "standing": say("状态"),
    "reason": say("理由"),
    "regraded": say("调整依据"),
    "indicator": say("指标"),
    "value": say("指标值"),
    "score": say("得分"),
    "weight": say("权重"),
    "ungraded": say("未定级"),
    "missing": say("缺"),
    "members": say("合并评价的企业"),
}


def _script_json(value: object) -> Markup:
    """JSON that cannot end its script element, whatever the names in it are."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)


def _asset(name: str) -> Markup:
    """A file of ours, as it is."""
    return Markup(files("muheng.reports").joinpath("templates", name).read_text(encoding="utf-8"))
