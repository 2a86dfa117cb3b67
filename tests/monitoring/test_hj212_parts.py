"""Parts are joined in any order, sent again or not, cut between items or inside one; what never comes is given up."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from packets import bytes_of, find_packet

from muheng.monitoring.hj212.decoding import Packet, decode
from muheng.monitoring.hj212.encoding import encode, upload
from muheng.monitoring.hj212.parts import Assembly, Joined
from muheng.monitoring.hj212.scanner import scan

NOW = datetime(2026, 8, 1, 12)
HEADER = {"QN": "20260801120000123", "ST": "32", "CN": "2061", "PW": "123456", "MN": "0" * 24}


def packets(data: bytes) -> list[Packet]:
    return [decode(frame) for frame in scan([data])]


def put(*parts: Packet) -> list[Joined]:
    assembly = Assembly()
    settled = [joined for part in parts for joined in assembly.add(part, NOW)]
    assert assembly.waiting == 0
    return settled


def derived(source: str) -> list[Packet]:
    return packets(bytes_of(find_packet(source)))


def cut(*texts: str, own_qn: bool = False, own_mn: str = "") -> list[Packet]:
    total = len(texts)
    wires = [
        encode(
            {**HEADER, "MN": own_mn or HEADER["MN"], "QN": f"2026080112000012{place if own_qn else 0}"}
            | {"Flag": "7", "PNUM": str(total), "PNO": str(place)},
            text,
        )
        for place, text in enumerate(texts, 1)
    ]
    return packets(b"".join(wires))


def test_the_standards_example_with_a_number_of_its_own_for_each_part() -> None:
    for source in ("multi-segment-2017-c50", "multi-segment-out-of-order"):
        (joined,) = put(*derived(source))
        assert list(joined.factors) == ["w00000", "w01001", "w01018"]
        assert (joined.cp, joined.missing) == ({"DataTime": "20160801080000"}, ())


def test_contents_cut_inside_a_field() -> None:
    first, second = derived("multi-segment-cut-mid-field")
    for parts in ((first, second), (second, first), (first, first, second)):
        (joined,) = put(*parts)
        assert joined.factors == {"w00000": {"Cou": "63.0", "Min": "16.4", "Avg": "17.5"}}


def test_a_part_that_never_comes() -> None:
    (part,) = derived("multi-segment-missing")
    assembly = Assembly(patience=timedelta(seconds=30))
    assert assembly.add(part, NOW) == []
    assert assembly.expire(NOW + timedelta(seconds=30)) == []
    (given_up,) = assembly.expire(NOW + timedelta(seconds=31))
    assert given_up.missing == (2,)
    assert list(given_up.factors) == ["w00000", "w01001"]
    assert assembly.waiting == 0


def test_a_message_sent_again_is_not_a_second_one() -> None:
    parts = derived("multi-segment-2017-c50")
    assembly = Assembly()
    settled = [joined for part in (*parts, *parts, parts[1]) for joined in assembly.add(part, NOW)]
    assert len(settled) == 1
    later = NOW + timedelta(minutes=10)
    assert [len(assembly.add(part, later)) for part in parts] == [0, 1]


def test_a_part_that_differs_begins_another_message() -> None:
    (a1, a2), (b1, b2) = cut("B01-Rtd=1", "DataTime=1"), cut("B01-Rtd=2", "DataTime=1")
    assembly = Assembly()
    assert assembly.add(a1, NOW) == []
    (broken,) = assembly.add(b1, NOW)
    assert (broken.missing, broken.factors) == ((2,), {"B01": {"Rtd": "1"}})
    (whole,) = assembly.add(b2, NOW)
    assert whole.factors == {"B01": {"Rtd": "2"}}
    assert a2.content == b2.content


def test_devices_are_kept_apart() -> None:
    ours = cut("DataTime=20260801120000;w01018-Rtd=1", "DataTime=20260801120000;w01001-Rtd=7")
    theirs = cut(
        "DataTime=20260801120000;w01018-Rtd=9", "DataTime=20260801120000;w01001-Rtd=9", own_mn="F" * 24
    )
    first, second = put(ours[0], theirs[1], ours[1], theirs[0])
    assert first.factors == {"w01018": {"Rtd": "1"}, "w01001": {"Rtd": "7"}}
    assert second.factors == {"w01018": {"Rtd": "9"}, "w01001": {"Rtd": "9"}}


def test_a_whole_packet_needs_no_waiting() -> None:
    (packet,) = derived("utf8-text")
    (joined,) = put(packet)
    assert (joined.cp, joined.factors) == (packet.cp, packet.factors)


CONTENT = (
    "DataTime=20260801120000;w00000-Cou=63.0,w00000-Min=16.4,w00000-Flag=N;w01018-Avg=40.1,w01018-Flag=N;"
    "011-Rtd=1.5,011-Flag=D;SB1-RS=1;w21003-ZsAvg=7"
)


@given(st.integers(1, len(CONTENT) - 1), st.booleans())
def test_cut_anywhere_the_same_is_read(place: int, turned: bool) -> None:
    whole = packets(encode({**HEADER, "Flag": "5"}, CONTENT))[0]
    parts = cut(CONTENT[:place], CONTENT[place:])
    (joined,) = put(*(reversed(parts) if turned else parts))
    assert (joined.cp, joined.factors) == (whole.cp, whole.factors)


VALUES = st.dictionaries(
    st.sampled_from(["Rtd", "Min", "Avg", "Max", "Flag"]),
    st.text("0123456789.N", min_size=1, max_size=9),
    min_size=1,
)


@given(
    st.dictionaries(
        st.integers(10000, 34999).map(lambda number: f"a{number}"), VALUES, min_size=30, max_size=80
    ),
    st.sampled_from([2005, 2017, 2025]),
    st.randoms(use_true_random=False),
)
def test_what_a_device_splits_comes_together(
    factors: dict[str, dict[str, str]], edition: int, rng: object
) -> None:
    wires = upload(HEADER, edition, {"DataTime": "20260801120000"}, factors)
    parts = [packets(wire)[0] for wire in wires]
    assert all(part.valid and part.version == edition and len(part.content) <= 960 for part in parts)
    rng.shuffle(parts)  # type: ignore[attr-defined]
    (joined,) = put(*parts, *(parts if len(parts) > 1 else ()))
    assert joined.factors == factors
    assert joined.cp == {"DataTime": "20260801120000"}


def test_memory_is_bounded() -> None:
    assembly = Assembly(most_messages=10, most_bytes=2000)
    given_up = 0
    for number in range(500):
        wire = encode({**HEADER, "QN": f"{number:017d}", "Flag": "7", "PNUM": "3", "PNO": "2"}, "B01-Rtd=1")
        given_up += len(assembly.add(packets(wire)[0], NOW))
        assert assembly.waiting <= 10
        assert len(assembly._by_key) <= 10
    assert given_up == 500 - assembly.waiting
