"""Where a sheet's header stands, which layout it belongs to, and which column is which.

Titles, notes, a unit row, a second header row under merged cells and a row of column numbers are understood.
Recognition goes by header texts alone, and by what a person decided; it reads no figure below them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from muheng.documents.message import Message, Refusal, say
from muheng.intake.layout import Column, Layout, Sheet, header_key
from muheng.intake.sheet_fix import NOTHING_FIXED, SheetFix, check_fix, wrong_unit
from muheng.intake.tables import TextTable
from muheng.standards.units import COMMON, Unit, UnknownUnit, parse_unit, same_dimension

# Titles, notes and seals take a few rows; a header further down than this is not looked for.
SEARCHED_ROWS = 30
# What clerks add for themselves: nothing is lost when it is not read.
_OWN_NOTES = frozenset(["序号", "编号", "备注", "联系人", "联系电话", "电话", "手机", "no", "no."])
_BRACKETS = re.compile(r"[(\[{【〔<]([^()\[\]{}【】〔〕<>]*)[)\]}】〕>]")
_MULTIPLE = re.compile(r"[亿万千百十]+")
_YEAR = re.compile(r"(20[0-9]{2})\s*(?:年度|年末|年|度)?")
_UNIT_NOTE = re.compile(r"(?<![报制送填主管])单位\s*[::]\s*([^\s::]+(?:[、,;]\s*[^\s::]+)*)")
_SEPARATORS = re.compile(r"[,;、|\s]+")
# 人民币元, 元至角分, 元(列至角分): all are 元.
_CURRENCY = re.compile(r"人民币|rmb|cny|[¥￥()]|[列保留算精确]*[至到](?:角分|[角分])", re.IGNORECASE)
# What ends like a unit is meant as one: 美元 is not to be taken for the column's own 万元.
_LIKE_A_UNIT = re.compile(r"(?:[元亩顷吨]|平方米|千瓦时|立方米|kwh|tce|m[23²³])$", re.IGNORECASE)

Basis = Literal["等价值", "当量值"]
Matched = Literal["列名", "别名", "近似", "指定"]
"""How a column was recognised: by its declared name, by an alias, by either after its unit, year and brackets
were taken off, or because a person said so."""
UnitSource = Literal["表头", "表注", "布局", "指定"]
"""Who says the unit: the header's own text, a note above the header, the layout, or a person."""


@dataclass(frozen=True)
class HeaderColumn:
    """A declared column as found: its letters, the header's text and the unit that its figures are in."""

    letters: str
    header: str
    unit: Unit | None
    matched: Matched
    unit_from: UnitSource | None


@dataclass(frozen=True)
class Remark:
    """Something to tell about a header cell."""

    severity: Literal["error", "warning"]
    letters: str | None
    header: str
    what: Message
    fix: Message | None = None


@dataclass(frozen=True)
class Header:
    """A recognised sheet. `row` is the (last) header row (0: there is none), `first_row` the first row of data;
    both 1-based. `texts` has the header's text over every column, by letters."""

    layout: Layout
    kind: str
    sheet: Sheet
    row: int
    first_row: int
    columns: Mapping[str, HeaderColumn]
    unread: tuple[str, ...]
    remarks: tuple[Remark, ...]
    texts: Mapping[str, str]


@dataclass(frozen=True)
class Unrecognised:
    """Why no layout fits. `row` and `texts` are those of the row that looks most like a header, 0 for none."""

    what: Message
    fix: Message | None
    row: int = 0
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Label:
    """A header text taken apart."""

    text: str
    keys: tuple[str, ...]
    unit: Unit | None
    basis: Basis | None
    year: int | None


@dataclass(frozen=True)
class _Found:
    """A declared column's place in the row of labels."""

    index: int
    label: _Label
    matched: Matched


