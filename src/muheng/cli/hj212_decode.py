"""``muheng hj212 decode``: packets of HJ 212 read from a file or a stream, each with its verdict."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from muheng.cli.answer import Failure, Feed, Table
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, Message, say

if TYPE_CHECKING:
    from muheng.monitoring.hj212.decoding import Packet

CHUNK = 1 << 18
FEW = 5
"""So many packets are shown with all that they hold; more in a table."""
ROWS = 500
ANYBODY = "*"
Keys = Callable[[str], bytes | None]


def command(lang: Language) -> click.Command:
    return verb(
        "decode",
        lang,
        say(
            "逐包列出 HJ 212 报文的内容，说明按标准是否有效、为什么无效、宽松读取时能不能用。"
            "FILE 是报文或整段通讯记录的文件，- 是标准输入。"
        ),
        read_packets,
        click.Argument(["file"], metavar="FILE"),
        option(
            lang,
            "--keys",
            about=say(
                "密钥表：CSV 文件，每行一台设备的 MN 和 SM4 密钥（32 位十六进制）；MN 写 * 是其余各台。"
            ),
            metavar="CSV",
        ),
    )


def read_packets(file: str, keys: str | None, lang: Language) -> Feed:
    known = None if keys is None else _read_keys(Path(keys))
    # A file that is not there is said before anything is printed.
    stream = _open_input() if file == "-" else Path(file).open("rb")  # noqa: SIM115, read to its end below
    tally = _Tally()
    return Feed(
        lambda: _tell(_decode(stream, known, tally), tally, lang),
        lambda: _describe(_decode(stream, known, tally)),
    )


def _open_input() -> BinaryIO:
    if sys.stdin is None:
        raise Failure("file", say("没有打开标准输入。"), say("把报文送进来，或写出文件名。"))
    return sys.stdin.buffer


class _Tally:
    """What came by, counted while it goes."""

    def __init__(self) -> None:
        self.packets = self.valid = self.usable = self.noise = 0
        self.reasons: Counter[str] = Counter()


def _decode(stream: BinaryIO, keys: Keys | None, tally: _Tally) -> Iterator[Packet]:
    from muheng.monitoring.hj212.decoding import decode
    from muheng.monitoring.hj212.scanner import Scanner

    scanner = Scanner()
    # What a device sends is shown when it comes, not when a chunk is full.
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    with stream:
        while True:
            data = read(CHUNK)
            for frame in scanner.feed(data) if data else scanner.finish():
                packet = decode(frame, keys)
                tally.packets += 1
                tally.valid += packet.valid
                tally.usable += packet.usable
                tally.reasons.update(packet.reasons)
                yield packet
            if not data:
                break
    tally.noise = scanner.noise


def _describe(packets: Iterator[Packet]) -> Iterator[Mapping[str, Any]]:
    from muheng.monitoring.hj212.description import describe

    return map(describe, packets)


def _read_keys(path: Path) -> Keys:
    known: dict[str, bytes] = {}
    # Numbers and keys are ASCII; whatever else stands there in another encoding is refused by its row.
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
        try:
            (row,) = csv.reader([line])
            if not row or row[0].strip().upper() == "MN":
                continue
            mn, key = row[0].strip(), bytes.fromhex(row[1])
        except (ValueError, IndexError, csv.Error):
            mn, key = "", b""
        if not mn or len(key) != 16:
            raise Failure(
                "data",
                say("{file} 第 {row} 行不是设备和密钥。", file=path, row=number),
                say("每行写 MN 和 32 位十六进制的密钥，用逗号隔开。"),
            )
        known[mn] = key
    return lambda mn: known.get(mn, known.get(ANYBODY))


# -- for a person ----------------------------------------------------------------------------------------------------


def _tell(packets: Iterator[Packet], tally: _Tally, lang: Language) -> Iterator[str | Table]:
    first = list(islice(packets, FEW + 1))
    if len(first) <= FEW:
        for packet in first:
            if packet is not first[0]:
                yield ""
            yield from _tell_one(packet, lang)
    else:
        rest = chain(first, packets)
        while rows := [_row(packet, lang) for packet in islice(rest, ROWS)]:
            yield Table([each.render(lang) for each in _HEADERS], rows, texts=len(_HEADERS))
    yield ""
    for line in _sum_up(tally):
        yield line.render(lang)


_HEADERS = (say("位置"), say("版本"), say("时间"), say("设备"), say("内容"), say("结论"))


def _row(packet: Packet, lang: Language) -> list[str]:
    from muheng.monitoring.hj212.decoding import find

    return [
        str(packet.frame.offset),
        str(packet.version or "?"),
        _clock(packet.cp.get("DataTime") or find(packet.header, "QN")),
        find(packet.header, "MN"),
        _name_command(packet).render(lang),
        _verdict(packet).render(lang),
    ]


def _name_command(packet: Packet) -> Message:
    from muheng.monitoring.hj212.decoding import find
    from muheng.monitoring.hj212.tables import codes

    code = find(packet.header, "CN")
    known = codes("command").get(code)
    return (
        say("{code} {name}", code=code, name=Message(known.name))
        if known
        else say("{code} 未知命令", code=code)
    )


def _clock(text: str) -> str:
    from muheng.monitoring.hj212.moments import read_moment

    moment = read_moment(text)
    return text if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _verdict(packet: Packet) -> Message:
    from muheng.monitoring.hj212.words import FORGIVEN, explain_reasons

    if packet.valid:
        return say("有效") if packet.usable else say("有效，但没有命令编码")
    if packet.usable:
        return say("无效，可用：{how}", how=_together([FORGIVEN[each] for each in packet.forgiven]))
    return say("无效：{why}", why=_together(explain_reasons(packet)))


def _together(messages: list[Message]) -> Message:
    if len(messages) == 1:
        return messages[0]
    return say("{first} {rest}", first=messages[0], rest=_together(messages[1:]))


def _tell_one(packet: Packet, lang: Language) -> Iterator[str | Table]:
    from muheng.monitoring.hj212.remarks import remark
    from muheng.monitoring.hj212.tables import find_factor, name_system

    frame = packet.frame
    title = say(
        "位置 {offset} · {version} 年版 · {command}",
        offset=frame.offset,
        version=packet.version or "?",
        command=_name_command(packet),
    )
    yield title.render(lang)
    yield "  " + _verdict(packet).render(lang)
    yield from ("  " + each.what.render(lang) for each in remark(packet))
    items = [*packet.header.items(), *packet.cp.items()]
    if items:
        about = {"ST": Message(name_system(packet.header.get("ST", "")) or "").render(lang)}
        yield Table(
            [each.render(lang) for each in (say("名称"), say("值"), say("说明"))],
            [[name, value, about.get(name, "")] for name, value in items],
            texts=3,
        )
    if packet.factors:
        suffixes = list(dict.fromkeys(suffix for each in packet.factors.values() for suffix in each))
        rows = []
        for code, values in packet.factors.items():
            factor = find_factor(code)
            known = ("", "") if factor is None else (factor.name, factor.unit)
            rows.append([code, *known, *(values.get(suffix, "") for suffix in suffixes)])
        headers = [each.render(lang) for each in (say("因子"), say("名称"), say("单位"))]
        yield Table([*headers, *suffixes], rows, texts=3)


def _sum_up(tally: _Tally) -> Iterator[Message]:
    if not tally.packets:
        yield say("没有找到报文。")
    else:
        yield say(
            "共 {packets} 包：有效 {valid}，可用 {usable}，不能用 {bad}。",
            packets=f"{tally.packets:,}",
            valid=f"{tally.valid:,}",
            usable=f"{tally.usable:,}",
            bad=f"{tally.packets - tally.usable:,}",
        )
    if tally.noise:
        yield say("另有 {noise} 字节不属于任何报文。", noise=f"{tally.noise:,}")
