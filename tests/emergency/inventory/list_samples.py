"""Emergency lists for tests: invented enterprises with valid codes, any list by hypothesis, workbooks by openpyxl."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl
from hypothesis import strategies as st

from muheng.emergency.inventory.model import (
    Filed,
    Firm,
    Inventory,
    Level,
    Line,
    Mass,
    Offer,
    Source,
    Transport,
)
from muheng.emergency.inventory.sheets import source_order

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LEVELS: tuple[Level, ...] = ("yellow", "orange", "red")


def make_code(number: int) -> str:
    """A synthetic credit code with a right check digit."""
    body = f"91370800MA{number:07d}"
    total = sum(ALPHABET.index(letter) * pow(3, place, 31) for place, letter in enumerate(body))
    return body + ALPHABET[(31 - total % 31) % 31]


def make_name(number: int) -> str:
    return f"虚构第{number}号建材有限公司"


FIRM_HEAD = ["统一社会信用代码", "企业名称", "县（市、区）", "绩效等级"]
LINE_HEAD = ["统一社会信用代码", "企业名称", "生产线编号", "生产线名称", "年生产天数"]
YEARLY = [f"年排放量(t)|{name}" for name in ("SO2", "NOx", "颗粒物", "VOCs")]
DAILY = [f"日排放量(kg)|{name}" for name in ("SO2", "NOx", "颗粒物", "VOCs")]
CUT = [f"日减排量(kg)|{name}" for name in ("SO2", "NOx", "颗粒物", "VOCs")]

Rows = Sequence[Sequence[object]]


def firm_rows(count: int = 2) -> list[list[object]]:
    return [list(FIRM_HEAD), *([make_code(n), make_name(n), "东县", "C"] for n in range(count))]


def line_rows(count: int = 2) -> list[list[object]]:
    """One line for each enterprise: 3 t of SO2 and 6 t of NOx in 300 days."""
    head = [*LINE_HEAD, *YEARLY]
    return [head, *([make_code(n), make_name(n), "1", "一号窑", 300, 3, 6, 1.5, 0] for n in range(count))]


def write_list(
    path: Path, tables: Mapping[str, Rows], merges: Mapping[str, Sequence[str]] | None = None
) -> Path:
    """A workbook of sheets; a header 上|下 stands in two merged rows as clerks draw it."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in tables.items():
        sheet = book.create_sheet(title)
        head = [str(text) for text in rows[0]] if rows else []
        if any("|" in text for text in head):
            tops = [text.partition("|")[0] for text in head]
            sheet.append([top if at == 0 or tops[at - 1] != top else None for at, top in enumerate(tops)])
            sheet.append([text.partition("|")[2] or None for text in head])
            start = 0
            for at in range(1, len(tops) + 1):
                if at == len(tops) or tops[at] != tops[start]:
                    if at - start > 1:
                        sheet.merge_cells(start_row=1, end_row=1, start_column=start + 1, end_column=at)
                    start = at
            rows = rows[1:]
        for row in rows:
            sheet.append(list(row))
        for span in (merges or {}).get(title, ()):
            sheet.merge_cells(span)
    book.save(path)
    return path


_LETTERS = st.sampled_from("窑炉线甲乙丙丁东西南北ABCxyz019")
words = st.text(_LETTERS, min_size=1, max_size=8).map(lambda text: f"名{text}")
texts = st.one_of(st.just(""), words, st.sampled_from(["=1+1", "+8", "-1a", "@cmd", '=HYPERLINK("x")']))
grams = st.integers(0, 10**10)
fen = st.integers(0, 10**11)
maybe_grams = st.one_of(st.none(), grams)
masses: st.SearchStrategy[Mass] = st.tuples(grams, grams, grams, grams)
parts = st.integers(0, 1000)
KINDS = ("停产", "限产", "停止工序", "提高治理效率", "运输减量", "自主减排")
COUNTS = ("生产线计", "负荷计", "原料计", "燃料计", "用电计", "产量计")
EVIDENCE = ("用电", "DCS", "在线监测", "门禁", "台账", "现场")
days = st.dates(datetime.date(2020, 1, 1), datetime.date(2040, 12, 31))
degrees = st.one_of(st.none(), st.integers(-89_000_000, 89_000_000).map(lambda micro: micro / 10**6))