@dataclass(frozen=True)
class _Candidate:
    row: int
    depth: int
    labels: list[list[str]]
    layout: Layout
    kind: str
    sheet: Sheet
    found: Mapping[str, _Found]
    twice: Mapping[str, tuple[int, ...]]
    stale: Mapping[str, int]

    @property
    def units(self) -> int:
        return sum(found.label.unit is not None for found in self.found.values())

    def texts(self, letters: list[str]) -> dict[str, str]:
        return {place: texts[0] if texts else "" for place, texts in zip(letters, self.labels, strict=True)}

    @property
    def missing(self) -> list[str]:
        absent = [
            name for name, column in self.sheet.columns.items() if column.required and name not in self.found
        ]
        data = [
            name for name, column in self.sheet.columns.items() if column.type not in ("信用代码", "名称")
        ]
        if not any(name in self.found for name in data):
            absent += data[:1]
        for role, party in self.sheet.parties().items():
            if not any(name in self.found for name in (party.code, party.name) if name):
                absent.append(party.code or party.name or role)
        return list(dict.fromkeys(absent))


def recognise(
    table: TextTable, layouts: Sequence[Layout], year: int, fix: SheetFix = NOTHING_FIXED
) -> Header | Unrecognised:
    """Find the header row and the layout whose columns it names best, as far as `fix` does not say them.

    Raises Refusal for a fix that cannot be.
    """
    letters = table.frame.columns
    if fix != NOTHING_FIXED:
        check_fix(fix, (table.file, table.sheet), letters, table.frame.height, layouts)
    searched = max(SEARCHED_ROWS, fix.header_row or 0) + 3
    rows = [_clean_row(row) for row in table.frame.head(searched).iter_rows()]
    fixed = {index: fix.columns[place] for index, place in enumerate(letters) if place in fix.columns}
    candidates = [
        candidate
        for row, depth, labels in _header_rows(rows, fix.header_row)
        for layout in layouts
        for kind, sheet in layout.sheet.items()
        if fix.layout in (None, layout.id) and fix.kind in (None, kind)
        if (candidate := _match(row, depth, labels, layout, kind, sheet, year, fixed)).found
    ]
    if not candidates:
        return _without_header(letters, rows, fix)
    fitting = [candidate for candidate in candidates if not candidate.missing]
    if not fitting:
        nearest = max(
            candidates,
            key=lambda candidate: (len(candidate.found) + len(candidate.stale), -len(candidate.missing)),
        )
        return _misfit(nearest, letters, year)
    most = max(len(candidate.found) for candidate in fitting)
    best = [candidate for candidate in fitting if len(candidate.found) == most]
    kinds = {(candidate.layout.id, candidate.kind) for candidate in best}
    if len(kinds) > 1:
        named = [candidate for candidate in best if table.sheet.strip() in candidate.sheet.names]
        if len({(candidate.layout.id, candidate.kind) for candidate in named}) != 1:
            return Unrecognised(
                say(
                    "这张表像“{one}”，也像“{other}”，分不清。",
                    one=best[0].layout.name,
                    other=next(
                        candidate.layout.name
                        for candidate in best
                        if (candidate.layout.id, candidate.kind) != (best[0].layout.id, best[0].kind)
                    ),
                ),
                say("请把工作表改成布局里写的名字。"),
                best[0].row + best[0].depth,
                best[0].texts(letters),
            )
        best = named
    # A row of units below the header belongs to it; a row of data does not.
    chosen = min(best, key=lambda candidate: (-candidate.units, candidate.depth, candidate.row))
    return _describe(chosen, table, rows, fix)


def _without_header(letters: list[str], rows: list[list[str]], fix: SheetFix) -> Unrecognised:
    """Nothing in any row is a column that we know; the row with most texts is shown as the header."""
    counts = [sum(bool(cell) for cell in row) for row in rows[:SEARCHED_ROWS]]
    likely = fix.header_row if fix.header_row is not None else counts.index(max(counts)) + 1 if counts else 0
    texts = dict(zip(letters, rows[likely - 1], strict=True)) if likely else {}
    return Unrecognised(
        say("没有找到表头。"), say("表头要写明列名，例如 统一社会信用代码、企业名称。"), likely, texts
    )


def _misfit(nearest: _Candidate, letters: list[str], year: int) -> Unrecognised:
    row, texts = nearest.row + nearest.depth, nearest.texts(letters)
    if wrong := [name for name in nearest.missing if name in nearest.stale]:
        return Unrecognised(
            say(
                "表里的“{column}”是 {found} 年的，不是 {year} 年的。",
                column=wrong[0],
                found=nearest.stale[wrong[0]],
                year=year,
            ),
            say("请核对是不是交错了年度的表。"),
            row,
            texts,
        )
    return Unrecognised(
        say(
            "没有认出这张表：最像“{layout}”，但缺少列 {columns}。",
            layout=nearest.layout.name,
            columns="、".join(f"“{name}”" for name in nearest.missing),
        ),
        say("请补上这些列，或在布局里加上表头的别名。"),
        row,
        texts,
    )


