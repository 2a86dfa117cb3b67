"""Pictures as a camera makes them: with a place and an owner beside them."""

from __future__ import annotations

import io
import struct

from PIL import Image

PLACE = b"GPS-31.67N-118.50E"


def make_jpeg(turned: int = 1, size: tuple[int, int] = (40, 30)) -> bytes:
    picture = Image.new("RGB", size, (200, 30, 30))
    noted = Image.Exif()
    noted[0x0112] = turned
    noted[0x010E] = PLACE.decode()
    noted[0x013B] = "张三"
    noted.get_ifd(0x8825)[2] = (31.0, 40.0, 12.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=noted, comment=PLACE)
    return out.getvalue()


def make_png() -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Location", PLACE.decode())
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (0, 90, 0)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def make_webp() -> bytes:
    noted = Image.Exif()
    noted[0x010E] = PLACE.decode()
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (0, 0, 90)).save(out, "WEBP", exif=noted, xmp=PLACE)
    return out.getvalue()


def with_film(content: bytes) -> bytes:
    """A phone's moving picture: a film hangs behind the end of the JPEG."""
    return content + b"\x00\x00\x00\x18ftypmp42" + PLACE + struct.pack(">I", 7) + b"\xff\xd9"