@st.composite
def firms(draw: st.DrawFn, number: int) -> Firm:
    guarantee = draw(st.one_of(st.just(""), words))
    return Firm(
        make_code(number),
        make_name(number),
        draw(words),
        draw(texts),
        draw(texts),
        draw(st.sampled_from(["", "A", "B", "B-", "C", "D", "引领性", "非引领性"])),
        draw(st.one_of(st.none(), days)),
        guarantee,
        draw(st.sampled_from([None, *LEVELS])) if guarantee else None,
        draw(st.booleans()),
        draw(texts),
        draw(st.tuples(maybe_grams, maybe_grams, maybe_grams, maybe_grams)),
        draw(st.one_of(st.none(), fen)),
        draw(degrees),
        draw(degrees),
        draw(texts),
        draw(texts),
    )


@st.composite
def lines(draw: st.DrawFn, firm: str, number: str) -> Line:
    yearly = draw(st.tuples(maybe_grams, maybe_grams, maybe_grams, maybe_grams))
    return Line(
        f"{firm}-{number}",
        firm,
        draw(words),
        draw(texts),
        draw(words),
        draw(texts),
        draw(texts),
        draw(texts),
        draw(texts),
        draw(st.one_of(st.none(), st.integers(1, 366))),
        yearly,
        draw(masses),
        draw(st.booleans()),
        draw(parts),
        draw(st.integers(0, 200)),
        draw(st.integers(0, 200)),
        draw(texts),
        draw(texts),
        draw(st.one_of(st.none(), fen)),
        draw(fen),
        (),
        draw(texts),
        draw(st.integers(0, 10**9)),
    )


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Any list that could stand in a workbook, in the order that the model asks for."""
    count = draw(st.integers(1, 4))
    held_firms = sorted((draw(firms(number)) for number in range(count)), key=lambda firm: firm.code)
    held_lines: list[Line] = []
    for firm in held_firms:
        numbers = draw(
            st.lists(st.sampled_from(["1", "2", "B1", "3-2"]), min_size=0, max_size=3, unique=True)
        )
        own = [draw(lines(firm.code, number)) for number in numbers]
        if len(own) > 1 and draw(st.booleans()):
            own[0] = Line(**{**vars(own[0]), "serves": tuple(sorted(each.id for each in own[1:]))})
        held_lines += own
    if not held_lines:
        held_lines = [draw(lines(held_firms[0].code, "1"))]
    held_lines.sort(key=lambda line: line.id)
    offers: list[Offer] = []
    filed: list[Filed] = []
    for line in held_lines:
        for order in range(draw(st.integers(0, 3))):
            kind = draw(st.sampled_from([None, *KINDS]))
            offers.append(
                Offer(
                    line.id,
                    f"措施{order}",
                    order * 2,
                    kind,
                    draw(st.integers(1, 1000)),
                    draw(st.one_of(st.none(), masses)),
                    draw(st.one_of(st.none(), fen)),
                    draw(st.sampled_from([None, *COUNTS])),
                    draw(st.sampled_from([None, *EVIDENCE])),
                )
            )
        for level in LEVELS:
            if draw(st.booleans()):
                filed.append(
                    Filed(
                        line.id,
                        level,
                        draw(words),
                        draw(st.sampled_from([None, *KINDS])),
                        draw(st.integers(1, 1000)),
                        draw(st.one_of(st.none(), masses)),
                        draw(st.sampled_from([None, *COUNTS])),
                        draw(st.sampled_from([None, *EVIDENCE])),
                        draw(texts),
                    )
                )
    transport = [
        Transport(firm.code, *(draw(st.integers(0, 5000)) for _ in range(4)), draw(texts))
        for firm in held_firms
        if draw(st.booleans())
    ]
    names = draw(
        st.lists(st.sampled_from(["工业源", "扬尘源", "移动源", "其他源", "港口源"]), max_size=4, unique=True)
    )
    base = [
        Source(name, draw(masses), {level: draw(masses) for level in LEVELS if draw(st.booleans())})
        for name in sorted(names, key=source_order)
    ]
    return Inventory(
        draw(words),
        tuple(held_firms),
        tuple(held_lines),
        tuple(offers),
        tuple(filed),
        tuple(transport),
        tuple(base),
    )
