"""results.xlsx: the list to publish, the internal lists, data problems, cuts, figures, what it rests on.

Decides which figure stands in which column; ``sheet`` writes cells, ``figures`` and ``cuts`` count.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from muheng.documents.message import Language, Message, say
from muheng.intake.facts import CODE, NAME
from muheng.intake.problem import SEVERITY_NAMES, Problem
from muheng.policy import plan as p
from muheng.policy.cuts import GROUP, Cut, group_labels
from muheng.policy.run import Result
from muheng.reports import words
from muheng.reports.figures import Breakdown, Figures, gather_figures
from muheng.reports.listing import INDUSTRY, LAST_GRADE, MEMBERS, PARK, PLACE, TOWNSHIP, knows
from muheng.reports.rows import Column
from muheng.reports.sheet import Sheet, Table, write_sheets
from muheng.standards.rounding import divide_half_up, format_exact, format_trimmed, scale_half_up

BASE_DIGITS = 8


def write_results(
    result: Result,
    problems: Sequence[Problem],
    path: Path | str,
    *,
    last_year: pl.DataFrame | None = None,
    lang: Language = "zh",
    engines: Mapping[str, str] | None = None,
) -> None:
    """Write results.xlsx. ``last_year``: 统一社会信用代码, 等级; ``engines``: name → version, for the record.

    The same values give the same bytes. Raises OSError where the file cannot be written.
    """
    figures = gather_figures(result, problems, last_year)
    sheets = lay_out_sheets(result, problems, figures, lang, engines)
    write_sheets(sheets, Path(path), datetime.datetime(result.year, 12, 31))


def lay_out_sheets(
    result: Result,
    problems: Sequence[Problem],
    figures: Figures,
    lang: Language = "zh",
    engines: Mapping[str, str] | None = None,
) -> list[Sheet]:
    """The workbook's sheets, in order."""
    classes: list[str | None] = list(result.plan.classes)
    if figures.listing[p.CLASS].null_count():
        classes.append(None)
    groups = group_labels(result, lang)
    return [
        _published(result, figures, lang),
        *(_internal(result, figures, groups, name, lang) for name in classes),
        _problems(problems, lang),
        _cuts(figures.cuts, lang),
        _figures(figures, lang),
        _about(result, problems, figures, lang, engines or {}),
    ]


def _published(result: Result, figures: Figures, lang: Language) -> Sheet:
    """No score, no place, and no order that would tell them."""
    policy = result.plan.document.policy
    places = {grade: place for place, grade in enumerate(figures.grades)}
    graded = (
        figures.listing.filter(pl.col(p.GRADE).is_not_null())
        .with_columns(pl.col(p.GRADE).replace_strict(places, return_dtype=pl.Int64).alias("~级"))
        .sort("~级", TOWNSHIP, PARK, CODE, nulls_last=True)
    )
    columns = [
        Column(
            words.render(say("序号"), lang),
            pl.int_range(1, graded.height + 1, dtype=pl.Int64, eager=True),
            plain=True,
        ),
        Column(words.render(say("企业名称"), lang), graded[NAME]),
        Column(words.render(say("统一社会信用代码"), lang), graded[CODE]),
        Column(words.render(say("类别"), lang), graded[p.CLASS]),
        Column(words.render(say("所在乡镇（园区）"), lang), graded[PLACE]),
        Column(words.render(say("评价等级"), lang), graded[p.GRADE]),
    ]
    if knows(graded, MEMBERS):
        columns.append(Column(words.render(say("合并评价的企业"), lang), graded[MEMBERS]))
    lines = [
        say("{policy} {year} 年度评价结果名单", policy=policy.name, year=result.year),
        say("排名不分先后：同一等级内按所在乡镇（园区）、统一社会信用代码排列，序号不表示名次。"),
        say("依据：{source}", source=words.source(result)),
        say("等级：{grades}", grades="、".join(words.grade_name(result, grade) for grade in figures.grades)),
    ]
    if policy.illustrative:
        lines.append(say("示例规则，不是当地现行规定。"))
    notes = [say("注：依据文本没有说明、按规则文件处理的事项如下。")] if policy.open else []
    notes += [say("{number}. {text}", number=number, text=text) for number, text in enumerate(policy.open, 1)]
    without = figures.listing.height - graded.height
    if without:
        notes.append(say("另有 {count} 户未定级，不列入本名单。", count=words.count(without)))
    table = Table(_texts(lines, lang), tuple(columns), _texts(notes, lang))
    return Sheet(words.render(say("公布名单"), lang), (table,))


