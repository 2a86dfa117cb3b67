"""What a camera notes beside a picture is taken out; the picture stays as it is."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from muheng.documents.message import Refusal
from muheng.liaison.photograph import kind_of, strip_photograph
from web.liaison.pictures import PLACE, make_jpeg, make_png, make_webp, with_film


def pixels(content: bytes) -> bytes:
    return Image.open(io.BytesIO(content)).convert("RGB").tobytes()


@pytest.mark.parametrize("content", [make_jpeg(), make_png(), make_webp(), with_film(make_jpeg())])
def test_the_place_is_gone_and_the_picture_is_not(content: bytes) -> None:
    assert PLACE in content
    stripped = strip_photograph(content)
    assert PLACE not in stripped
    assert pixels(stripped) == pixels(content)
    assert not Image.open(io.BytesIO(stripped)).getexif()
    assert strip_photograph(stripped) == stripped


@pytest.mark.parametrize("turned", [1, 3, 6, 8])
def test_how_it_is_to_be_turned_stays(turned: int) -> None:
    stripped = strip_photograph(make_jpeg(turned))
    noted = Image.open(io.BytesIO(stripped)).getexif()
    assert dict(noted) == ({0x0112: turned} if turned != 1 else {})
    assert "张三".encode() not in stripped


def test_a_progressive_picture_has_several_scans() -> None:
    out = io.BytesIO()
    Image.effect_noise((64, 64), 60).save(out, "JPEG", progressive=True, quality=90)
    assert pixels(strip_photograph(out.getvalue())) == pixels(out.getvalue())


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%PDF-1.7", b"<svg/>", "照片".encode()])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    assert kind_of(content) == ""
    with pytest.raises(Refusal, match="不是照片"):
        strip_photograph(content)


@given(st.sampled_from([make_jpeg(6), make_png(), make_webp()]), st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_cut_or_broken_is_refused_or_clean(content: bytes, data: st.DataObject) -> None:
    """Never anything but a refusal, whatever the bytes."""
    end = data.draw(st.integers(0, len(content)))
    broken = bytearray(content[:end])
    for at in data.draw(st.lists(st.integers(0, max(end - 1, 0)), max_size=4)):
        if broken:
            broken[at] = data.draw(st.integers(0, 255))
    with suppress(Refusal):
        strip_photograph(bytes(broken))
