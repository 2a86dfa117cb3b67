"""A frame read: the standard's verdict with its reasons, and beside it what a lenient reader may use and had to forgive.

``valid`` is what the standard asks of the wire: four digits of length that are right, and the checksum. What else departs
from its text (a shortened code, a date that does not exist) spoils no packet; see ``remarks``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from muheng.monitoring.hj212.crc import CHECKSUMS, compute_crc_text
from muheng.monitoring.hj212.frame import CLOSE, CRC_SIZE, OPEN, Frame, cut_frame
from muheng.monitoring.hj212.items import Factors, read_header, read_items, read_regular
from muheng.monitoring.hj212.sm4 import EXAMPLE_KEY, decipher, looks_enciphered, read_printed

Keys = Callable[[str], bytes | None]
"""The SM4 key of a device (MN), where it is known."""
Cipher = Literal["", "device", "example", "unknown"]
"""Not enciphered; with the device's key; with the example key of the standard; with a key that is not known."""
ENCODINGS = ("utf-8", "gb18030", "latin-1")
"""Tried in turn: 2017 and 2025 ask for UTF-8, GBK is met in the field, the last one reads anything."""
EDITIONS: Mapping[int, int] = {0: 2005, 1: 2017, 2: 2025}
"""By the upper six bits of Flag. Packets without a Flag are of 2005."""


class Packet(NamedTuple):
    """``header`` with keys as sent; ``cp`` items without a factor; ``factors`` code → suffix → text.

    ``reasons``: why the packet is not valid, by code. ``forgiven``: for each reason that a lenient reading can explain, how.
    ``crc``: what the plain packet has. ``content``: between ``CP=&&`` and ``&&``, in plain text.
    """

    frame: Frame
    version: int | None
    header: dict[str, str]
    cp: dict[str, str]
    factors: Factors
    content: bytes
    crc: bytes
    reasons: tuple[str, ...] = ()
    forgiven: tuple[str, ...] = ()
    encoding: str = "utf-8"
    cipher: Cipher = ""

    @property
    def valid(self) -> bool:
        """By the standard: length and checksum are right."""
        return not self.reasons

    @property
    def usable(self) -> bool:
        """It says what it is, and nothing is wrong that cannot be explained."""
        return len(self.forgiven) == len(self.reasons) and bool(find(self.header, "CN"))

    @property
    def size(self) -> int:
        """Bytes of the data segment in plain text, as the length counts them."""
        if not self.cipher:
            return len(self.frame.segment)
        return self.frame.segment.index(OPEN) + len(OPEN) + len(self.content) + len(CLOSE)

    @property
    def flag(self) -> int:
        """0 where there is none."""
        return read_flag(find(self.header, "Flag"))

    @property
    def answer_wanted(self) -> bool:
        return bool(self.flag & 1)


def find(header: Mapping[str, str], key: str) -> str:
    """A header's value however its key is written (``FLAG``, ``,MN``); empty where there is none."""
    value = header.get(key)
    if value is not None:
        return value
    wanted = key.upper()
    return next((value for name, value in header.items() if name.strip(" ,").upper() == wanted), "")


def read_flag(text: str) -> int:
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 3 else 0


def decode(frame: Frame, keys: Keys | None = None) -> Packet:
    """Never refuses: what cannot be read is empty, and the reasons say why."""
    segment = frame.segment
    same = frame.crc == frame.sent_crc or frame.crc == frame.sent_crc.upper()
    if same and segment.isascii() and frame.declared == b"%04d" % len(segment):
        cut = segment.find(OPEN)
        # Cipher text is not ASCII, but for one in many thousands of the shortest; that one's checksum would not fit.
        if cut >= 0 and segment.endswith(CLOSE) and (read := read_regular(segment, cut)) is not None:
            header, cp, factors = read
            version: int | None = _EDITIONS_BY_FLAG.get(header.get("Flag", "?"), 0)
            if version == 0:
                version = find_edition(header)
            return Packet(frame, version, header, cp, factors, segment[cut + 5 : -2], frame.crc)
    return _decode_anything(frame, keys)


def decode_bytes(data: bytes, keys: Keys | None = None) -> Packet | None:
    """Of bytes that hold one frame; None where they hold none."""
    frame = cut_frame(data)
    return None if frame is None else decode(frame, keys)


def find_edition(header: Mapping[str, str]) -> int | None:
    """The year of the standard; None for a version that none has given yet."""
    return EDITIONS.get(read_flag(find(header, "Flag")) >> 2)


