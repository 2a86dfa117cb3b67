"""The allow-list ``devices.csv``: which devices may send, by which password and key, and which point each is.

Read whole or refused whole, with every problem by line and column. Who owns a device is not known here.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import Message, Refusal, say

FILE = "devices.csv"
COLUMNS = ("mn", "password", "point", "edition", "key", "realtime_seconds", "minute_interval")
NEEDED = ("mn", "password")
MINUTE_INTERVALS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
"""That HJ 212-2017 allows."""
FEWEST_SECONDS, MOST_SECONDS = 30, 3600
USUAL_MINUTES = 10
EDITIONS = (2005, 2017, 2025)
_MN = {
    0: re.compile(r"[0-9A-Za-z-]{1,24}"),
    2005: re.compile(r"[0-9A-Za-z]{14}"),
    2017: re.compile(r"[0-9A-F]{24}"),
    2025: re.compile(r"[0-9A-F]{24}"),
}
_BY_EXCEL = re.compile(r"[0-9][.,]?[0-9]*[Ee]\+[0-9]+")
_PASSWORD = re.compile(r"[!-~]{6}")
_SEPARATORS = frozenset(";,=&#")
_KEY = re.compile(r"[0-9A-Fa-f]{32}")


@dataclass(frozen=True)
class Device:
    """``edition`` 0: whichever it sends in. ``realtime_seconds`` 0: left as it is. ``key``: of SM4."""

    mn: str
    password: str
    point: str = ""
    edition: int = 0
    key: bytes | None = None
    realtime_seconds: int = 0
    minute_interval: int = USUAL_MINUTES


class DevicesRefused(Refusal):
    """The list cannot be used; ``problems`` are in the order of the file."""

    def __init__(self, problems: list[Diagnostic]) -> None:
        super().__init__(
            say("设备表有 {count} 处错误，没有采用。", count=len(problems)), say("逐条改正后重新保存。")
        )
        self.problems = problems


def read_devices(path: Path) -> dict[str, Device]:
    """By MN, in the file's order. Raises DevicesRefused, and OSError where the file cannot be read."""
    text = _read_text(path)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    problems: list[Diagnostic] = []
    devices: dict[str, Device] = {}
    lines: dict[str, int] = {}

    def refuse(line: int, column: str, what: Message, fix: Message) -> None:
        problems.append(Diagnostic("error", path.name, line, column, what, fix))

    try:
        columns = [name.strip() for name in next(rows, [])]
        for problem in _check_columns(columns):
            refuse(1, *problem)
        if problems:
            raise DevicesRefused(problems)
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            line = rows.line_num
            if len(row) > len(columns):
                what = say("这一行有 {count} 格，表头只有 {due} 格。", count=len(row), due=len(columns))
                refuse(line, "", what, say("多半是多了逗号。"))
                continue
            cells = dict(zip(columns, (cell.strip() for cell in row), strict=False))
            device, found = read_device(cells)
            for problem in found:
                refuse(line, *problem)
            if device.mn in lines:
                what = say("设备 {mn} 在第 {line} 行已经有了。", mn=device.mn, line=lines[device.mn])
                refuse(line, "mn", what, say("一台设备只写一行。"))
            if device.mn:
                lines.setdefault(device.mn, line)
            devices[device.mn] = device
    except csv.Error:
        refuse(rows.line_num, "", say("这一行不是 CSV。"), say("多半是引号没有成对。"))
    if problems:
        raise DevicesRefused(problems)
    return devices