def _internal(
    result: Result, figures: Figures, groups: pl.Series, class_name: str | None, lang: Language
) -> Sheet:
    """Every figure of one class (None: of who is in no class), in the order of places."""
    plan = result.plan
    listing = figures.listing.with_columns(groups)
    rows = (
        listing.with_row_index("~序")
        .filter(pl.col(p.CLASS).eq_missing(pl.lit(class_name, pl.String)))
        .sort(p.PLACE, CODE, nulls_last=True)
        .sort(GROUP, nulls_last=True, maintain_order=True)
    )
    values = result.values[rows["~序"]]

    def text(title: Message, name: str) -> Column:
        return Column(words.render(title, lang), rows[name])

    def points(title: Message | str, name: str) -> Column:
        node = plan.numeric(name)
        return Column(
            words.render(say("{title}（{unit}）", title=title, unit=node.unit), lang),
            values[name],
            node.digits,
        )

    columns = [text(say("统一社会信用代码"), CODE), text(say("企业名称"), NAME)]
    columns += [
        text(title, name)
        for name, title in (
            (TOWNSHIP, say("乡镇")),
            (PARK, say("园区")),
            (INDUSTRY, say("行业代码")),
            (MEMBERS, say("合并评价的企业")),
        )
        if knows(listing, name)
    ]
    for indicator in plan.indicators:
        if indicator.class_name != class_name:
            continue
        columns.append(points(indicator.name, indicator.value))
        columns += _benchmarks(plan, indicator, values, lang)
        columns.append(points(say("{name}·得分", name=indicator.name), indicator.filled))
    if class_name is not None:
        columns.append(points(say("指标得分合计"), p.SUBTOTAL))
        total = plan.numeric(p.TOTAL)
        assert isinstance(total, p.Total)
        for name, sign in total.of:
            title = say("加分·{name}", name=name) if sign > 0 else say("减分·{name}", name=name)
            columns.append(points(title, name))
        if total.of:
            columns.append(Column(words.render(say("加减分依据"), lang), _adjusted_by(result, values)))
        columns.append(points(say("总分"), p.TOTAL))
    columns.append(Column(words.render(say("名次"), lang), rows[p.PLACE], plain=True))
    columns += [
        text(say("排名组"), GROUP),
        text(say("初评等级"), p.FIRST_GRADE),
        text(say("调整依据"), p.REGRADED_BY),
        text(say("评价等级"), p.GRADE),
    ]
    if knows(listing, LAST_GRADE):
        columns.append(text(say("上年等级"), LAST_GRADE))
    standings = {name: words.render(title, lang) for name, title in words.STANDINGS.items()}
    columns.append(
        Column(
            words.render(say("状态"), lang),
            rows[p.STANDING].replace_strict(standings, return_dtype=pl.String),
        )
    )
    reasons = rows[p.REASON]
    columns.append(Column(words.render(say("理由"), lang), reasons.set(reasons == "", None)))
    shown = words.NO_CLASS if class_name is None else class_name
    title = say(
        "{policy}：{year} 年度内部明细（{name}）",
        policy=plan.document.policy.name,
        year=result.year,
        name=shown,
    )
    lines = (title, say("内部资料，不作公布；数值的位数即规则规定的位数。"))
    return Sheet(
        words.render(say("明细 {name}", name=shown), lang), (Table(_texts(lines, lang), tuple(columns)),)
    )


def _benchmarks(
    plan: p.Plan, indicator: p.IndicatorPlan, values: pl.DataFrame, lang: Language
) -> Iterator[Column]:
    """What the value was held against: a base, or the ends of a range; ranks and bands have none."""
    score = plan.by_name[indicator.score]
    unit = plan.numeric(indicator.value).unit

    def column(title: Message, values: pl.Series, digits: int) -> Column:
        return Column(words.render(say("{title}（{unit}）", title=title, unit=unit), lang), values, digits)

    if isinstance(score, p.RangeScore):
        low, high = score.low, score.high
        yield column(say("{name}·最小", name=indicator.name), values[low], plan.numeric(low).digits)
        yield column(say("{name}·最大", name=indicator.name), values[high], plan.numeric(high).digits)
    title = say("{name}·基准", name=indicator.name)
    if isinstance(indicator.base, str):
        yield column(title, values[indicator.base], plan.numeric(indicator.base).digits)
    elif indicator.base is not None:
        digits = len(format_exact(indicator.base, BASE_DIGITS).partition(".")[2])
        base = scale_half_up(indicator.base, digits)
        yield column(title, pl.repeat(base, values.height, dtype=pl.Int64, eager=True), digits)