_EDITIONS_BY_FLAG = {str(flag): EDITIONS[flag >> 2] for flag in range(4 * len(EDITIONS))}


def _decode_anything(frame: Frame, keys: Keys | None) -> Packet:
    head, mark, content = frame.segment.partition(OPEN)
    header = read_header(_read_text(head)[0].rstrip(";"))
    version = find_edition(header)
    closed = content.endswith(CLOSE)
    content = content[:-2] if closed else content
    cipher: Cipher = ""
    segment, crc = frame.segment, frame.crc
    if version == 2025 and (_is_printed(content) or looks_enciphered(content)):
        raw = read_printed(content) or content
        cipher, content = _decipher(frame, head + mark, raw, find(header, "MN"), keys)
        segment = head + mark + content + (CLOSE if closed else b"")
        crc = compute_crc_text(segment)
    reasons, forgiven = _judge(frame, segment, crc, cipher)
    text, encoding = _read_text(content)
    cp, factors = ({}, {}) if cipher == "unknown" else read_items(text)
    return Packet(frame, version, header, cp, factors, content, crc, reasons, forgiven, encoding, cipher)


def _is_printed(content: bytes) -> bool:
    return content.startswith(b"{0x")


def _read_text(data: bytes) -> tuple[str, str]:
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 reads anything")


def _decipher(frame: Frame, before: bytes, raw: bytes, mn: str, keys: Keys | None) -> tuple[Cipher, bytes]:
    """The checksum of the plain packet tells whether a key is the right one."""
    own = keys(mn) if keys is not None else None
    tried: list[tuple[Cipher, bytes]] = [] if own is None else [("device", own)]
    for cipher, key in (*tried, ("example", EXAMPLE_KEY)):
        plain = decipher(raw, key)
        if compute_crc_text(before + plain + CLOSE) == frame.sent_crc.upper() and not looks_enciphered(plain):
            return cipher, plain
    return "unknown", raw


# -- the verdict -----------------------------------------------------------------------------------------------------


def _judge(
    frame: Frame, segment: bytes, crc: bytes, cipher: Cipher
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Reasons, and for each that can be explained how."""
    if not frame.sent_crc:
        return ("truncated",), ()
    if cipher == "unknown":
        return ("key",), ()
    reasons, forgiven = [], []
    if frame.sent_crc.upper() != crc:
        reasons.append("crc")
        forgiven += [name for name, fits in CRC_MISTAKES if fits(segment, frame.sent_crc.upper())][:1]
    whole = not reasons or bool(forgiven)
    if frame.declared not in (b"%04d" % len(segment), b"%04d" % len(frame.segment)):
        reasons.append("length")
        # Only a checksum that fits shows where the packet ends.
        forgiven += [_explain_length(frame.declared, segment)] if whole else []
    return tuple(reasons), tuple(forgiven)


def _explain_length(declared: bytes, segment: bytes) -> str:
    length = int(declared)
    if length == len(segment):
        return "length_padding"
    return "length_characters" if length == len(_read_text(segment)[0]) else "length_wrong"


def _is_unpadded(segment: bytes, sent: bytes) -> bool:
    return len(sent) < CRC_SIZE and sent.zfill(CRC_SIZE) == compute_crc_text(segment)


def _is_modbus(segment: bytes, sent: bytes) -> bool:
    """CRC-16/MODBUS, which the standard's looks like at a glance."""
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ CHECKSUMS[(register ^ byte) & 0xFF]
    return sent == b"%04X" % register


def _is_swapped(segment: bytes, sent: bytes) -> bool:
    return sent[2:] + sent[:2] == compute_crc_text(segment)


def _is_of_characters(segment: bytes, sent: bytes) -> bool:
    """Computed over 16-bit characters instead of bytes, as happens in Java and C#."""
    text, encoding = _read_text(segment)
    if encoding == "latin-1" or len(text) == len(segment):
        return False
    register = 0xFFFF
    units = text.encode("utf-16-le")
    for low, high in zip(units[::2], units[1::2], strict=True):
        state = (register >> 8) ^ low
        register = CHECKSUMS[state] ^ high  # the high byte leaves the eight shifts where the low one came in
    return sent == b"%04X" % register


CRC_MISTAKES: tuple[tuple[str, Callable[[bytes, bytes], bool]], ...] = (
    ("crc_unpadded", _is_unpadded),
    ("crc_modbus", _is_modbus),
    ("crc_swapped", _is_swapped),
    ("crc_characters", _is_of_characters),
)
