"""What departs from the text of the standards without spoiling the packet: told, never held against it.

The verdict on length and checksum is ``decoding``'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from muheng.documents.message import Message, say
from muheng.monitoring.hj212.decoding import Packet, find
from muheng.monitoring.hj212.frame import LONGEST_SEGMENT, OPEN
from muheng.monitoring.hj212.moments import read_moment
from muheng.monitoring.hj212.tables import codes, name_system

_MN = {
    2005: re.compile(r"[0-9A-Za-z]{14}"),
    2017: re.compile("[0-9A-F]{24}"),
    2025: re.compile("[0-9A-F]{24}"),
}
_TIMES = ("DataTime", "BeginTime", "EndTime", "SystemTime", "RestartTime")


@dataclass(frozen=True)
class Remark:
    code: str
    what: Message


def remark(packet: Packet) -> list[Remark]:
    """In the order of the packet."""
    return [
        *_remark_frame(packet),
        *_remark_header(packet),
        *_remark_parts(packet),
        *_remark_times(packet),
        *_remark_flags(packet),
    ]


def _remark_frame(packet: Packet) -> Iterator[Remark]:
    frame = packet.frame
    if len(frame.segment) > LONGEST_SEGMENT:
        yield Remark(
            "segment_long",
            say(
                "数据段有 {size} 字节，超过 {most}，应当分包。", size=len(frame.segment), most=LONGEST_SEGMENT
            ),
        )
    if frame.sent_crc != frame.sent_crc.upper():
        yield Remark("crc_lower", say("校验码用了小写字母。"))
    if OPEN not in frame.segment:
        yield Remark("no_contents", say("没有数据区 CP=&&…&&。"))
    if packet.cipher == "example":
        yield Remark("example_key", say("用标准示例里的密钥加密，谁都能读，等于没有加密。"))
    if packet.encoding != "utf-8":
        yield Remark("encoding", say("文字不是 UTF-8，按 {encoding} 读取。", encoding=packet.encoding))


def _remark_header(packet: Packet) -> Iterator[Remark]:
    header = packet.header
    for key in header:
        if key != key.strip(" ,") or (key.upper() == "FLAG" and key != "Flag"):
            yield Remark("key", say("“{key}”写法不合标准。", key=key))
    if packet.version is None:
        yield Remark("version", say("Flag={flag} 里的版本还没有标准规定。", flag=find(header, "Flag")))
    pattern = _MN.get(packet.version or 0)
    if pattern is not None and pattern.fullmatch(find(header, "MN")) is None:
        yield Remark(
            "mn",
            say(
                "设备唯一标识 MN“{mn}”不合 {version} 年版的写法。",
                mn=find(header, "MN"),
                version=packet.version,
            ),
        )
    command = codes("command").get(find(header, "CN"))
    if command is None:
        yield Remark("command", say("命令编码 CN“{code}”不在标准里。", code=find(header, "CN")))
    elif packet.version is not None and packet.version not in command.editions:
        yield Remark(
            "command_edition",
            say("命令 {code} 不在 {version} 年版里。", code=command.code, version=packet.version),
        )
    if name_system(find(header, "ST")) is None:
        yield Remark("system", say("系统编码 ST“{code}”不在标准里。", code=find(header, "ST")))
    if find(header, "RF") not in ("", "1"):
        yield Remark("backfill", say("补传标志 RF 只能是 1，写的是“{found}”。", found=find(header, "RF")))


def _remark_parts(packet: Packet) -> Iterator[Remark]:
    split, numbered = bool(packet.flag & 2), bool(find(packet.header, "PNUM") or find(packet.header, "PNO"))
    if split and not numbered:
        yield Remark("parts_missing", say("Flag 说有分包，却没有 PNUM、PNO。"))
    if numbered and not split:
        yield Remark("parts_unflagged", say("有 PNUM、PNO，Flag 却没有说分包。"))


def _remark_times(packet: Packet) -> Iterator[Remark]:
    qn = find(packet.header, "QN")
    if qn and (len(qn) != 17 or read_moment(qn) is None):
        yield Remark("qn", say("请求编码 QN“{qn}”不是 17 位的时间。", qn=qn))
    for name in _TIMES:
        text = packet.cp.get(name, "")
        if text and read_moment(text) is None:
            yield Remark("time", say("{name}“{text}”不是存在的时间。", name=name, text=text))
        elif len(text) == 17:
            yield Remark("time_long", say("{name}“{text}”带了毫秒，应为 14 位。", name=name, text=text))


def _remark_flags(packet: Packet) -> Iterator[Remark]:
    known = codes("data_flag")
    strange = {items["Flag"] for items in packet.factors.values() if items.get("Flag", "N") not in known}
    for flag in sorted(strange):
        yield Remark("data_flag", say("数据标记“{flag}”不在标准里。", flag=flag))