def write_devices(path: Path, devices: Iterable[Device]) -> None:
    """By MN, so that the same devices give the same bytes; put in the place of the old file at one stroke."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for each in sorted(devices, key=lambda device: device.mn):
        rows.writerow(
            [
                each.mn,
                each.password,
                each.point,
                each.edition or "",
                "" if each.key is None else each.key.hex(),
                each.realtime_seconds or "",
                each.minute_interval,
            ]
        )
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)  # passwords and keys are nobody else's
    new.write_text(text.getvalue(), encoding="utf-8", newline="")
    new.replace(path)


def _read_text(path: Path) -> str:
    data = path.read_bytes()
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data:
            raise UnicodeDecodeError("utf-8", data[:2], 0, 1, "UTF-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fix = say("在表格软件里另存为“CSV UTF-8”。")
        what = say("文件不是 UTF-8 编码。")
        raise DevicesRefused([Diagnostic("error", path.name, line, "", what, fix)]) from error


_Problem = tuple[str, Message, Message]
"""Column, what is wrong, how to mend it."""


def _check_columns(columns: list[str]) -> Iterator[_Problem]:
    order = ",".join(COLUMNS)
    for name in NEEDED:
        if name not in columns:
            yield name, say("缺少列 {name}。", name=name), say("第一行写表头：{columns}", columns=order)
    for name in dict.fromkeys(columns):
        if name not in COLUMNS:
            yield name, say("没有“{name}”这一列。", name=name), say("第一行写表头：{columns}", columns=order)
        elif columns.count(name) > 1:
            yield name, say("列 {name} 出现了不止一次。", name=name), say("每列只留一个。")


def read_device(cells: Mapping[str, str]) -> tuple[Device, list[_Problem]]:
    """One device by its cells, and what is wrong with them: column, what, how to mend it."""
    problems: list[_Problem] = []
    edition = _read_number(cells, "edition", EDITIONS, 0, problems)
    device = Device(
        cells.get("mn", ""),
        cells.get("password", ""),
        cells.get("point", ""),
        edition,
        _read_key(cells, problems),
        _read_number(cells, "realtime_seconds", range(FEWEST_SECONDS, MOST_SECONDS + 1), 0, problems),
        _read_number(cells, "minute_interval", MINUTE_INTERVALS, USUAL_MINUTES, problems),
    )
    problems[:0] = [*_check_mn(device), *_check_password(device.password)]
    return device, problems


def _check_mn(device: Device) -> Iterator[_Problem]:
    mn, edition = device.mn, device.edition
    if _BY_EXCEL.fullmatch(mn):
        yield (
            "mn",
            say("“{mn}”是表格软件把 MN 当成数字改写过的，原来的数字已经丢了。", mn=mn),
            say("把这一列设成文本格式，再重新填写 MN。"),
        )
    elif not mn:
        yield "mn", say("没有写 MN。"), say("填写设备唯一标识。")
    elif _MN[edition].fullmatch(mn) is None and edition == 2005:
        yield (
            "mn",
            say("MN“{mn}”不是 14 位字母和数字。", mn=mn),
            say("照设备里的填写；设备确实不按 2005 年版的写法，就把 edition 留空。"),
        )
    elif _MN[edition].fullmatch(mn) is None and edition:
        yield (
            "mn",
            say("MN“{mn}”有 {count} 位，不是 24 位的 0-9、A-F。", mn=mn, count=len(mn)),
            say("照设备里的填写；设备确实不按标准的写法，就把 edition 留空。"),
        )
    elif _MN[edition].fullmatch(mn) is None:
        yield (
            "mn",
            say("MN“{mn}”里有不该有的字符，或超过 24 位。", mn=mn),
            say("只能用字母、数字和短横线，不超过 24 位。"),
        )


def _check_password(password: str) -> Iterator[_Problem]:
    if _PASSWORD.fullmatch(password) is None or _SEPARATORS & set(password):
        yield (
            "password",
            say("密码有 {count} 位，或有不能用的字符。", count=len(password)),
            say("密码是 6 位字母、数字，与设备里的 PW 相同；开头的 0 不要丢。"),
        )


def _read_key(cells: Mapping[str, str], problems: list[_Problem]) -> bytes | None:
    text = cells.get("key", "")
    if not text:
        return None
    if _KEY.fullmatch(text) is None:
        what = say("密钥有 {count} 位，不是 32 位十六进制。", count=len(text))
        problems.append(("key", what, say("照设备的 SM4 密钥填写；不加密的留空。")))
        return None
    return bytes.fromhex(text)


def _read_number(
    cells: Mapping[str, str],
    column: str,
    allowed: range | tuple[int, ...],
    default: int,
    problems: list[_Problem],
) -> int:
    text = cells.get(column, "")
    if not text:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 4 and int(text) in allowed:
        return int(text)
    if isinstance(allowed, range):
        choices = say("{low} 到 {high}", low=allowed.start, high=allowed.stop - 1)
    else:
        choices = say("{choices}", choices="、".join(map(str, allowed)))
    problems.append(
        (
            column,
            say("“{found}”不能用。", found=text),
            say("{column} 只能是 {choices}，或留空。", column=column, choices=choices),
        )
    )
    return default