def _adjusted_by(result: Result, values: pl.DataFrame) -> pl.Series:
    """省级专精特新 +3；… — before the limits of their groups."""
    parts: list[pl.Expr] = []
    for node in result.plan.nodes:
        if not isinstance(node, p.LimitedSum):
            continue
        for name in node.of:
            digits = result.plan.numeric(name).digits
            found = values[name].unique().drop_nulls()
            sign = "+" if node.sign > 0 else "−"
            title = result.plan.by_name[name].title
            texts = {
                value: f"{title} {sign}{format_trimmed(value, digits)}" for value in found.to_list() if value
            }
            if texts:
                parts.append(pl.col(name).replace_strict(texts, default=None, return_dtype=pl.String))
    if not parts:
        return pl.Series("加减分依据", [None] * values.height, dtype=pl.String)
    joined = values.select(
        pl.concat_str(parts, separator="；", ignore_nulls=True).alias("加减分依据")
    ).to_series()
    return joined.set(joined == "", None)


def _problems(problems: Sequence[Problem], lang: Language) -> Sheet:
    severities = {severity: name.render(lang) for severity, name in SEVERITY_NAMES.items()}
    columns = (
        _column(say("程度"), [severities[problem.severity] for problem in problems], lang),
        _column(say("文件"), [problem.file for problem in problems], lang),
        _column(say("工作表"), [problem.sheet for problem in problems], lang),
        _column(say("单元格"), [problem.cell for problem in problems], lang),
        _numbers(say("行"), [problem.row for problem in problems], lang),
        _column(say("列"), [problem.column for problem in problems], lang),
        _column(say("企业"), [problem.enterprise for problem in problems], lang),
        _column(say("统一社会信用代码"), [problem.code for problem in problems], lang),
        _column(say("写的是"), [problem.found for problem in problems], lang),
        _column(say("问题"), [problem.what.render(lang) for problem in problems], lang),
        _column(
            say("改法"), [problem.fix.render(lang) if problem.fix else None for problem in problems], lang
        ),
    )
    line = say("各部门数据问题：{count} 处", count=words.count(len(problems)))
    return Sheet(words.render(say("数据问题"), lang), (Table(_texts([line], lang), columns),))


def _cuts(cuts: Sequence[Cut], lang: Language) -> Sheet:
    digits = cuts[0].digits if cuts else 0

    def scores(title: Message, values: list[int | None]) -> Column:
        return Column(title.render(lang), pl.Series(values, dtype=pl.Int64), digits)

    columns = (
        _column(say("类别"), ["、".join(cut.classes) for cut in cuts], lang),
        _column(say("排名组"), [cut.group for cut in cuts], lang),
        _column(say("分界"), [words.cut_title(cut) for cut in cuts], lang),
        _column(say("最后入围"), [cut.last_in.name for cut in cuts], lang),
        _column(say("最后入围·信用代码"), [cut.last_in.code for cut in cuts], lang),
        _numbers(say("最后入围·位次"), [cut.last_in.place for cut in cuts], lang),
        scores(say("最后入围·总分（分）"), [cut.last_in.total for cut in cuts]),
        _column(say("第一个未入围"), [cut.first_out.name for cut in cuts], lang),
        _column(say("第一个未入围·信用代码"), [cut.first_out.code for cut in cuts], lang),
        _numbers(say("第一个未入围·位次"), [cut.first_out.place for cut in cuts], lang),
        scores(say("第一个未入围·总分（分）"), [cut.first_out.total for cut in cuts]),
        scores(say("差距（分）"), [cut.gap for cut in cuts]),
        _column(say("由什么分开"), [words.cut_decision(cut) for cut in cuts], lang),
    )
    lines = (
        say("各排名组的分界：最后入围与第一个未入围"),
        say("按初评等级；定档、提档、降档和一票否决在分界之后执行。"),
    )
    return Sheet(words.render(say("并列与分界"), lang), (Table(_texts(lines, lang), columns),))