def _clean_row(row: tuple[str | None, ...]) -> list[str]:
    return [_half_width(cell) for cell in row]


@cache
def _half_width(text: str | None) -> str:
    return "" if text is None else unicodedata.normalize("NFKC", text).strip().strip("*").strip()


def _header_rows(rows: list[list[str]], last: int | None) -> Iterator[tuple[int, int, list[list[str]]]]:
    """Row index, depth and, for each column, the texts that may be its label, the best first.

    With `last`, only headers whose last row that is; 0: no header, so no column has a label.
    """
    if last is not None:
        if last >= 2:
            yield last - 2, 2, _join_rows(rows[last - 2], rows[last - 1])
        if last >= 1:
            yield last - 1, 1, [[cell] if cell else [] for cell in rows[last - 1]]
        else:
            yield 0, 0, [[] for _ in rows[0]]
        return
    for index, row in enumerate(rows[:SEARCHED_ROWS]):
        if sum(bool(cell) for cell in row) < 2:
            continue
        yield index, 1, [[cell] if cell else [] for cell in row]
        if index + 1 < len(rows):
            yield index, 2, _join_rows(row, rows[index + 1])


def _join_rows(top: list[str], bottom: list[str]) -> list[list[str]]:
    labels: list[list[str]] = []
    over = ""
    for above, below in zip(top, bottom, strict=True):
        # A merged cell holds its text in the first column only.
        over = above or (over if below else "")
        if not below:
            labels.append([above] if above else [])
        elif _unit_of(below) is not None:
            labels.append([f"{over}({below.strip('()')})"] if over else [])
        else:
            alone = [below] if bottom.count(below) == 1 else []
            labels.append([f"{over}|{below}", *alone] if over and over != below else [below])
    return labels


@cache
def _read_label(text: str) -> _Label:
    unit: Unit | None = None
    basis: Basis | None = None
    year: int | None = None
    for word in _words_in_brackets(text):
        unit = unit or _unit_of(word)
        basis = basis or _basis_of(word)
        year = year or _year_of(word)
    base = _BRACKETS.sub("", text)
    found = _YEAR.match(base)
    if found:
        year, base = int(found.group(1)), base[found.end() :]
    basis = basis or _basis_of(base)
    keys = [header_key(text), header_key(base)]
    if basis is not None:
        keys[1:1] = [header_key(base.replace(basis, "").replace(basis[:2], "") + basis)]
    for symbol in sorted(
        (*COMMON, "平方米", "千瓦时", "万千瓦时", "万度", "吨标准煤", "吨", "万立方米"), key=len
    ):
        key, tail = header_key(base), header_key(symbol)
        if len(tail) > 0 and not tail.isdigit() and key.endswith(tail) and key != tail:
            keys.append(key.removesuffix(tail))
            unit = unit or parse_unit(symbol)
    return _Label(text, tuple(dict.fromkeys(keys)), unit, basis, year)


def _words_in_brackets(text: str) -> list[str]:
    return [
        word for note in _BRACKETS.findall(text) for word in dict.fromkeys((note, *_SEPARATORS.split(note)))
    ]


def _basis_of(text: str) -> Basis | None:
    return "等价值" if "等价" in text else "当量值" if "当量值" in text else None


def _year_of(text: str) -> int | None:
    found = _YEAR.fullmatch(text.strip())
    return int(found.group(1)) if found else None


@cache
def _unit_of(text: str) -> Unit | None:
    bare = re.sub(r"^单位\s*:\s*", "", text.strip().strip("()")).strip()
    if not bare or bare.isdigit():
        return None
    for written in dict.fromkeys((bare, _CURRENCY.sub("", bare).strip())):
        try:
            return parse_unit(written)
        except UnknownUnit:
            continue
    return None


