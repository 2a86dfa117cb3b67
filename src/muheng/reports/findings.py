"""The top of the report page: the one number that matters, and three sentences that say what came out."""

from __future__ import annotations

from muheng.documents.message import Message, say
from muheng.reports import words
from muheng.reports.story import Story
from muheng.standards.rounding import divide_half_up, format_scaled


def tell_headline(story: Story) -> tuple[str, str]:
    """The one number that matters: who must change, of those graded."""
    figures = story.figures
    totals = figures.by_class.totals
    graded = sum(totals[:-1])
    if not graded:
        return "0", story.tell(say("户定级"))
    worst = words.grade_name(story.result, figures.grades[-1])
    many = totals[-2]
    said = say("户评为 {grade}，占定级企业的 {share}", grade=worst, share=words.share(many, graded))
    if figures.moves is not None and figures.grades[-1] in figures.moves.before:
        before = sum(figures.moves.counts[figures.moves.before.index(figures.grades[-1])])
        said = say("{said}；这些企业中上年同级的有 {before} 户", said=said, before=words.count(before))
    return words.count(many), story.tell(said)


def tell_findings(story: Story) -> list[str]:
    """Three sentences: how it came out, what the grades differ in, what moved (or how close the cuts are)."""
    found = [
        _outcome(story),
        _gap(story),
        tell_moved(story) if story.figures.moves else tell_closest_cut(story),
    ]
    return [story.tell(sentence) for sentence in found if sentence is not None]


def _outcome(story: Story) -> Message:
    figures = story.figures
    totals = figures.by_class.totals
    size, without = sum(totals), totals[-1]
    graded = size - without
    if not graded:
        said = say("{size} 户企业都没有定级", size=words.count(size))
    else:
        said = say(
            "{size} 户中 {graded} 户定级，评为 {grade} 的 {best} 户（{share}）",
            size=words.count(size),
            graded=words.count(graded),
            grade=words.grade_name(story.result, figures.grades[0]),
            best=words.count(totals[0]),
            share=words.share(totals[0], graded),
        )
    if not without:
        return say("{said}，没有未定级的企业。", said=said)
    most = figures.ungraded[0]
    return say(
        "{said}；{without} 户未定级，最多的是“{reason}”（{count} 户）。",
        said=said,
        without=words.count(without),
        reason=words.ungraded_reason(most),
        count=words.count(most.count),
    )


def _gap(story: Story) -> Message | None:
    """How far the best and the worst grade are apart in the first indicator of the largest class."""
    figures = story.figures
    sizes = {
        name: sum(counts[:-1])
        for name, counts in zip(figures.by_class.labels, figures.by_class.counts, strict=True)
    }
    levels = sorted(figures.levels, key=lambda level: -sizes.get(level.class_name, 0))
    for level in levels:
        known = [
            (grade, median)
            for grade, median in zip(figures.grades, level.medians, strict=True)
            if median is not None
        ]
        if len(known) < 2:
            continue
        (best, high), (worst, low) = known[0], known[-1]
        values = say(
            "中位数 {high} 与 {low} {unit}",
            high=words.level(high, level.digits, level.largest),
            low=words.level(low, level.digits, level.largest),
            unit=level.unit,
        )
        which = {"name": level.class_name, "best": best, "worst": worst, "indicator": level.indicator}
        if high > low > 0:
            times = format_scaled(divide_half_up(high * 10, low), 1)
            return say(
                "{name} {best} 级企业的{indicator}是 {worst} 级的 {times} 倍：{values}。",
                times=times,
                values=values,
                **which,
            )
        return say("{name} {best} 级与 {worst} 级企业的{indicator}：{values}。", values=values, **which)
    return None


def tell_moved(story: Story) -> Message | None:
    """How many rose and fell since last year; the figures have moves."""
    moves = story.figures.moves
    assert moves is not None
    up, down = moves.up.height, moves.down.height
    if not up + down + moves.same:
        return say("没有两年都定级的企业，不作年度比较。")
    counts = {"up": words.count(up), "down": words.count(down), "same": words.count(moves.same)}
    if up > down:
        return say("与上年比，升级的多于降级的：升 {up} 户，降 {down} 户，不变 {same} 户。", **counts)
    if up < down:
        return say("与上年比，降级的多于升级的：升 {up} 户，降 {down} 户，不变 {same} 户。", **counts)
    return say("与上年比，升级与降级一样多：升 {up} 户，降 {down} 户，不变 {same} 户。", **counts)


def tell_closest_cut(story: Story) -> Message | None:
    """The cut with the smallest gap in points; None where no cut was made by points."""
    cuts = [cut for cut in story.figures.cuts if cut.gap is not None and cut.gap >= 0]
    if not cuts:
        return None
    closest = min(cuts, key=lambda cut: cut.gap or 0)
    return say(
        "分差最小的分界是 {group} {title}：最后入围与第一个未入围相差 {gap} 分。",
        group=words.cut_group(closest),
        title=words.cut_title(closest),
        gap=words.scaled(closest.gap, closest.digits),
    )