def _figures(figures: Figures, lang: Language) -> Sheet:
    breakdowns: list[tuple[Message, Breakdown | None, Message]] = [
        (say("按类别"), figures.by_class, words.NO_CLASS),
        (
            say("按行业门类"),
            figures.by_section if figures.by_section and len(figures.by_section.labels) > 1 else None,
            words.NOT_GIVEN,
        ),
        (say("按行业大类"), figures.by_division, words.NOT_GIVEN),
        (say("按乡镇"), figures.by_township, words.NOT_GIVEN),
        (say("按园区"), figures.by_park, words.NOT_GIVEN),
    ]
    tables = [
        _breakdown(title, found, missing, lang) for title, found, missing in breakdowns if found is not None
    ]
    if figures.moves is not None:
        moves = figures.moves
        labels = [words.NO_LAST_GRADE if label is None else label for label in moves.before]
        columns = [_column(say("上年等级"), labels, lang)]
        for place, after in enumerate(moves.after):
            title = words.UNGRADED if after is None else after
            columns.append(_numbers(title, [row[place] for row in moves.counts], lang))
        tables.append(Table(_texts([say("上年等级（行）→ 本年等级（列）")], lang), tuple(columns)))
    ungraded = figures.ungraded
    tables.append(
        Table(
            _texts([say("未定级的企业")], lang),
            (
                _column(say("状态"), [words.standing_name(group.standing) for group in ungraded], lang),
                _column(say("理由"), [words.ungraded_reason(group) for group in ungraded], lang),
                _numbers(say("企业数"), [group.count for group in ungraded], lang),
            ),
        )
    )
    return Sheet(words.render(say("统计"), lang), tuple(tables))


def _breakdown(title: Message, found: Breakdown, missing: Message, lang: Language) -> Table:
    labels = [missing if label is None else label for label in found.labels]
    columns = [_column(title, [*labels, say("合计")], lang)]
    rows = [*found.counts, found.totals]
    columns.append(_numbers(say("企业数"), [sum(row) for row in rows], lang))
    for place, grade in enumerate(found.grades):
        columns.append(_numbers(grade, [row[place] for row in rows], lang))
        shares = [
            divide_half_up(1000 * row[place], graded) if (graded := sum(row[:-1])) else None for row in rows
        ]
        header = words.render(say("{name} 占定级（%）", name=grade), lang)
        columns.append(Column(header, pl.Series(shares, dtype=pl.Int64), 1))
    columns.append(_numbers(words.UNGRADED, [row[-1] for row in rows], lang))
    return Table(_texts([title], lang), tuple(columns))


def _about(
    result: Result, problems: Sequence[Problem], figures: Figures, lang: Language, engines: Mapping[str, str]
) -> Sheet:
    plan = result.plan
    policy = plan.document.policy
    by_class = figures.by_class
    rows: list[tuple[Message, Message | str]] = [
        (say("规则编号"), policy.id),
        (say("规则名称"), policy.name),
        (say("依据"), words.source(result)),
        (say("来源情况"), policy.source.status),
        (say("适用期间"), words.validity(result)),
        (say("评价年度"), str(result.year)),
        (say("规则含义指纹（SHA-256）"), plan.meaning),
        (say("规则文本指纹（SHA-256）"), plan.wording),
    ]
    if policy.illustrative:
        rows.insert(2, (say("注意"), say("示例规则，不是当地现行规定。")))
    rows += [(say("计算环境：{name}", name=name), version) for name, version in engines.items()]
    rows.append((say("评价对象"), say("{count} 户", count=words.count(figures.listing.height))))
    for label, counts in zip(by_class.labels, by_class.counts, strict=True):
        name = words.NO_CLASS if label is None else label
        rows.append((say("其中 {name}", name=name), words.grade_counts(by_class.grades, counts)))
    errors = sum(problem.severity == "error" for problem in problems)
    rows.append(
        (
            say("数据问题"),
            say("错误 {errors} 处，提示 {warnings} 处", errors=errors, warnings=len(problems) - errors),
        )
    )
    for table in result.facts.sources:
        where = say("{file} · {sheet}", file=table.file, sheet=table.sheet)
        rows.append(
            (
                say("数据来源：{department}", department=table.department or "—"),
                say("{where}（SHA-256 {hash}）", where=where, hash=table.sha256 or "—"),
            )
        )
    rows += [
        (say("依据文本未说明 {number}", number=number), text) for number, text in enumerate(policy.open, 1)
    ]
    columns = (
        _column(say("项目"), [title for title, _ in rows], lang),
        _column(say("内容"), [value for _, value in rows], lang),
    )
    lines = (
        say("这份结果依据什么、怎样核对"),
        say("用 muheng verify 核对封存的结果包：重算应得到相同的结果。"),
    )
    return Sheet(words.render(say("说明"), lang), (Table(_texts(lines, lang), columns),))


def _texts(messages: Sequence[Message], lang: Language) -> tuple[str, ...]:
    return tuple(message.render(lang) for message in messages)


def _column(title: Message | str, values: Sequence[Message | str | None], lang: Language) -> Column:
    texts = [None if value is None else words.render(value, lang) for value in values]
    return Column(words.render(title, lang), pl.Series(texts, dtype=pl.String))


def _numbers(title: Message | str, values: Sequence[int | None], lang: Language) -> Column:
    return Column(words.render(title, lang), pl.Series(values, dtype=pl.Int64), plain=True)
