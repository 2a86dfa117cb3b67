"""What the report page says, section by section: the finding first, then the figures, then the table.

Sentences and charts only; ``figures`` counted them, ``page`` puts them into HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import polars as pl
from markupsafe import Markup

from muheng.documents.message import Message, say
from muheng.intake.facts import CODE, NAME
from muheng.intake.problem import SEVERITY_NAMES, format_problem
from muheng.policy import plan as p
from muheng.reports import words
from muheng.reports.chart import Mark, Series, Strip, Tone, bars, heat_table, histogram, stacked_bars
from muheng.reports.figures import Breakdown, Histogram, Moves, grades_without, ungraded_because
from muheng.reports.findings import tell_closest_cut, tell_moved
from muheng.reports.listing import LAST_GRADE, PLACE
from muheng.reports.story import Exhibit, Said, Section, Story
from muheng.standards.rounding import format_exact, format_trimmed

CHARTED = 16
"""Rows in a chart; its table has them all."""
LISTED = 100
"""Enterprises or problems in a list; results.xlsx has them all."""
ENOUGH = 10
"""Graded subjects that a label needs before its share of a grade says anything."""
FEWEST = 3
"""Labels that there must be before one of them is called the highest."""


def tell_sections(story: Story) -> list[Section]:
    """Every section that has something to say."""
    found: list[Section | None] = [
        _distribution(story),
        _breakdown_section(
            story,
            "industry",
            say("按行业"),
            [
                (say("行业门类"), story.figures.by_section if _several(story.figures.by_section) else None),
                (say("行业大类"), story.figures.by_division),
            ],
        ),
        _breakdown_section(
            story,
            "place",
            say("按乡镇和园区"),
            [(say("乡镇"), story.figures.by_township), (say("园区"), story.figures.by_park)],
        ),
        _years(story),
        _cuts(story),
        _adjustments(story),
        _ungraded(story),
        _problems(story),
        _open(story),
        _proof(story),
    ]
    return [section for section in found if section is not None]


def _several(breakdown: Breakdown | None) -> bool:
    return breakdown is not None and sum(bool(sum(counts[:-1])) for counts in breakdown.counts) > 1


def _distribution(story: Story) -> Section:
    figures = story.figures
    sentences = list(_classes_apart(story))
    for label, counts in zip(figures.by_class.labels, figures.by_class.counts, strict=True):
        graded = sum(counts[:-1])
        name, size = story.label(label, words.NO_CLASS), words.count(sum(counts))
        if not graded:
            sentences.append(say("{name} {size} 户，没有定级的。", name=name, size=size))
            continue
        parts = words.listed(
            [
                say(
                    "{grade} {count}（{share}）",
                    grade=grade,
                    count=words.count(count),
                    share=words.share(count, graded),
                )
                for grade, count in zip(figures.grades, counts, strict=False)
            ]
        )
        sentences.append(
            say(
                "{name} {size} 户，定级 {graded} 户：{parts}。",
                name=name,
                size=size,
                graded=words.count(graded),
                parts=parts,
            )
        )
    members = story.result.members
    if members and len(members) > figures.listing.height:
        sentences.append(
            say(
                "名单上 {enterprises} 户企业，合并评价后为 {subjects} 个评价对象；本页户数按评价对象计。",
                enterprises=words.count(len(members)),
                subjects=words.count(figures.listing.height),
            )
        )
    exhibits = [
        _breakdown_exhibit(story, say("各类企业的等级"), say("类别"), figures.by_class, words.NO_CLASS)
    ]
    exhibits += [_histogram(story, histogram) for histogram in figures.histograms]
    if figures.levels:
        header: list[Said] = [say("类别"), say("指标"), say("单位"), *figures.grades]
        rows = [
            [
                level.class_name,
                level.indicator,
                level.unit,
                *(words.level(value, level.digits, level.largest) for value in level.medians),
            ]
            for level in figures.levels
        ]
        grid = story.grid(say("各级企业的水平（中位数）"), header, rows, range(3, len(header)))
        exhibits.append(Exhibit(grid.title, None, grid, shown=True))
    return _section(story, "grades", say("等级分布"), sentences, exhibits)


def _classes_apart(story: Story) -> Iterator[Message]:
    """Which class has the best grade most often, and which least."""
    found = story.figures.by_class
    graded = {
        label: counts
        for label, counts in zip(found.labels, found.counts, strict=True)
        if label and sum(counts[:-1])
    }
    ranked = sorted(graded, key=lambda name: Fraction(graded[name][0], sum(graded[name][:-1])))
    if not ranked:
        return
    least, most = ranked[0], ranked[-1]
    below, above = graded[least], graded[most]
    if above[0] * sum(below[:-1]) == below[0] * sum(above[:-1]):
        return
    yield say(
        "{grade} 的占比{most}（{high}）高于{least}（{low}）。",
        grade=found.grades[0],
        most=most,
        high=words.share(above[0], sum(above[:-1])),
        least=least,
        low=words.share(below[0], sum(below[:-1])),
    )


def _histogram(story: Story, found: Histogram) -> Exhibit:
    edges = [
        format_trimmed(found.start + index * found.width, found.digits)
        for index in range(len(found.counts) + 1)
    ]
    spans: list[str] = []
    for index in range(len(found.counts)):
        low, high = edges[index], edges[index + 1]
        if index == 0 and found.open_low:
            spans.append(story.tell(say("{high} 分以下", high=high)))
        elif index == len(found.counts) - 1 and found.open_high:
            spans.append(story.tell(say("{low} 分及以上", low=low)))
        else:
            spans.append(story.tell(say("{low}～{high} 分", low=low, high=high)))
    columns = (*story.figures.grades, story.tell(words.UNGRADED))
    titles = [
        f"{span}："
        + "，".join(f"{grade} {count}" for grade, count in zip(columns, row, strict=True) if count)
        for span, row in zip(spans, found.counts, strict=True)
    ]
    title = story.tell(say("{name}的总分分布（户）", name=found.class_name))
    marks = []
    # Where a class is ranked in groups, each has cuts of its own, and no line is true for all.
    for cut in story.figures.cuts:
        total = cut.last_in.total
        if not cut.covers(found.class_name) or cut.key.name != p.TOTAL or total is None:
            continue
        at = (total - found.start) / found.width
        if 0 <= at <= len(found.counts):
            score = words.scaled(total, cut.digits)
            marks.append(
                Mark(at, story.tell(say("{title} {score}", title=words.cut_title(cut), score=score)))
            )
    chart = histogram(found.counts, edges, titles, story.series, marks, title)
    used = [index for index, row in enumerate(found.counts) if sum(row)]
    grid = story.grid(
        say("总分分段"),
        [say("总分"), *columns, say("企业数")],
        [
            [spans[index], *map(words.count, found.counts[index]), words.count(sum(found.counts[index]))]
            for index in used
        ],
        range(1, len(columns) + 2),
    )
    return Exhibit(title, chart, grid)


def _breakdown_section(
    story: Story, name: str, title: Message, parts: Sequence[tuple[Message, Breakdown | None]]
) -> Section | None:
    known = [(what, found) for what, found in parts if found is not None]
    if not known:
        return None
    sentences: list[Message] = []
    for what, found in known:
        sentences += _extremes(what, found)
    exhibits = [
        _breakdown_exhibit(story, say("各{what}的等级", what=what), what, found, words.NOT_GIVEN)
        for what, found in known
    ]
    return _section(story, name, title, sentences, exhibits)


def _extremes(what: Message, found: Breakdown) -> Iterator[Message]:
    """Where the best and the worst grade are most frequent."""
    graded = {
        label: counts
        for label, counts in zip(found.labels, found.counts, strict=True)
        if label and sum(counts[:-1]) >= ENOUGH
    }
    if len(graded) < FEWEST:
        return
    for place in (0, len(found.grades) - 1):
        label = max(graded, key=lambda name: (Fraction(graded[name][place], sum(graded[name][:-1])), name))
        counts = graded[label]
        if counts[place]:
            yield say(
                "{grade} 占比最高的{what}是“{label}”：{part}/{whole} 户，{share}（全部 {overall}）。",
                grade=found.grades[place],
                what=what,
                label=label,
                part=words.count(counts[place]),
                whole=words.count(sum(counts[:-1])),
                share=words.share(counts[place], sum(counts[:-1])),
                overall=words.share(found.totals[place], sum(found.totals[:-1])),
            )


def _breakdown_exhibit(
    story: Story, title: Message, what: Message, found: Breakdown, missing: Message
) -> Exhibit:
    labels = [story.label(label, missing) for label in found.labels]
    strips = [
        Strip(
            label,
            counts[:-1],
            tuple(
                f"{grade} {words.count(count)}" for grade, count in zip(found.grades, counts, strict=False)
            ),
            story.tell(
                say(
                    "定级 {graded}，未定级 {without}",
                    graded=words.count(sum(counts[:-1])),
                    without=words.count(counts[-1]),
                )
            ),
        )
        for label, counts in zip(labels, found.counts, strict=True)
        if sum(counts[:-1])
    ]
    header: list[Said] = [what, say("企业数")]
    for grade in found.grades:
        header += [grade, say("{grade} 占比", grade=grade)]
    header.append(words.UNGRADED)
    rows: list[list[Said]] = []
    for name, counts in zip([*labels, story.tell(say("合计"))], [*found.counts, found.totals], strict=True):
        row: list[Said] = [name, words.count(sum(counts))]
        for count in counts[:-1]:
            row += [words.count(count), words.share(count, sum(counts[:-1]))]
        rows.append([*row, words.count(counts[-1])])
    grid = story.grid(title, header, rows, range(1, len(header)))
    chart = stacked_bars(strips[:CHARTED], story.series[:-1])
    if len(strips) > CHARTED:
        more = say("另有 {count} 个{what}，见表。", count=len(strips) - CHARTED, what=what)
        chart += Markup('<p class="quiet">{}</p>').format(story.tell(more))
    return Exhibit(story.tell(title), chart, grid)


def _years(story: Story) -> Section | None:
    moves = story.figures.moves
    if moves is None:
        return None
    rows = [story.label(label, words.NO_LAST_GRADE) for label in moves.before]
    columns = [story.label(label, words.UNGRADED) for label in moves.after]
    title = story.tell(say("上年等级（行）→ 本年等级（列），户"))
    chart = heat_table(
        story.tell(say("上年＼本年")), rows, columns, moves.counts, _tones(moves, story.figures.grades)
    )
    grid = story.grid(
        say("各格占上年该级的比例"),
        [say("上年等级"), *columns],
        [
            [label, *(words.share(count, sum(counts)) for count in counts)]
            for label, counts in zip(rows, moves.counts, strict=True)
        ],
        range(1, len(columns) + 1),
    )
    exhibits = [Exhibit(title, chart, grid)]
    for name, frame in ((say("升级企业"), moves.up), (say("降级企业"), moves.down)):
        if frame.height:
            exhibits.append(_enterprises(story, name, frame))
    sentence = tell_moved(story)
    return _section(story, "years", say("与上年相比"), [sentence] if sentence else [], exhibits)


def _tones(moves: Moves, grades: tuple[str, ...]) -> list[list[Tone]]:
    tones: list[list[Tone]] = []
    for before in moves.before:
        row: list[Tone] = []
        for after in moves.after:
            if before not in grades or after not in grades:
                row.append("none")
            else:
                step = grades.index(before) - grades.index(after)
                row.append("better" if step > 0 else "worse" if step < 0 else "same")
        tones.append(row)
    return tones


def _enterprises(story: Story, title: Message, frame: pl.DataFrame) -> Exhibit:
    columns = [NAME, CODE, p.CLASS, PLACE, LAST_GRADE, p.GRADE]
    header = [
        say("企业名称"),
        say("统一社会信用代码"),
        say("类别"),
        say("所在乡镇（园区）"),
        say("上年等级"),
        say("评价等级"),
    ]
    rows = [[value or "—" for value in row] for row in frame.select(columns).head(LISTED).iter_rows()]
    counted = say("{title}（{count} 户）", title=title, count=words.count(frame.height))
    return Exhibit("", None, story.grid(counted, header, rows, more=_more(frame.height)))


def _more(many: int) -> Said:
    return (
        say("另有 {count} 项，见 results.xlsx。", count=words.count(many - LISTED)) if many > LISTED else ""
    )


def _cuts(story: Story) -> Section | None:
    cuts = story.figures.cuts
    if not cuts:
        return None
    tied = [cut for cut in cuts if cut.depth]
    by_code = [cut for cut in tied if cut.by_code]
    sentences: list[Said]
    if tied:
        sentences = [
            say(
                "{cuts} 处分界中，{tied} 处由并列规则决定，其中 {codes} 处只能按信用代码先后分开。",
                cuts=len(cuts),
                tied=len(tied),
                codes=len(by_code),
            )
        ]
    else:
        sentences = [say("{cuts} 处分界都没有并列，名次由分数决定。", cuts=len(cuts))]
    closest = tell_closest_cut(story)
    if closest is not None:
        sentences.append(closest)
    sentences.append(say("分界按初评等级；定档、提档、降档和一票否决在分界之后执行。"))
    ordered = sorted(cuts, key=lambda cut: (not cut.by_code, not cut.depth))
    header = [
        say("排名组"),
        say("分界"),
        say("最后入围"),
        say("总分"),
        say("第一个未入围"),
        say("总分"),
        say("差距（分）"),
        say("由什么分开"),
    ]
    rows: list[list[Said]] = [
        [
            words.cut_group(cut),
            words.cut_title(cut),
            cut.last_in.name,
            words.scaled(cut.last_in.total, cut.digits),
            cut.first_out.name,
            words.scaled(cut.first_out.total, cut.digits),
            words.scaled(cut.gap, cut.digits),
            words.cut_decision(cut),
        ]
        for cut in ordered
    ]
    few = len(rows) <= CHARTED
    title = say("每处分界的最后入围与第一个未入围")
    exhibits = []
    if tied and not few:
        shown = rows[: len(tied)][:CHARTED]
        grid = story.grid(say("由并列规则决定的分界"), header, shown, (3, 5, 6))
        exhibits.append(Exhibit(grid.title, None, grid, shown=True))
    grid = story.grid(title, header, rows[:LISTED], (3, 5, 6), _more(len(rows)))
    exhibits.append(Exhibit(grid.title if few else "", None, grid, shown=few))
    return _section(story, "cuts", say("并列与分界"), sentences, exhibits)


def _adjustments(story: Story) -> Section | None:
    figures = story.figures
    if not figures.limited and not figures.regraded:
        return None
    signs = {limited.sign for limited in figures.limited}
    sentences: list[Said] = [_effect(story, sign) for sign in (1, -1) if sign in signs]
    if figures.regraded:
        listing = figures.listing
        changed = listing[p.GRADE].ne_missing(listing[p.FIRST_GRADE]) & listing[p.GRADE].is_not_null()
        sentences.append(
            say("调档和一票否决之后，{changed} 户的等级与初评不同。", changed=words.count(int(changed.sum())))
        )
    exhibits = []
    if figures.regraded:
        header: list[Said] = [say("调档与一票否决"), say("做法"), say("适用（户）"), say("改变等级（户）")]
        rows = [
            [one.name, one.then, words.count(one.subjects), words.count(one.changed)]
            for one in figures.regraded
        ]
        grid = story.grid(say("调档与一票否决，按执行次序"), header, rows, (2, 3))
        exhibits.append(Exhibit(grid.title, None, grid, shown=True))
    if figures.limited:
        header = [say("限额组"), say("企业数"), say("分数合计"), say("因限额变少（户）")]
        rows = [
            [
                one.name,
                words.count(one.subjects),
                ("−" if one.sign < 0 else "+") + format_trimmed(one.points, one.digits),
                words.count(one.cut),
            ]
            for one in figures.limited
        ]
        grid = story.grid(say("加分与减分"), header, rows, (1, 2, 3))
        exhibits.append(Exhibit(grid.title, None, grid, shown=True))
    if figures.adjusted:
        header = [say("限额组"), say("加减分项"), say("企业数"), say("分数合计（限额前）")]
        rows = [
            [
                adjusted.limit,
                adjusted.name,
                words.count(adjusted.subjects),
                ("−" if adjusted.sign < 0 else "+") + format_trimmed(adjusted.points, adjusted.digits),
            ]
            for adjusted in figures.adjusted
        ]
        title = story.tell(say("各加减分项的户数"))
        strips = [
            Strip(
                adjusted.name,
                (adjusted.subjects,),
                (words.count(adjusted.subjects),),
                story.tell(
                    say("{count} 户，{points} 分", count=words.count(adjusted.subjects), points=row[3])
                ),
            )
            for adjusted, row in zip(figures.adjusted, rows, strict=True)
        ]
        chart = bars(
            [strip for strip in strips if strip.values[0]][:CHARTED],
            Series(story.tell(say("企业数")), "#2b6ca3", "#ffffff"),
        )
        exhibits.append(Exhibit(title, chart, story.grid(title, header, rows, (2, 3))))
    return _section(story, "adjustments", say("加减分、调档与一票否决"), sentences, exhibits)


def _effect(story: Story, sign: int) -> Message:
    """Whose grade would be another without the bonuses or deductions."""
    places = {grade: place for place, grade in enumerate(story.figures.grades)}
    both = pl.DataFrame(
        [story.figures.listing[p.GRADE].alias("with"), grades_without(story.result, sign).alias("without")]
    )
    coded = both.drop_nulls().select(pl.all().replace_strict(places, return_dtype=pl.Int64))
    better = coded.filter(pl.col("with") < pl.col("without")).height
    worse = coded.filter(pl.col("with") > pl.col("without")).height
    counts = {"all": words.count(better + worse), "better": words.count(better), "worse": words.count(worse)}
    if sign > 0:
        return say("加分改变了 {all} 户的等级：{better} 户因此较高，{worse} 户因名额被占而较低。", **counts)
    return say("减分改变了 {all} 户的等级：{worse} 户因此较低，{better} 户因名额空出而较高。", **counts)


def _ungraded(story: Story) -> Section:
    groups = story.figures.ungraded
    if not groups:
        return _section(story, "ungraded", say("未定级的企业"), [say("所有企业都已定级。")])
    whole = sum(group.count for group in groups)
    sentences: list[Said] = [
        say(
            "{whole} 户未定级，“{reason}”占 {share}。",
            whole=words.count(whole),
            reason=words.ungraded_reason(groups[0]),
            share=words.share(groups[0].count, whole),
        )
    ]
    treated = sum(group.count for group in groups if group.treated_as)
    if treated:
        sentences.append(
            say("其中 {count} 户虽未定级，配置要素时按规则比照某一等级对待。", count=words.count(treated))
        )
    header = [say("状态"), say("理由"), say("企业数"), say("比照等级")]
    rows: list[list[Said]] = [
        [
            words.standing_name(group.standing),
            words.ungraded_reason(group),
            words.count(group.count),
            group.treated_as or "—",
        ]
        for group in groups
    ]
    strips = [
        Strip(
            story.tell(row[1]),
            (group.count,),
            (words.count(group.count),),
            story.tell(say("{count} 户", count=words.count(group.count))),
        )
        for row, group in zip(rows, groups, strict=True)
    ]
    title = say("未定级的理由")
    chart = bars(strips[:CHARTED], story.series[-1])
    exhibits = [Exhibit(story.tell(title), chart, story.grid(title, header, rows, (2,)))]
    without = (
        story.figures.listing.filter(pl.col(p.GRADE).is_null())
        .with_columns(ungraded_because())
        .sort("~状态", "~理由", CODE)
    )
    named = [
        [
            row[NAME],
            row[CODE],
            row[p.CLASS] or "—",
            row[PLACE] or "—",
            row["~理由"] or story.tell(words.standing_name(row["~状态"])),
        ]
        for row in without.head(LISTED).iter_rows(named=True)
    ]
    grid = story.grid(
        say("未定级企业名单（{count} 户）", count=words.count(without.height)),
        [say("企业名称"), say("统一社会信用代码"), say("类别"), say("所在乡镇（园区）"), say("理由")],
        named,
        more=_more(without.height),
    )
    exhibits.append(Exhibit("", None, grid))
    return _section(story, "ungraded", say("未定级的企业"), sentences, exhibits)


def _problems(story: Story) -> Section:
    title = say("各部门的数据问题")
    groups = story.figures.problems
    if not groups:
        return _section(story, "problems", title, [say("各部门的数据没有发现问题。")])
    errors = sum(group.errors for group in groups)
    sentences: list[Said] = [
        say(
            "{count} 处数据问题待核对：错误 {errors}，提示 {warnings}；错误最多的是{department}。",
            count=words.count(len(story.problems)),
            errors=words.count(errors),
            warnings=words.count(len(story.problems) - errors),
            department=words.department_name(groups[0]),
        )
    ]
    strips = [
        Strip(
            story.tell(words.department_name(group)),
            (group.errors, group.warnings),
            (
                story.tell(say("错误 {count}", count=words.count(group.errors))),
                story.tell(say("提示 {count}", count=words.count(group.warnings))),
            ),
            story.tell(say("{count} 处", count=words.count(group.errors + group.warnings))),
        )
        for group in groups
    ]
    kinds = (
        Series(story.tell(SEVERITY_NAMES["error"]), "#a63a2b", "#ffffff"),
        Series(story.tell(SEVERITY_NAMES["warning"]), "#e0b04f", "#16202b"),
    )
    grid = story.grid(
        say("各部门数据问题"),
        [say("部门"), *SEVERITY_NAMES.values(), say("文件")],
        [
            [
                words.department_name(group),
                words.count(group.errors),
                words.count(group.warnings),
                "、".join(group.files),
            ]
            for group in groups
        ],
        (1, 2),
    )
    exhibits = [Exhibit(grid.title, stacked_bars(strips[:CHARTED], kinds, to_scale=True), grid)]
    listed = sorted(story.problems, key=lambda problem: problem.severity != "error")[:LISTED]
    rows = [
        [story.tell(SEVERITY_NAMES[problem.severity]), format_problem(problem, story.lang)]
        for problem in listed
    ]
    every = story.grid(
        say("逐条列出"), [say("程度"), say("问题与改法")], rows, more=_more(len(story.problems))
    )
    exhibits.append(Exhibit("", None, every))
    return _section(story, "problems", title, sentences, exhibits)


def _open(story: Story) -> Section:
    policy = story.result.plan.document.policy
    sentences: list[Said] = []
    if policy.illustrative:
        sentences.append(say("这是示例规则，不是当地现行规定。"))
    if policy.open:
        sentences.append(
            say(
                "依据文本有 {count} 处没有说明，规则文件作了选择，请有权解释的部门确认：",
                count=len(policy.open),
            )
        )
    else:
        sentences.append(say("规则文件没有列出依据文本未说明之处。"))
    exhibits = []
    judged = story.figures.judged
    if judged:
        header = [
            say("类别"),
            say("指标"),
            say("缺数按规则补分（户）"),
            say("得分超过满分（户）"),
            say("最高得分"),
            say("得此分的企业"),
        ]
        rows = [
            [
                one.class_name,
                one.indicator,
                words.count(one.filled),
                words.count(one.over),
                say(
                    "{score}（满分 {weight}）",
                    score=words.scaled(one.most, one.digits),
                    weight=format_exact(one.weight),
                )
                if one.over
                else "—",
                (one.most_name or "—") if one.over else "—",
            ]
            for one in sorted(judged, key=lambda one: -(one.filled + one.over))
        ]
        grid = story.grid(say("受补分规则和得分上限影响的指标"), header, rows, (2, 3))
        exhibits.append(Exhibit(grid.title, None, grid, shown=True))
    return _section(story, "open", say("依据文本未尽之处"), sentences, exhibits, policy.open)


def _proof(story: Story) -> Section:
    plan = story.result.plan
    policy = plan.document.policy
    rows: list[list[Said]] = [
        [say("规则编号"), policy.id],
        [say("依据"), words.source(story.result)],
        [say("来源情况"), policy.source.status],
        [say("适用期间"), words.validity(story.result)],
        [say("规则含义指纹（SHA-256）"), plan.meaning],
        [say("规则文本指纹（SHA-256）"), plan.wording],
    ]
    rows += [[say("计算环境：{name}", name=name), version] for name, version in story.engines.items()]
    files = dict.fromkeys((table.file, table.sha256) for table in story.result.facts.sources)
    rows += [[say("数据文件：{name}", name=name), digest or "—"] for name, digest in files]
    sentences = [
        say("任何人用封存的结果包都能重算出同样的结果：muheng verify bundle.zip。"),
        say("数据、规则或结果改动一个数字，它会指出是哪个文件、哪一行。"),
        say("查一户企业的每一分怎样得来：muheng explain bundle.zip 信用代码。"),
    ]
    grid = story.grid(say("依据和指纹"), [say("项目"), say("内容")], rows)
    return _section(story, "proof", say("怎样核对"), sentences, [Exhibit("", None, grid, shown=True)])


def _section(
    story: Story,
    name: str,
    title: Message,
    sentences: Sequence[Said],
    exhibits: Sequence[Exhibit] = (),
    points: Sequence[str] = (),
) -> Section:
    return Section(name, story.tell(title), tuple(map(story.tell, sentences)), tuple(exhibits), tuple(points))
