"""Damage, as departments really do it: numbers written oddly, codes spoilt by Excel, rows that fit nobody.

Every planted defect is recorded with the row and column it stands in and what should come of it. An
enterprise is damaged at most once over all sheets, so that each defect can be judged alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from typing import Literal

from muheng.cities.demo.enterprises import Enterprise, check_digit
from muheng.cities.demo.parameters import DefectKind, Defects, SheetForm, SheetKind
from muheng.cities.demo.records import AsNumber, AsText, Record, Value

Outcome = Literal["读入", "认出", "提示", "问题"]
"""What should come of it.

读入: it is read as the truth and nothing need be said. 认出: it is read as the truth; who it is was found by
name, and the reason is recorded. 提示: it is read as the truth and a problem is listed. 问题: a problem is
listed, and the items named are not to be trusted.
"""


@dataclass(frozen=True)
class Planted:
    """A defect before its sheet is laid out: `record` and `column` say where."""

    sheet: SheetKind
    record: Record
    column: str
    kind: DefectKind
    outcome: Outcome
    codes: tuple[str, ...]
    items: tuple[str, ...]


def plant_defects(
    records: Mapping[SheetKind, list[Record]],
    forms: Mapping[SheetKind, SheetForm],
    enterprises: Mapping[str, Enterprise],
    strangers: Callable[[Random], tuple[str, str]],
    defects: Defects,
    items_of: Mapping[SheetKind, tuple[str, ...]],
    seed: int,
    year: int,
) -> list[Planted]:
    """Damage the records in place. `strangers` makes the code and name of a firm outside the roster."""
    planter = _Planter(
        records, forms, enterprises, strangers, items_of, Random(f"{seed}/defects/{year}"), year
    )
    planter.note_oddities()
    for sheet, kinds in defects.planted.items():
        for kind, count in kinds.items():
            for _ in range(count):
                planter.plant(sheet, kind)
    return planter.planted


class _Planter:
    def __init__(
        self,
        records: Mapping[SheetKind, list[Record]],
        forms: Mapping[SheetKind, SheetForm],
        enterprises: Mapping[str, Enterprise],
        strangers: Callable[[Random], tuple[str, str]],
        items_of: Mapping[SheetKind, tuple[str, ...]],
        random: Random,
        year: int,
    ) -> None:
        self.records, self.forms, self.enterprises = records, forms, enterprises
        self.strangers, self.items_of, self.random, self.year = strangers, items_of, random, year
        self.planted: list[Planted] = []
        self.damaged: set[str] = set()
        # A defect must not tangle with a shared meter or a second row of the roster.
        self.damaged |= {r.code for r in records["分摊"] if r.code}
        self.damaged |= {code for code, e in enterprises.items() if len(e.parks) > 1 or e.number == 0}

    def note(
        self,
        sheet: SheetKind,
        record: Record,
        column: str,
        kind: DefectKind,
        outcome: Outcome,
        items: tuple[str, ...] = (),
        codes: tuple[str, ...] | None = None,
    ) -> None:
        named = codes if codes is not None else (record.code,) if record.code else ()
        self.planted.append(Planted(sheet, record, column, kind, outcome, named, items))
        self.damaged |= set(named)

    def note_oddities(self) -> None:
        """What is true and still has to be looked at: two parks, a shared parcel, unknown tenants."""
        seen: set[str] = set()
        for row in self.records["名单"]:
            if row.code in seen:
                self.note("名单", row, "园区", "一企两园", "提示")
            seen.add(row.code or "")
        owners: dict[Value, set[str]] = {}
        for row in self.records["用地"]:
            owners.setdefault(row.values["宗地号"], set()).add(row.code or "")
        for row in self.records["用地"]:
            if len(owners[row.values["宗地号"]]) > 1:
                self.note("用地", row, "宗地号", "一宗多企", "提示")
        for row in self.records["租赁"]:
            if row.code is None:
                lessor = (str(row.values["出租方代码"]),)
                self.note("租赁", row, "承租方", "名单外企业", "提示", codes=lessor)

    def pick(self, sheet: SheetKind, fits: Callable[[Record], bool]) -> Record:
        """A row of an enterprise that is not damaged yet and has no other row on the sheet."""
        rows = self.records[sheet]
        times: dict[str | None, int] = {}
        for row in rows:
            times[row.code] = times.get(row.code, 0) + 1
        # A bad row of the roster also spoils what is counted of a lessor's tenants.
        parties = {row.code for row in self.records["租赁"]} if sheet == "名单" else set()
        able = [
            row
            for row in rows
            if row.code and row.code not in self.damaged | parties and times[row.code] == 1 and fits(row)
        ]
        return self.random.choice(able)

    def plant(self, sheet: SheetKind, kind: DefectKind) -> None:
        plant: dict[DefectKind, Callable[[SheetKind], None]] = {
            "信用代码存成数字": self.code_as_number,
            "信用代码错字": self.code_mistyped,
            "旧注册号": self.old_number,
            "缺信用代码": self.no_code,
            "名称变体": self.name_variant,
            "缺代码且名称变体": self.no_code_and_variant,
            "名称对不上": self.unknown_name,
            "名单外企业": self.stranger,
            "重复行": self.repeated,
            "重复行不一致": self.contradicted,
            "单位错位": self.unit_slip,
            "不是数字": self.not_a_number,
            "错误值": self.error_value,
            "负数": self.negative,
            "取值不认识": self.unknown_choice,
            "日期不存在": self.impossible_date,
            "纵向合并": self.merged,
            "公用电表无分摊": self.no_split,
            "分摊合计不足": self.short_split,
        }
        plant[kind](sheet)

    # who it is

    def code_as_number(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: _is_spoilt_by_excel(str(row.values["代码"])))
        row.values["代码"] = AsNumber(float(str(row.values["代码"])[:15] + "000"))
        if sheet == "名单":
            # The roster is what all others are matched against: the enterprise is lost until it is mended.
            self.note(sheet, row, "代码", "信用代码存成数字", "问题", ("*",))
        else:
            self.note(sheet, row, "代码", "信用代码存成数字", "认出")

    def code_mistyped(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: True)
        code = str(row.values["代码"])
        at = self.random.randrange(9, 17)
        digit = next(d for d in "0123456789" if check_digit(code[:at] + d + code[at + 1 : 17]) != code[17])
        row.values["代码"] = code[:at] + digit + code[at + 1 :]
        self.note(sheet, row, "代码", "信用代码错字", "认出")

    def old_number(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: True)
        row.values["代码"] = f"3405000000{self.random.randrange(10_000):05d}"
        self.note(sheet, row, "代码", "旧注册号", "认出")

    def no_code(self, sheet: SheetKind) -> None:
        if sheet == "租赁":
            row = self.pick(sheet, lambda row: row.values["承租方代码"] is not None and self.runs(row))
            row.values["承租方代码"] = None
            self.note(sheet, row, "承租方代码", "缺信用代码", "认出")
            return
        row = self.pick(sheet, lambda row: True)
        row.values["代码"] = None
        self.note(sheet, row, "代码", "缺信用代码", "认出")

    def runs(self, row: Record) -> bool:
        """Is the contract in force at the end of the year? Others are skipped, whatever is wrong in them."""
        end = row.values["租期止"]
        return isinstance(end, date) and end.year >= self.year

    def has_sound_lessor(self, row: Record) -> bool:
        return row.values["出租方代码"] not in {None, *self.damaged}

    def name_variant(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: True)
        row.values["名称"] = self.vary(str(row.values["名称"]))
        self.note(sheet, row, "名称", "名称变体", "读入")

    def no_code_and_variant(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: True)
        row.values["代码"] = None
        row.values["名称"] = self.vary(str(row.values["名称"]))
        self.note(sheet, row, "名称", "缺代码且名称变体", "认出")

    def vary(self, name: str) -> str:
        """The same name as other people type it: spaces, brackets, width."""
        if "（" in name:
            return name.replace("（", "(").replace("）", ")")
        brand, rest = name[:3], name[3:]
        return self.random.choice((f" {name} ", f"{brand} {rest}", f"{brand}\u3000{rest}", f"{name}\n"))

    def unknown_name(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: True)
        name = str(row.values["名称"])
        row.values["代码"] = None
        row.values["名称"] = name[0] + "垚" + name[2:]
        self.note(sheet, row, "名称", "名称对不上", "问题", self.items_of[sheet])

    def stranger(self, sheet: SheetKind) -> None:
        code, name = self.strangers(self.random)
        if sheet == "租赁":
            row = self.pick(sheet, lambda row: self.runs(row) and self.has_sound_lessor(row))
            # A new contract of the same lessor with somebody the roster does not know.
            changed: dict[str, Value] = {"承租方代码": None, "承租方": name, "面积": Decimal("0.80")}
            extra = Record(row.values | changed, None)
            lessor = str(row.values["出租方代码"])
            self.insert(sheet, extra, row)
            # The lease is not in the truth, which knew nothing of it.
            items = ("出租用地", "出租户数", "出租规下户数")
            self.note(sheet, extra, "承租方", "名单外企业", "问题", items, (lessor,))
            return
        row = self.pick(sheet, lambda row: True)
        extra = Record(dict(row.values) | {"代码": code, "名称": name}, None)
        if "户号" in extra.values:
            extra.values["户号"] = f"{row.values['户号']}9"
        self.insert(sheet, extra, row)
        self.note(sheet, extra, "名称", "名单外企业", "问题", ())

    # rows

    def insert(self, sheet: SheetKind, record: Record, after: Record) -> None:
        """Put a row in somewhere below the one it was made from."""
        rows = self.records[sheet]
        above = next(at for at, row in enumerate(rows) if row is after)
        rows.insert(self.random.randint(above + 1, len(rows)), record)

    def repeated(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: True)
        extra = Record(dict(row.values), row.code)
        self.insert(sheet, extra, row)
        self.note(sheet, extra, "代码", "重复行", "提示")

    def contradicted(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: _number(row, "营业收入") > 100)
        extra = Record(dict(row.values), row.code)
        extra.values["营业收入"] = (_number(row, "营业收入") * Decimal("0.93")).quantize(Decimal("0.01"))
        self.insert(sheet, extra, row)
        self.note(sheet, extra, "营业收入", "重复行不一致", "问题", ("营业收入",))

    def merged(self, sheet: SheetKind) -> None:
        """Code and name typed once and merged down over an enterprise's parcels, as in printed tables."""
        rows = self.records[sheet]
        several = [
            i
            for i in range(len(rows) - 1)
            if rows[i].code == rows[i + 1].code and rows[i].code not in self.damaged
        ]
        start = self.random.choice(several)
        while start > 0 and rows[start - 1].code == rows[start].code:
            start -= 1
        code = rows[start].code
        group = [row for row in rows if row.code == code]
        for row in group[1:]:
            row.values["代码"] = row.values["名称"] = MERGED
        self.note(sheet, group[1], "代码", "纵向合并", "读入")

    # figures

    def unit_slip(self, sheet: SheetKind) -> None:
        item = {"税收": "入库税收", "统计": "营业收入", "用电": "用电量"}[sheet]
        row = self.pick(sheet, lambda row: _has(row, item, over=60) and self.settled(row))
        # The tax and power sheets are in small units (元, kWh) and somebody typed the large one; the
        # statistics are in 万元 and somebody typed 元.
        factor = Decimal(10000) if sheet == "统计" else Decimal("0.0001")
        row.values[item] = _number(row, item) * factor
        self.note(sheet, row, item, "单位错位", "问题", (item,))

    def settled(self, row: Record) -> bool:
        """Has it worked long enough to have a last year like this one, against which a slip shows?"""
        enterprise = self.enterprises[row.code or ""]
        return enterprise.status == "正常" and enterprise.registered.year < self.year - 4

    def not_a_number(self, sheet: SheetKind) -> None:
        column, item = {
            "税收": ("入库税收", "入库税收"),
            "用地": ("面积", "自有用地"),
            "用水": ("用水量", "用水量"),
            "统计": ("研发费用", "研发费用"),
        }[sheet]
        row = self.pick(sheet, lambda row: _has(row, column))
        value = _number(row, column).normalize()
        text = self.random.choice((f"约{value:f}", f"{value:,f}万", "待核实", f"{value:f}?", "见附件"))
        row.values[column] = AsText(text)
        self.note(sheet, row, column, "不是数字", "问题", (item,))

    def error_value(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: _has(row, "工业增加值"))
        row.values["工业增加值"] = AsText(self.random.choice(("#DIV/0!", "#REF!", "#N/A")))
        self.note(sheet, row, "工业增加值", "错误值", "问题", ("工业增加值",))

    def negative(self, sheet: SheetKind) -> None:
        column = {"用地": "面积", "排放": "COD排放量"}[sheet]
        items = {"用地": ("自有用地",), "排放": ("COD排放量", "主要污染物排放量")}[sheet]
        row = self.pick(sheet, lambda row: _has(row, column, over=0))
        row.values[column] = -_number(row, column)
        self.note(sheet, row, column, "负数", "问题", items)

    def unknown_choice(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: row.values["安全事故等级"] == "无")
        row.values["安全事故等级"] = self.random.choice(("轻微", "待查", "√"))
        self.note(sheet, row, "安全事故等级", "取值不认识", "问题", ("安全事故等级",))

    def impossible_date(self, sheet: SheetKind) -> None:
        row = self.pick(sheet, lambda row: True)
        row.values["注册日期"] = AsText("2019.2.30")
        self.note(sheet, row, "注册日期", "日期不存在", "问题", ("注册日期",))

    # shared meters

    def no_split(self, sheet: SheetKind) -> None:
        """A meter marked as shared for which nobody has sent a split."""
        row = self.pick(sheet, lambda row: _number(row, "用电量") > 1)
        row.values["性质"] = "公用"
        self.note(sheet, row, "户号", "公用电表无分摊", "问题", ("用电量",))

    def short_split(self, sheet: SheetKind) -> None:
        taken = {str(p.record.values["户号"]) for p in self.planted if p.sheet == sheet}
        rows = [row for row in self.records[sheet] if str(row.values["户号"]) not in taken]
        row = self.random.choice(rows)
        together = tuple(r.code for r in rows if r.values["户号"] == row.values["户号"] and r.code)
        row.values["比例"] = _number(row, "比例") - 10
        self.note(sheet, row, "比例", "分摊合计不足", "问题", ("用电量",), together)


MERGED = AsText("")
"""The cell is covered by the one above it."""


def _is_spoilt_by_excel(code: str) -> bool:
    """All digits, and what is left does not by chance pass for a code: one in 31 would."""
    left = (f"{code[:15]}000", str(int(float(f"{code[:15]}000")))) if code.isdigit() else ()
    return bool(left) and all(check_digit(other[:17]) != other[17] for other in left)


def _has(row: Record, column: str, over: int | None = None) -> bool:
    value = row.values[column]
    return isinstance(value, Decimal) and (over is None or value > over)


def _number(row: Record, column: str) -> Decimal:
    value = row.values[column]
    if not isinstance(value, Decimal):
        raise TypeError(f"{column} of {row.code} is not a number")
    return value
