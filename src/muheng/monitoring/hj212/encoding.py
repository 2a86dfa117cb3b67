"""Packets written: what a device uploads, what a host asks, and the answers of both, for each edition.

The caller gives times and numbers; nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from muheng.documents.message import Refusal, say
from muheng.monitoring.hj212.crc import compute_crc_text
from muheng.monitoring.hj212.decoding import EDITIONS, Packet, find
from muheng.monitoring.hj212.frame import CLOSE, LONGEST, LONGEST_SEGMENT, OPEN
from muheng.monitoring.hj212.items import is_open
from muheng.monitoring.hj212.moments import write_qn
from muheng.monitoring.hj212.sm4 import encipher

END = b"\r\n"
MOST_CONTENTS = {2005: 960, 2017: 950, 2025: 950}
"""Bytes of CP that one packet may hold; more has to be split."""
SYSTEM = "91"
"""ST of exchanges between host and device."""
_FLAGS = {edition: bits << 2 for bits, edition in EDITIONS.items()}
NEEDS_ANSWER, IN_PARTS = 1, 2
_NUMBERS = "Flag=11;PNUM=0099;PNO=0099;"


def encode(header: Mapping[str, str], contents: str = "", key: bytes | None = None) -> bytes:
    """The bytes of one packet, in the header's order. ``key``: enciphered with SM4.

    Raises Refusal for what cannot be written: a separator inside a header's value, contents that are too long.
    """
    for name, value in header.items():
        if any(sign in name + value for sign in ";=&\r\n") or not (name + value).isascii():
            raise Refusal(say("{name}“{value}”里有不能写的字符。", name=name, value=value))
    before = "".join(f"{name}={value};" for name, value in header.items()).encode("ascii") + OPEN
    content = contents.encode()
    plain = before + content + CLOSE
    if len(plain) > LONGEST:
        raise Refusal(
            say("数据段有 {size} 字节，最多 {most} 字节。", size=len(plain), most=LONGEST),
            say("请分包发送。"),
        )
    wire = plain if key is None else before + encipher(content, key) + CLOSE
    return b"##%04d" % len(plain) + wire + compute_crc_text(plain) + END


def write_contents(cp: Mapping[str, str], factors: Mapping[str, Mapping[str, str]]) -> str:
    """Items without a factor, then one group for each factor. Raises Refusal for a value that would be read as more."""
    return ";".join(_groups(cp, factors))


def _groups(cp: Mapping[str, str], factors: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, value in cp.items():
        yield _item(name, value)
    for code, items in factors.items():
        yield ",".join(_item(f"{code}-{suffix}", value) for suffix, value in items.items())


def _item(name: str, value: str) -> str:
    signs = any(sign in name for sign in ";,=&\r\n") or any(sign in value for sign in ";,&\r\n")
    if not name or signs or is_open(value):
        raise Refusal(say("“{name}={value}”里有不能写的字符。", name=name, value=value))
    return f"{name}={value}"


def upload(
    header: Mapping[str, str],
    edition: int,
    cp: Mapping[str, str],
    factors: Mapping[str, Mapping[str, str]],
    key: bytes | None = None,
    numbers: Sequence[datetime] = (),
) -> list[bytes]:
    """What a device sends: one packet, or as many parts as its factors need, DataTime in each.

    ``header`` has QN, ST, CN, PW and MN; Flag, PNUM and PNO are added. ``numbers`` are the moments of the parts' QN after
    the first; the first one's is used for all where there are none.
    """
    around = (
        sum(len(f"{name}={value};") for name, value in header.items()) + len(_NUMBERS) + len(OPEN + CLOSE)
    )
    parts = list(_split(cp, factors, min(MOST_CONTENTS[edition], LONGEST_SEGMENT - around)))
    flag = _FLAGS[edition] | NEEDS_ANSWER
    tail = {name: header[name] for name in ("RF",) if name in header}
    first = {name: value for name, value in header.items() if name not in tail}
    if len(parts) == 1:
        return [encode({**first, "Flag": str(flag), **tail}, parts[0], key)]
    width = 4 if edition == 2005 else 1
    packets = []
    for number, part in enumerate(parts, 1):
        numbered = {
            "Flag": str(flag | IN_PARTS),
            "PNUM": f"{len(parts):0{width}d}",
            "PNO": f"{number:0{width}d}",
        }
        own = {"QN": write_qn(numbers[number - 2])} if number > 1 and len(numbers) >= number - 1 else {}
        packets.append(encode({**first, **own, **numbered, **tail}, part, key))
    return packets


def _split(cp: Mapping[str, str], factors: Mapping[str, Mapping[str, str]], most: int) -> Iterator[str]:
    """Whole factors in each part; one that fits in none is refused."""
    plain = ";".join(_groups(cp, {}))
    room = most - len(plain.encode()) - 1
    part: list[str] = []
    for group in _groups({}, factors):
        if len(group.encode()) > room:
            raise Refusal(say("一个因子的数据有 {size} 字节，一包装不下。", size=len(group.encode())))
        if part and len(";".join([*part, group]).encode()) > room:
            yield ";".join([plain, *part] if plain else part)
            part = []
        part.append(group)
    yield ";".join(each for each in (plain, *part) if each)


# -- answers ---------------------------------------------------------------------------------------------------------


def acknowledge(packet: Packet, key: bytes | None = None) -> bytes:
    """The answer to an upload (9014) or a notice (9013, heartbeats too), in the edition of the packet.

    In 2005 it names the request inside CP, and the part; later it carries the request's own QN.
    """
    header = packet.header
    notice = find(header, "CN") in ("1013", "2012", "2022", "2072", "9015")
    reply = {"ST": SYSTEM, "CN": "9013" if notice else "9014"}
    qn = find(header, "QN")
    if packet.version in (2017, 2025):
        sender = {name: find(header, name) for name in ("PW", "MN")}
        return encode({"QN": qn, **reply, **sender, "Flag": str(_FLAGS[packet.version])}, "", key)
    about = {"QN": qn, "CN": find(header, "CN")}
    parts = {name: find(header, name) for name in ("PNUM", "PNO") if find(header, name)}
    named = {name: value for name, value in (about | parts).items() if value}
    return encode(reply, write_contents(named, {}))


def request(
    header: Mapping[str, str], edition: int, cp: Iterable[tuple[str, str]] = (), key: bytes | None = None
) -> bytes:
    """What a host asks, with an answer wanted. ``header`` has QN, ST, CN, PW and MN."""
    flag = str(_FLAGS[edition] | NEEDS_ANSWER)
    return encode({**header, "Flag": flag}, ";".join(_item(name, value) for name, value in cp), key)


def answer_request(asked: Packet, result: int, key: bytes | None = None) -> bytes:
    """9011: whether a request will be carried out (QnRtn)."""
    return _answer(asked, "9011", {"QnRtn": str(result)}, key)


def tell_result(asked: Packet, result: int, key: bytes | None = None) -> bytes:
    """9012: how carrying out a request went (ExeRtn)."""
    return _answer(asked, "9012", {"ExeRtn": str(result)}, key)


def _answer(asked: Packet, command: str, cp: Mapping[str, str], key: bytes | None) -> bytes:
    header = asked.header
    common = {"ST": SYSTEM, "CN": command, "PW": find(header, "PW"), "MN": find(header, "MN")}
    qn = find(header, "QN")
    if asked.version in (2017, 2025):
        return encode({"QN": qn, **common, "Flag": str(_FLAGS[asked.version])}, write_contents(cp, {}), key)
    return encode({**common, "Flag": "0"}, write_contents({"QN": qn} | dict(cp) if qn else cp, {}))
