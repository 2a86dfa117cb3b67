"""Charts as HTML with inline SVG: bars, stacked bars, a histogram, a heat table. Draws what it is given.

Widths are in per cent and letters in pixels, so that a chart is as readable on a phone as on paper. Every
text is escaped. Colours are never the only carrier: each bar says its figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

NARROWEST_LABEL = 7.0
"""Per cent of the width below which a segment has no text inside."""

_GRADES = (
    ("#0b6b5d", "#ffffff"),
    ("#2b6ca3", "#ffffff"),
    ("#8fb6d9", "#16202b"),
    ("#e0b04f", "#16202b"),
    ("#b25c1e", "#ffffff"),
    ("#a63a2b", "#ffffff"),
)
_NONE = ("#cdd4db", "#16202b")
_SOME = {1: (0,), 2: (0, 5), 3: (0, 3, 5), 4: (0, 1, 3, 5), 5: (0, 1, 2, 3, 5), 6: (0, 1, 2, 3, 4, 5)}


@dataclass(frozen=True)
class Series:
    """One colour of a chart: fill and the text colour that can be read on it."""

    label: str
    fill: str
    ink: str


@dataclass(frozen=True)
class Strip:
    """One row of a bar chart. ``texts`` are what each segment says; ``note`` stands at the end of the row."""

    label: str
    values: tuple[int, ...]
    texts: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Mark:
    """A line across a histogram, at a position in bins."""

    at: float
    label: str


Tone = Literal["better", "worse", "same", "none"]


def grade_series(grades: Sequence[str], without: str) -> tuple[Series, ...]:
    """Best to worst from green over blue and amber to red; the last, grey, for who has no grade."""
    many = len(grades)
    chosen = _SOME.get(many) or tuple(round(index * 5 / (many - 1)) for index in range(many))
    colours = [_GRADES[index] for index in chosen]
    named = [Series(grade, *colour) for grade, colour in zip(grades, colours, strict=True)]
    return (*named, Series(without, *_NONE))


def legend(series: Sequence[Series]) -> Markup:
    """What each colour means."""
    entries = Markup("").join(
        Markup(
            '<li><svg width="12" height="12" aria-hidden="true">'
            '<rect width="12" height="12" fill="{}"/></svg> {}</li>'
        ).format(one.fill, one.label)
        for one in series
    )
    return Markup('<ul class="legend">{}</ul>').format(entries)


def bars(strips: Sequence[Strip], series: Series) -> Markup:
    """Rows of one bar each, to the scale of the longest."""
    longest = max((strip.values[0] for strip in strips), default=0)
    rows = [_row(strip, (series,), longest) for strip in strips]
    return Markup('<div class="bars">{}</div>').format(Markup("").join(rows))


def stacked_bars(strips: Sequence[Strip], series: Sequence[Series], *, to_scale: bool = False) -> Markup:
    """Rows of segments that together fill the width or, ``to_scale``, their part of the longest."""
    longest = max((sum(strip.values) for strip in strips), default=0)
    rows = [_row(strip, series, longest if to_scale else sum(strip.values)) for strip in strips]
    return Markup('<div class="bars">{}</div>{}').format(Markup("").join(rows), legend(series))


def _row(strip: Strip, series: Sequence[Series], whole: int) -> Markup:
    segments = []
    start = 0
    for value, text, one in zip(strip.values, strip.texts, series, strict=True):
        if not value or not whole:
            continue
        x, width = 100 * start / whole, 100 * value / whole
        said = Markup("")
        if len(series) > 1 and text and width >= NARROWEST_LABEL:
            said = Markup('<text x="{:.3f}%" y="15" text-anchor="middle" fill="{}">{}</text>').format(
                x + width / 2, one.ink, text
            )
        segments.append(
            Markup(
                '<g><title>{} {}</title><rect x="{:.3f}%" width="{:.3f}%" height="22" fill="{}"/>{}</g>'
            ).format(one.label, text, x, width, one.fill, said)
        )
        start += value
    spoken = ", ".join(
        f"{one.label} {text}"
        for value, text, one in zip(strip.values, strip.texts, series, strict=True)
        if value
    )
    return Markup(
        '<div class="bar"><span class="bar-label">{}</span>'
        '<svg class="strip" role="img" aria-label="{}">{}</svg><span class="bar-note">{}</span></div>'
    ).format(strip.label, f"{strip.label}: {spoken}", Markup("").join(segments), strip.note)


def histogram(
    counts: Sequence[Sequence[int]],
    edges: Sequence[str],
    titles: Sequence[str],
    series: Sequence[Series],
    marks: Sequence[Mark] = (),
    spoken: str = "",
) -> Markup:
    """Columns of stacked counts. ``edges``: one more than columns; ``titles``: what each column says."""
    many = len(counts)
    highest = max((sum(column) for column in counts), default=0) or 1
    top, height = 34, 150
    base = top + height
    parts: list[Markup] = []
    for index, (column, title) in enumerate(zip(counts, titles, strict=True)):
        below = 0
        stack: list[Markup] = []
        for value, one in zip(column, series, strict=True):
            if value:
                stack.append(
                    Markup('<rect x="{:.3f}%" width="{:.3f}%" y="{:.2f}" height="{:.2f}" fill="{}"/>').format(
                        100 * (index + 0.06) / many,
                        88 / many,
                        base - height * (below + value) / highest,
                        height * value / highest,
                        one.fill,
                    )
                )
                below += value
        if stack:
            parts.append(Markup("<g><title>{}</title>{}</g>").format(title, Markup("").join(stack)))
    parts.append(Markup('<line x1="0" x2="100%" y1="{0}" y2="{0}" class="axis"/>').format(base))
    every = -(-many // 6)
    for index in range(0, many + 1, every):
        anchor = "start" if index == 0 else "end" if index == many else "middle"
        parts.append(
            Markup('<text x="{:.3f}%" y="{}" text-anchor="{}" class="tick">{}</text>').format(
                100 * index / many, base + 16, anchor, edges[index]
            )
        )
    for number, mark in enumerate(sorted(marks, key=lambda mark: mark.at)):
        x = 100 * mark.at / many
        anchor = "start" if x < 10 else "end" if x > 90 else "middle"
        # Neighbouring labels take turns in two lines.
        y = 12 if number % 2 == 0 else 27
        parts.append(
            Markup(
                '<line x1="{0:.3f}%" x2="{0:.3f}%" y1="{1}" y2="{2}" class="cut"/>'
                '<text x="{0:.3f}%" y="{3}" text-anchor="{4}" class="cut-label">{5}</text>'
            ).format(x, y + 4, base, y, anchor, mark.label)
        )
    return Markup('<svg class="histogram" role="img" aria-label="{}" height="{}">{}</svg>').format(
        spoken, base + 22, Markup("").join(parts)
    )


def heat_table(
    corner: str,
    rows: Sequence[str],
    columns: Sequence[str],
    counts: Sequence[Sequence[int]],
    tones: Sequence[Sequence[Tone]],
) -> Markup:
    """A matrix of counts; the deeper the shade, the more."""
    most = max((value for row in counts for value in row), default=0) or 1
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(column) for column in columns)
    body: list[Markup] = []
    for label, values, tone in zip(rows, counts, tones, strict=True):
        cells = Markup("").join(
            Markup('<td class="{}" style="--share:{:.2f}">{}</td>').format(
                escape(kind), value / most, f"{value:,}" if value else "·"
            )
            for value, kind in zip(values, tone, strict=True)
        )
        body.append(Markup('<tr><th scope="row">{}</th>{}</tr>').format(label, cells))
    return Markup(
        '<table class="heat"><thead><tr><td>{}</td>{}</tr></thead><tbody>{}</tbody></table>'
    ).format(corner, head, Markup("").join(body))
