"""What a department's workbook should look like: sheets, columns with their aliases, units and rules.

A layout is a TOML file of a city pack. It is recognised by the columns in a sheet's header, never by a file
name. This module reads and checks layouts; it opens no workbook.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Refusal, say
from muheng.documents.schema import Number, validate
from muheng.documents.toml_file import read_toml
from muheng.intake.facts import Item
from muheng.standards.units import Unit, UnknownUnit, default_digits, parse_unit

ColumnType = Literal["信用代码", "名称", "数字", "文本", "日期", "标签"]
Repeat = Literal["相加", "取首", "取最大", "拼接"]

_ITEM_KINDS: dict[str, Literal["number", "text", "date", "tags"]] = {
    "数字": "number",
    "文本": "text",
    "日期": "date",
    "标签": "tags",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One column of a sheet; its key in the table is the canonical header."""

    type: ColumnType = Field(description="列的类型。信用代码、名称用来认企业，其余是数据。")
    aliases: tuple[str, ...] = Field(
        (), description="表头可能写成的其他样子；空格、全半角、括号里的单位不必列出。"
    )
    required: bool = Field(False, description="没有这一列就不是这张表。")
    item: str | None = Field(None, description="作为哪个项目进入事实；不写则只读不用。")
    unit: str | None = Field(
        None, description="数字列的单位；表头括号里写了同量纲的另一单位时，精确换算到本单位。"
    )
    digits: Annotated[int, Field(ge=0, le=8)] | None = Field(
        None, description="数字保留的小数位；多出的四舍五入并提示。不写则按单位取默认位数。"
    )
    basis: Literal["等价值", "当量值"] | None = Field(None, description="综合能耗的口径，只用于 tce。")
    repeat: Repeat | None = Field(
        None, description="同一企业有几行时怎样合成一个数；不写表示不应重复，数值不同就列为问题。"
    )
    by: str | None = Field(None, description="取最大时按哪一列比大小；不写就按本列。")
    negative: Literal["允许", "提示", "拒绝"] = Field("拒绝", description="负数怎样处理。")
    range: tuple[Number, Number] | None = Field(
        None, description="一家企业一年可信的最小值和最大值（本列单位）；不写则按单位取默认范围。"
    )
    values: dict[str, tuple[str, ...]] | None = Field(
        None, description="文本列允许的取值及其别名；其他取值列为问题。"
    )
    parcel: bool = Field(False, description="宗地号列：几家企业共用一宗地时列出。")

    @property
    def scale(self) -> int:
        """Decimal digits kept in the column's own unit; 0 for what is not a number."""
        if self.digits is not None:
            return self.digits
        return default_digits(self.parsed_unit) if self.type == "数字" else 0

    @property
    def parsed_unit(self) -> Unit:
        return parse_unit(self.unit or "1")

    def describe_item(self) -> Item | None:
        """The item that this column gives, or None when it gives none."""
        if self.item is None:
            return None
        if self.type == "数字":
            return Item(self.item, "number", self.unit, self.scale, self.basis)
        return Item(self.item, _ITEM_KINDS[self.type])

    @model_validator(mode="after")
    def _check(self) -> Self:
        number = self.type == "数字"
        if number and self.unit is None:
            raise Refusal(say("数字列没有写单位。"), say('加 unit，例如 unit = "万元"。'))
        for key, value in (("unit", self.unit), ("digits", self.digits), ("range", self.range)):
            if value is not None and not number:
                raise Refusal(say("{key} 只用于数字列。", key=key), say("去掉 {key}。", key=key), at=(key,))
        if self.unit is not None:
            try:
                parse_unit(self.unit)
            except UnknownUnit as error:
                raise Refusal(say("不认识的单位“{unit}”。", unit=self.unit), at=("unit",)) from error
        if self.basis is not None and self.unit not in ("tce", "吨标准煤", "kgce"):
            raise Refusal(say("basis 只用于以标准煤计的列。"), at=("basis",))
        if self.values is not None and self.type != "文本":
            raise Refusal(say("values 只用于文本列。"), at=("values",))
        if self.item is not None and self.type in ("信用代码", "名称"):
            raise Refusal(say("信用代码和名称用来认企业，不作为项目。"), say("去掉 item。"), at=("item",))
        if self.repeat == "相加" and not number:
            raise Refusal(say("只有数字列可以相加。"), say("文本和标签用“拼接”或“取首”。"), at=("repeat",))
        if self.repeat == "拼接" and self.type not in ("文本", "标签"):
            raise Refusal(say("只有文本列和标签列可以拼接。"), at=("repeat",))
        if self.by is not None and self.repeat != "取最大":
            raise Refusal(say('by 只和 repeat = "取最大" 一起用。'), at=("by",))
        return self