def _strange_unit(words: Iterable[str], own: str) -> str | None:
    """The word that is meant as a unit and is none that we know; 万 alone is the 万 of the column's own 万元."""
    for word in words:
        bare = _CURRENCY.sub("", word).strip()
        multiple = _MULTIPLE.fullmatch(bare) is not None and not own.startswith(bare)
        if multiple or (_LIKE_A_UNIT.search(bare) and _unit_of(word) is None):
            return word
    return None


def _match(
    row: int,
    depth: int,
    labels: list[list[str]],
    layout: Layout,
    kind: str,
    sheet: Sheet,
    year: int,
    fixed: Mapping[int, str | None],
) -> _Candidate:
    ranks = _alias_ranks(sheet)
    found: dict[str, _Found] = {}
    best: dict[str, int] = {}
    twice: dict[str, tuple[int, ...]] = {}
    stale: dict[str, int] = {}
    for index, name in fixed.items():
        if name is not None and name in sheet.columns:
            found[name] = _Found(index, _read_label(labels[index][0] if labels[index] else ""), "指定")
    decided = set(found)
    for index, texts in enumerate(labels):
        placed = None if index in fixed else _place(texts, ranks, sheet.columns)
        if placed is None or placed[0] in decided:
            continue
        name, rank, label, matched = placed
        if label.year is not None and label.year != year:
            stale.setdefault(name, label.year)
        elif name not in best or rank < best[name]:
            best[name], found[name] = rank, _Found(index, label, matched)
            twice.pop(name, None)
        elif rank == best[name]:
            twice[name] = (*twice.get(name, (found[name].index,)), index)
    return _Candidate(row, depth, labels, layout, kind, sheet, found, twice, stale)


def _alias_ranks(sheet: Sheet) -> dict[str, tuple[str, int]]:
    return {
        header_key(alias): (name, rank)
        for name, column in sheet.columns.items()
        for rank, alias in reversed(list(enumerate((name, *column.aliases))))
    }


def _place(
    texts: list[str], ranks: Mapping[str, tuple[str, int]], columns: Mapping[str, Column]
) -> tuple[str, int, _Label, Matched] | None:
    for text in texts:
        label = _read_label(text)
        for key in label.keys:
            if key in ranks:
                name, rank = ranks[key]
                basis = columns[name].basis
                if basis is None or label.basis is None or basis == label.basis:
                    whole: Matched = "列名" if key == header_key(name) else "别名"
                    return name, rank, label, whole if key == header_key(text) else "近似"
    return None


def _describe(chosen: _Candidate, table: TextTable, rows: list[list[str]], fix: SheetFix) -> Header:
    letters = table.frame.columns
    remarks: list[Remark] = []
    columns: dict[str, HeaderColumn] = {}
    notes = _unit_notes(rows[: chosen.row])
    noted = [unit for word in notes if (unit := _unit_of(word)) is not None]
    if (strange := _strange_unit(notes, "")) is not None:
        remarks.append(
            Remark(
                "warning",
                None,
                strange,
                say("表头上方写的单位“{found}”不认识，没有采用。", found=strange),
                say("请核对各列的单位，写明如 万元、亩。"),
            )
        )
    used = {found.index for found in chosen.found.values()}
    _check_units(chosen, table, fix)
    for name, found in chosen.found.items():
        declared, label = chosen.sheet.columns[name], found.label
        place = letters[found.index]
        if name in chosen.twice:
            remarks.append(
                Remark(
                    "error",
                    place,
                    label.text,
                    say(
                        "表头有几列都是“{column}”（{letters}），不知道用哪一列，没有读。",
                        column=name,
                        letters="、".join(letters[at] for at in chosen.twice[name]),
                    ),
                    say("请只保留一列，或写清楚各是什么。"),
                )
            )
            continue
        unit = None
        source: UnitSource | None = None
        if place in fix.units:
            unit, source = parse_unit(fix.units[place]), "指定"
        elif declared.type == "数字":
            own = declared.parsed_unit
            strange = _strange_unit(_words_in_brackets(label.text), own.symbol)
            if label.unit is None and strange is not None:
                remarks.append(_unknown_unit(name, declared, label, strange, place))
                continue
            above = next((known for known in noted if same_dimension(known, own)), None)
            unit = label.unit or above or own
            source = "表头" if label.unit is not None else "表注" if above is not None else "布局"
            if not same_dimension(unit, own):
                remarks.append(_wrong_unit(name, declared, label, unit, place))
                continue
            if declared.basis is not None and label.basis is None and found.matched != "指定":
                remarks.append(_no_basis(declared.basis, label, place))
        columns[name] = HeaderColumn(place, label.text, unit, found.matched, source)
    unread = tuple(
        dict.fromkeys(
            text.split("|")[-1]
            for index, text in enumerate(_last_texts(rows, chosen))
            if text
            and index not in used
            and letters[index] not in fix.columns
            and header_key(text) not in _OWN_NOTES
        )
    )
    row = chosen.row + chosen.depth
    return Header(
        chosen.layout,
        chosen.kind,
        chosen.sheet,
        row,
        _first_data_row(rows, row) + 1,
        columns,
        unread,
        tuple(remarks),
        chosen.texts(letters),
    )


