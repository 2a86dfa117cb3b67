"""What a camera writes beside the picture (place, time, device, owner) is taken out; the picture's bytes stay as they are.

JPEG, PNG and WebP. How a picture is to be turned is kept, as nothing else says it. Nothing is decoded here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from muheng.documents.message import Refusal, say

_KEPT_SEGMENTS = {0xE0, 0xE2, 0xEE}  # JFIF, colour profile, Adobe's colour transform
_DROPPED_CHUNKS = {b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME"}
_ORIENTATION = 0x0112
_PNG = b"\x89PNG\r\n\x1a\n"


def kind_of(content: bytes) -> str:
    """The ending of the file's name: jpg, png, webp; empty for anything else."""
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if content.startswith(_PNG):
        return "png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return ""


def strip_photograph(content: bytes) -> bytes:
    """The picture without what was noted beside it. Raises Refusal for what is not a whole picture."""
    take = {"jpg": _strip_jpeg, "png": _strip_png, "webp": _strip_webp}.get(kind_of(content))
    if take is None:
        raise Refusal(say("这不是照片。"), say("请用 JPEG、PNG 或 WebP 格式的照片。"))
    try:
        return take(content)
    except (struct.error, IndexError, ValueError) as error:
        raise Refusal(say("照片不完整，打不开。"), say("请重新拍照或另选一张。")) from error


def _strip_jpeg(content: bytes) -> bytes:
    found, turned = [b"\xff\xd8"], 1
    for marker, segment in _segments(content):
        if marker == 0xDA:
            # From here on the picture itself, to the end.
            found.append(segment)
        elif marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            turned = _read_orientation(segment[10:])
        elif marker in _KEPT_SEGMENTS or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            found.append(segment)
    if turned != 1:
        # After JFIF's, if there is one: it has to be the first.
        at = 2 if len(found) > 1 and found[1][:2] == b"\xff\xe0" else 1
        found.insert(at, _write_orientation(turned))
    return b"".join(found)


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and bytes of each segment; the last is the scan with all that follows, up to the end of the picture."""
    at = 2
    while True:
        if content[at] != 0xFF:
            raise ValueError("no marker")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xDA:
            # What hangs behind the end (a second picture, a film) is not the picture.
            yield marker, content[at : _end_of_scans(content, at)]
            return
        (length,) = struct.unpack_from(">H", content, at + 2)
        if length < 2 or at + 2 + length > len(content):
            raise ValueError("segment too long")
        yield marker, content[at : at + 2 + length]
        at += 2 + length


def _end_of_scans(content: bytes, at: int) -> int:
    """Behind the end marker of the picture that begins here: within a scan 0xFF is followed by 0 or a restart."""
    while True:
        at = content.index(b"\xff", at)
        marker = content[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0 or marker == 0xFF or 0xD0 <= marker <= 0xD7:
            at += 1 if marker == 0xFF else 2
        else:
            (length,) = struct.unpack_from(">H", content, at + 2)
            at += 2 + length


def _read_orientation(tiff: bytes) -> int:
    """How the picture is to be turned, 1 to 8; 1 where it does not say so clearly."""
    try:
        order = {b"II": "<", b"MM": ">"}[tiff[:2]]
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (many,) = struct.unpack_from(f"{order}H", tiff, first)
        for number in range(many):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * number)
            if (tag, kind, count) == (_ORIENTATION, 3, 1) and 1 <= value <= 8:
                return int(value)
    except (KeyError, struct.error):
        pass
    return 1


def _write_orientation(turned: int) -> bytes:
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, turned, 0, 0)
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _strip_png(content: bytes) -> bytes:
    found, at, ended = [_PNG], len(_PNG), False
    while not ended:
        (length,) = struct.unpack_from(">I", content, at)
        name = content[at + 4 : at + 8]
        end = at + 12 + length
        if len(name) < 4 or end > len(content):
            raise ValueError("chunk too long")
        if name not in _DROPPED_CHUNKS:
            found.append(content[at:end])
        ended = name == b"IEND"
        at = end
    return b"".join(found)


def _strip_webp(content: bytes) -> bytes:
    (size,) = struct.unpack_from("<I", content, 4)
    whole = content[: 8 + size]
    if len(whole) < 8 + size:
        raise ValueError("cut off")
    found, at = [], 12
    while at < len(whole):
        name = whole[at : at + 4]
        (length,) = struct.unpack_from("<I", whole, at + 4)
        end = at + 8 + length + length % 2
        if at + 8 + length > len(whole):
            raise ValueError("chunk too long")
        chunk = whole[at:end]
        if name == b"VP8X":
            # The flags no longer announce Exif and XMP.
            chunk = chunk[:8] + bytes([chunk[8] & ~0x0C]) + chunk[9:]
        if name not in (b"EXIF", b"XMP "):
            found.append(chunk)
        at = end
    body = b"WEBP" + b"".join(found)
    return b"RIFF" + struct.pack("<I", len(body)) + body