class Count(_Strict):
    """How many different counterparties an enterprise has on a sheet of contracts."""

    of: str = Field(description="数哪一方：subjects 里的另一方。")
    when: str | None = Field(None, description="只数这个项目等于 is 的企业；项目取自名单。")
    is_: str | None = Field(None, alias="is", description="when 的取值。")


class Subject(_Strict):
    """One of the parties that a row names."""

    code: str | None = Field(None, description="这一方的信用代码列。")
    name: str | None = Field(None, description="这一方的名称列。")
    gives: dict[str, str] = Field(default_factory=dict, description="项目名 = 取自哪一个数字列；几行相加。")
    counts: dict[str, Count] = Field(default_factory=dict, description="项目名 = 数多少个不同的对方。")
    outside: tuple[str, ...] = Field(
        (), description="名称以这些字结尾的不是企业（村、街道等），不给数据也不算问题。"
    )


class Period(_Strict):
    """When a contract counts for the year."""

    start: str
    end: str
    counted: Literal["年末有效", "年内有效"] = Field(
        description="年末有效：12月31日在租期内；年内有效：租期与当年有任何重合。"
    )


class Meter(_Strict):
    """Meters that several enterprises may share."""

    number: str = Field(description="户号列。")
    kind: str | None = Field(None, description="写明专用还是公用的列。")
    shared: tuple[str, ...] = Field((), description="kind 列里哪些字表示公用。")
    split: str = Field(description="分摊在本布局的哪一张表。")


class Share(_Strict):
    """A sheet that says what part of a shared meter each enterprise uses."""

    number: str
    part: str


class Sum(_Strict):
    """An item added up from others of the sheet; missing only when all of them are missing."""

    of: tuple[str, ...] = Field(description="由哪些列相加。")


class Sheet(_Strict):
    """One kind of sheet that a department sends."""

    names: tuple[str, ...] = Field((), description="工作表常用的名字；只在表头分不清时用。")
    columns: dict[str, Column] = Field(description="列名 = 列的声明。")
    roster: bool = Field(False, description="这是评价名单。")
    subjects: dict[str, Subject] = Field(
        default_factory=dict, description="一行涉及几方时，各方是谁、各得什么。"
    )
    sums: dict[str, Sum] = Field(default_factory=dict, description="由几列相加得到的项目。")
    period: Period | None = None
    meter: Meter | None = None
    share: Share | None = None
    expects: tuple[str, ...] = Field((), description="名单上的企业至少要有其中一个项目，否则提示。")

    def find_column(self, kind: ColumnType) -> str | None:
        """The first column of a type."""
        return next((name for name, column in self.columns.items() if column.type == kind), None)

    def parties(self) -> dict[str, Subject]:
        """The declared subjects, or the one that an ordinary sheet has (its role is the empty string)."""
        if self.subjects:
            return dict(self.subjects)
        return {"": Subject(code=self.find_column("信用代码"), name=self.find_column("名称"))}

    @model_validator(mode="after")
    def _check(self) -> Self:
        def need(column: str | None, kinds: tuple[str, ...], at: tuple[str | int, ...]) -> None:
            if column is None:
                return
            if column not in self.columns:
                raise Refusal(say("没有名为“{column}”的列。", column=column), at=at)
            if self.columns[column].type not in kinds:
                raise Refusal(say("“{column}”应是{kinds}列。", column=column, kinds="、".join(kinds)), at=at)

        if not any(column.type in ("信用代码", "名称") for column in self.columns.values()):
            raise Refusal(say("表里没有信用代码列，也没有名称列，无法认出企业。"), at=("columns",))
        if self.roster and (self.find_column("信用代码") is None or self.find_column("名称") is None):
            raise Refusal(say("名单要同时有信用代码列和名称列。"), at=("columns",))
        owners: dict[str, str] = {}
        for name, column in self.columns.items():
            need(column.by, ("数字",), ("columns", name, "by"))
            for header in (name, *column.aliases):
                key = header_key(header)
                if owners.setdefault(key, name) != name:
                    raise Refusal(
                        say(
                            "表头“{header}”同时属于“{one}”和“{other}”。",
                            header=header,
                            one=owners[key],
                            other=name,
                        ),
                        at=("columns", name, "aliases"),
                    )
        for role, subject in self.subjects.items():
            need(subject.code, ("信用代码",), ("subjects", role, "code"))
            need(subject.name, ("名称",), ("subjects", role, "name"))
            for item, column_name in subject.gives.items():
                need(column_name, ("数字",), ("subjects", role, "gives", item))
            for item, count in subject.counts.items():
                if count.of not in self.subjects or count.of == role:
                    raise Refusal(
                        say("没有名为“{role}”的另一方。", role=count.of),
                        at=("subjects", role, "counts", item),
                    )
                if (count.when is None) != (count.is_ is None):
                    raise Refusal(say("when 和 is 要一起写。"), at=("subjects", role, "counts", item))
        for item, total in self.sums.items():
            if not total.of:
                raise Refusal(say("没有写由哪些列相加。"), at=("sums", item, "of"))
            for column_name in total.of:
                need(column_name, ("数字",), ("sums", item, "of"))
            if any(self.columns[name].item is None for name in total.of):
                raise Refusal(say("相加的各列都要有 item，否则说不出出处。"), at=("sums", item, "of"))
            first = self.columns[total.of[0]]
            if any(
                (self.columns[name].unit, self.columns[name].scale) != (first.unit, first.scale)
                for name in total.of
            ):
                raise Refusal(say("相加的各列单位和小数位要相同。"), at=("sums", item, "of"))
        if self.period is not None:
            need(self.period.start, ("日期",), ("period", "start"))
            need(self.period.end, ("日期",), ("period", "end"))
        if self.meter is not None:
            need(self.meter.number, ("文本",), ("meter", "number"))
            need(self.meter.kind, ("文本",), ("meter", "kind"))
        if self.share is not None:
            need(self.share.number, ("文本",), ("share", "number"))
            need(self.share.part, ("数字",), ("share", "part"))
        return self

    def items(self) -> dict[str, Item]:
        """Every item that this sheet can give, by name."""
        found: dict[str, Item] = {}
        for column in self.columns.values():
            item = column.describe_item()
            if item is not None:
                found[item.name] = item
        for subject in self.subjects.values():
            for name, source in subject.gives.items():
                column = self.columns[source]
                found[name] = Item(name, "number", column.unit, column.scale, column.basis)
            for name in subject.counts:
                found[name] = Item(name, "number", "户", 0)
        for name, total in self.sums.items():
            column = self.columns[total.of[0]]
            found[name] = Item(name, "number", column.unit, column.scale, column.basis)
        return found