def _check_units(chosen: _Candidate, table: TextTable, fix: SheetFix) -> None:
    """A unit that a person gave is that of a number of the same dimension, or refused."""
    names = {table.frame.columns[found.index]: name for name, found in chosen.found.items()}
    for place, unit in fix.units.items():
        declared = chosen.sheet.columns[names[place]] if place in names else None
        if declared is None:
            what: Message = say("{letters} 列没有读入，用不上单位。", letters=place)
            mend: Message | None = say("先指定它是哪一列。")
        elif declared.type != "数字" or not same_dimension(parse_unit(unit), declared.parsed_unit):
            what, mend = wrong_unit(unit, names[place], declared.unit)
        else:
            continue
        where = say("{file}·{sheet}：{what}", file=table.file, sheet=table.sheet, what=what)
        raise Refusal(where, mend, (table.file, table.sheet, "units"))


def _last_texts(rows: list[list[str]], chosen: _Candidate) -> list[str]:
    if chosen.depth == 0:
        return [""] * len(rows[chosen.row])
    if chosen.depth == 1:
        return rows[chosen.row]
    return [
        below if below and _unit_of(below) is None else above
        for above, below in zip(rows[chosen.row], rows[chosen.row + 1], strict=True)
    ]


def _unit_notes(rows: list[list[str]]) -> list[str]:
    """The words above the header that say units, as in 单位：万元、亩."""
    return [
        word
        for row in rows
        for cell in row
        for note in _UNIT_NOTE.findall(cell)
        for word in re.split(r"[、,;\s]+", note.strip("()"))
    ]


def _first_data_row(rows: list[list[str]], row: int) -> int:
    """Skip a row of units and a row of column numbers (甲 乙 1 2 3) right below the header."""
    while row < len(rows):
        cells = [cell for cell in rows[row] if cell]
        units = len(cells) > 0 and all(_unit_of(cell) is not None for cell in cells)
        numbers = [int(cell) for cell in cells if cell.isdigit()]
        names = [cell for cell in cells if not cell.isdigit()]
        counted = (
            len(numbers) > 1
            and numbers == list(range(1, len(numbers) + 1))
            and names == list("甲乙丙丁戊己")[: len(names)]
        )
        if not units and not counted:
            break
        row += 1
    return row


def _wrong_unit(name: str, declared: Column, label: _Label, unit: Unit, place: str) -> Remark:
    return Remark(
        "error",
        place,
        label.text,
        say(
            "表头单位“{found}”与“{column}”的单位“{unit}”不是同一种量，没有读这一列。",
            found=unit.symbol,
            column=name,
            unit=declared.unit,
        ),
        say("请在表头写明 {unit} 或可以换算的单位。", unit=declared.unit),
    )


def _unknown_unit(name: str, declared: Column, label: _Label, found: str, place: str) -> Remark:
    return Remark(
        "error",
        place,
        label.text,
        say("表头的“{found}”像是“{column}”的单位，但不认识，没有读这一列。", found=found, column=name),
        say("请在表头写明 {unit} 或可以换算的单位。", unit=declared.unit),
    )


def _no_basis(basis: str, label: _Label, place: str) -> Remark:
    return Remark(
        "warning",
        place,
        label.text,
        say("表头“{header}”没有写明口径，按{basis}读入。", header=label.text, basis=basis),
        say("两种口径相差约一倍多：请在表头写明“等价值”或“当量值”。"),
    )