class Layout(_Strict):
    """What one department sends: one or more kinds of sheet, in one workbook or several."""

    id: str = Field(
        pattern=r"^[a-z][a-z0-9-]*$", description="布局的代号；城市包里同一代号的文件替换通用的。"
    )
    name: str = Field(description="布局的名字。")
    department: str = Field(description='提供的部门；政策里 from = "税务" 指它。')
    source: str | None = Field(None, description="依据的文件或来函。")
    sheet: dict[str, Sheet] = Field(description="表名 = 表的声明。")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, sheet in self.sheet.items():
            if sheet.meter is not None:
                split = self.sheet.get(sheet.meter.split)
                if split is None or split.share is None:
                    raise Refusal(
                        say("“{sheet}”不是有 share 的表。", sheet=sheet.meter.split),
                        at=("sheet", name, "meter", "split"),
                    )
        return self

    def items(self) -> dict[str, Item]:
        return {name: item for sheet in self.sheet.values() for name, item in sheet.items().items()}


def header_key(text: str) -> str:
    """A header as it is compared: half width, no spaces, lower case."""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def load_layouts(paths: Iterable[Path]) -> tuple[list[Layout], list[Diagnostic]]:
    """Read layouts in order; a later file with the same id takes the place of the earlier one.

    A file with errors gives diagnostics and no layout. Two layouts that give the same item are an error,
    because nobody could say which figure counts.
    """
    layouts: dict[str, Layout] = {}
    diagnostics: list[Diagnostic] = []
    names: dict[str, str] = {}
    for path in paths:
        file, found = read_toml(path)
        diagnostics += found
        if file is None:
            continue
        layout, found = validate(file, Layout)
        diagnostics += found
        if layout is not None:
            layouts[layout.id] = layout
            names[layout.id] = file.name
    owners: dict[str, str] = {}
    for layout in layouts.values():
        for item in layout.items():
            other = owners.setdefault(item, layout.id)
            if other != layout.id:
                diagnostics.append(
                    Diagnostic(
                        "error",
                        names[layout.id],
                        None,
                        item,
                        say("项目“{item}”在布局“{other}”里已有。", item=item, other=other),
                        say("改其中一个 item 的名字。"),
                    )
                )
    return list(layouts.values()), diagnostics
