"""A simulated device without sockets: what it uploads and when, that it tries again, and what it answers in each edition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from muheng.monitoring.dialogue.devices import Device
from muheng.monitoring.hj212.decoding import Packet, decode, find
from muheng.monitoring.hj212.encoding import acknowledge, request
from muheng.monitoring.hj212.moments import read_moment
from muheng.monitoring.hj212.parts import Assembly
from muheng.monitoring.hj212.remarks import remark
from muheng.monitoring.hj212.scanner import scan
from muheng.monitoring.plant import LIMITS, REFERENCE_OXYGEN, Kind, Plant, Trouble
from muheng.wire.fleet_faults import Faults
from muheng.wire.fleet_station import NEVER, Pace, Station

NOW = datetime(2026, 8, 2, 0, 0, 30)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
KEY = bytes(range(16))
DEVICES = {
    2005: Device("12345678901234", "123456", "a", 2005, None, 60, 10),
    2017: Device("A" * 24, "123456", "b", 2017, None, 60, 10),
    2025: Device("B" * 24, "123456", "c", 2025, KEY, 60, 10),
}
every_edition = pytest.mark.parametrize("edition", [2005, 2017, 2025])


def make(edition: int, begin: datetime = NOW, speed: float = 3600, faults: Faults | None = None) -> Station:
    kind: Kind = "incinerator" if edition == 2025 else "stack"
    plant = Plant(kind, 5, LIMITS[kind], REFERENCE_OXYGEN[kind])
    return Station(DEVICES[edition], plant, Pace(NOW, begin, speed), faults)


def read(written: Iterable[bytes], edition: int = 2017) -> list[Packet]:
    packets = [decode(frame, lambda mn: DEVICES[edition].key) for frame in scan(written)]
    for packet in packets:
        assert packet.valid, packet
        assert packet.version == edition
    return packets


def commands(packets: Iterable[Packet]) -> list[str]:
    return [find(packet.header, "CN") for packet in packets]


def converse(station: Station, edition: int, now: datetime, until: datetime) -> Iterator[Packet]:
    """With a host that acknowledges everything at once."""
    station.connect(now)
    while now <= until:
        for packet in read(station.poll(now), edition):
            yield packet
            if packet.answer_wanted:
                station.receive(acknowledge(packet, DEVICES[edition].key), now)
        now = max(station.find_due(now), now + timedelta(milliseconds=1))


def ask(
    station: Station, edition: int, command: str, cp: Mapping[str, str], password: str = "123456"
) -> bytes:
    header = {
        "QN": f"20260802000100{command[1:]}",
        "ST": "31",
        "CN": command,
        "PW": password,
        "MN": station.device.mn,
    }
    key = station.device.key if command.startswith("2") else None
    return request(header, edition, list(cp.items()), key)


def answers(station: Station, edition: int, asked: bytes, now: datetime) -> list[Packet]:
    """All that follows from a request; what the device says by itself is left out."""
    station.receive(asked, now)
    said: list[Packet] = []
    for step in range(200):
        packets = read(station.poll(now + step * timedelta(milliseconds=1)), edition)
        for packet in packets:
            if packet.answer_wanted:
                station.receive(acknowledge(packet, station.device.key), now)
        said += packets
    return said


# -- by itself -------------------------------------------------------------------------------------------------------


@every_edition
def test_it_catches_up_with_the_past_and_then_sends_the_present(edition: int) -> None:
    station = make(edition, NOW - 25 * HOUR)
    packets = list(converse(station, edition, NOW, NOW + 150 * SECOND))
    assembly = Assembly()
    whole = [message for packet in packets for message in assembly.add(packet, NOW)]
    times: dict[str, list[datetime]] = {}
    for message in whole:
        moment = read_moment(message.cp.get("DataTime", ""))
        if moment is not None:
            times.setdefault(find(message.parts[0].header, "CN"), []).append(moment)
    assert all(moment <= NOW + 150 * SECOND for moments in times.values() for moment in moments)
    hours = times["2061"]
    assert hours[0] == datetime(2026, 7, 31, 23)
    assert all(b - a == HOUR for a, b in pairwise(hours))
    assert hours[-1] == datetime(2026, 8, 1, 23)
    minutes = times["2051"]
    assert len(minutes) == 150
    assert all(b - a == HOUR / 6 for a, b in pairwise(minutes))
    assert times["2031"] == [datetime(2026, 7, 31), datetime(2026, 8, 1)]
    assert len(times["2011"]) >= 2
    if edition != 2005:
        assert commands(packets)[:2] == ["1013", "2081"]
    assert ("9015" in commands(packets)) == (edition == 2025)
    late = [packet for packet in packets if find(packet.header, "RF") == "1"]
    assert bool(late) == (edition == 2025)
    assert station.waiting == 0
    assert station.counts.acknowledged == station.counts.sent == len(packets)


@every_edition
def test_its_packets_are_of_the_standard_and_its_QNs_its_own(edition: int) -> None:
    packets = list(converse(make(edition, NOW - 2 * HOUR), edition, NOW, NOW + 70 * SECOND))
    assert len(packets) > 10
    for packet in packets:
        assert [each.code for each in remark(packet)] == []
    qns = [find(packet.header, "QN") for packet in packets]
    assert len(set(qns)) == len(qns)
    hour = next(packet for packet in packets if find(packet.header, "CN") == "2061")
    codes = {"02", "03", "01"} if edition == 2005 else {"a21026", "a21002", "a34013"}
    assert codes & set(hour.factors)
    ciphers = {packet.cipher for packet in packets if packet.factors}
    assert ciphers == ({"device"} if edition == 2025 else {""})


def test_it_sends_again_until_the_rule_is_exhausted_and_hangs_up() -> None:
    station = make(2017)
    station.connect(NOW)
    first = station.poll(NOW)
    assert commands(read(first)) == ["1013", "2081"]
    assert station.poll(NOW + 9 * SECOND) == []
    for again in (10, 20, 30):
        assert station.find_due(NOW + (again - 10) * SECOND) <= NOW + again * SECOND
        assert station.poll(NOW + again * SECOND)[:2] == first
        assert not station.hang_up
    station.poll(NOW + 40 * SECOND)
    assert station.hang_up
    assert station.find_due(NOW + 41 * SECOND) == NEVER
    station.disconnect()
    station.connect(NOW + 50 * SECOND)
    assert station.poll(NOW + 50 * SECOND)[:2] == first
    assert station.counts.sent - station.counts.acknowledged == station.waiting


def test_what_waits_is_bounded_and_nothing_is_left_out_while_there_is_no_connection() -> None:
    station = make(2017, NOW - 6 * HOUR)
    station.connect(NOW)
    for step in range(9):
        station.poll(NOW + step * SECOND)
    assert station.waiting == 8
    station.disconnect()
    later = NOW + 3 * HOUR
    hours = [
        packet.cp["DataTime"]
        for packet in converse(station, 2017, later, later + 2 * SECOND)
        if find(packet.header, "CN") == "2061"
    ]
    assert len(set(hours)) == 9
    assert station.waiting == 0


def test_stopped_it_begins_nothing_new_and_sends_what_waits() -> None:
    station = make(2017, NOW - HOUR)
    station.connect(NOW)
    waiting = station.poll(NOW + SECOND)
    station.stop = True
    assert station.poll(NOW + 5 * SECOND) == []
    assert station.poll(NOW + 11 * SECOND) == waiting


# -- faults ----------------------------------------------------------------------------------------------------------


def test_parts_come_the_other_way_round_or_not_at_all_apart() -> None:
    disordered = list(
        converse(make(2025, NOW - 2 * HOUR, faults=Faults(disordered=1)), 2025, NOW, NOW + SECOND)
    )
    numbers = [find(packet.header, "PNO") for packet in disordered if find(packet.header, "PNO")]
    assert numbers[:2] == ["2", "1"]
    long = list(converse(make(2025, NOW - 2 * HOUR, faults=Faults(unsplit=1)), 2025, NOW, NOW + SECOND))
    assert not any(find(packet.header, "PNO") for packet in long)
    assert max(packet.size for packet in long) > 1024


def test_an_interval_that_was_lost_is_remembered() -> None:
    station = make(2017, NOW - 3 * HOUR, faults=Faults(lost=1))
    packets = list(converse(station, 2017, NOW, NOW + 10 * SECOND))
    assert "2061" not in commands(packets)
    asked = ask(station, 2017, "2061", {"BeginTime": "20260801220000", "EndTime": "20260801230000"})
    said = answers(station, 2017, asked, NOW + 11 * SECOND)
    times = {packet.cp.get("DataTime") for packet in said if find(packet.header, "CN") == "2061"}
    assert times == {"20260801220000", "20260801230000"}


def test_a_clock_that_jumped_is_set_right_by_the_host() -> None:
    station = make(2017, faults=Faults(clock=1))
    packets = list(converse(station, 2017, NOW, NOW + 90 * SECOND))
    station.faults = Faults()
    moment = read_moment(find(packets[-1].header, "QN"))
    assert moment is not None
    assert abs(moment - NOW) > 300 * SECOND
    now = NOW + 100 * SECOND
    set_clock = ask(station, 2017, "1012", {"SystemTime": f"{now:%Y%m%d%H%M%S}"})
    assert commands(answers(station, 2017, set_clock, now))[-2:] == ["9011", "9012"]
    (told,) = [
        packet
        for packet in answers(station, 2017, ask(station, 2017, "1011", {}), now)
        if find(packet.header, "CN") == "1011"
    ]
    assert told.cp["SystemTime"] == f"{now:%Y%m%d%H%M%S}"


# -- asked -----------------------------------------------------------------------------------------------------------


@every_edition
@pytest.mark.parametrize(
    ("command", "cp", "uploaded"),
    [
        ("1000", {"OverTime": "5", "ReCount": "3"}, {}),
        ("1011", {}, {"SystemTime": "20260802000100"}),
        ("1012", {"SystemTime": "20260802000100"}, {}),
        ("1061", {}, {"RtdInterval": "60"}),
        ("1062", {"RtdInterval": "30"}, {}),
        ("1063", {}, {"MinInterval": "10"}),
        ("1064", {"MinInterval": "5"}, {}),
        ("1072", {"NewPW": "654321"}, {}),
        ("2021", {}, {"DataTime": "20260802000100", "SB1-RS": "1"}),
        ("3011", {"PolId": "a21026"}, {}),
        ("3012", {"PolId": "a21026"}, {}),
        ("3015", {}, {"VaseNo": "1"}),
        ("3017", {"PolId": "a21026"}, {"PolId": "a21026", "Ctime": "2"}),
        ("3019", {"PolId": "a21026"}, {}),
        ("3020", {"PolId": "a21026"}, {"PolId": "a21026"}),
    ],
)
def test_it_answers_what_it_is_asked(
    edition: int, command: str, cp: dict[str, str], uploaded: dict[str, str]
) -> None:
    station = make(edition)
    list(converse(station, edition, NOW, NOW + SECOND))
    said = answers(station, edition, ask(station, edition, command, cp), NOW + 30 * SECOND)
    about = [packet for packet in said if find(packet.header, "CN") not in ("2011", "2051", "2061", "9015")]
    assert commands(about)[0] == "9011"
    assert commands(about)[-1] == "9012"
    assert about[0].cp["QnRtn"] == about[-1].cp["ExeRtn"] == "1"
    if uploaded:
        told = about[1]
        assert find(told.header, "CN") == command
        items = {f"{code}-{name}": text for code, own in told.factors.items() for name, text in own.items()}
        assert uploaded.items() <= (told.cp | items).items()


def test_it_refuses_what_it_cannot_do() -> None:
    station = make(2017)
    list(converse(station, 2017, NOW, NOW + SECOND))
    now = NOW + SECOND

    def result(command: str, cp: dict[str, str], password: str = "123456") -> str:
        said = answers(station, 2017, ask(station, 2017, command, cp, password), now)
        return " ".join(
            next(iter(packet.cp.values())) for packet in said if find(packet.header, "CN") < "9013"
        )

    assert result("1011", {}, "000000") == "3"
    assert result("1777", {}) == "8"
    assert result("1064", {"MinInterval": "7"}) == "1 2"
    assert result("2061", {"BeginTime": "now"}) == "1 2"
    future = {"BeginTime": "20270801220000", "EndTime": "20270801230000"}
    assert result("2061", future) == "1 2" or result("2031", future) == "1 100"


def test_a_request_that_comes_twice_is_carried_out_once() -> None:
    station = make(2017)
    list(converse(station, 2017, NOW, NOW + SECOND))
    asked = ask(station, 2017, "3012", {"PolId": "a21026"})
    assert commands(answers(station, 2017, asked, NOW + SECOND)) == ["9011", "9012"]
    assert commands(answers(station, 2017, asked, NOW + 2 * SECOND)) == ["9011"]


def test_real_time_data_stop_and_go_on() -> None:
    station = make(2017)
    list(converse(station, 2017, NOW, NOW + 61 * SECOND))
    station.receive(ask(station, 2017, "2012", {}), NOW + 62 * SECOND)
    quiet = list(converse(station, 2017, NOW + 62 * SECOND, NOW + 300 * SECOND))
    assert "9013" in commands(quiet)
    assert "2011" not in commands(quiet)
    station.receive(ask(station, 2017, "2011", {}), NOW + 301 * SECOND)
    assert "2011" in commands(converse(station, 2017, NOW + 301 * SECOND, NOW + 400 * SECOND))


def test_nothing_was_measured_while_the_plant_had_no_data() -> None:
    plant = Plant("stack", 5, LIMITS["stack"], 6.0, (Trouble("missing", NOW - 5 * HOUR),))
    station = Station(DEVICES[2017], plant, Pace(NOW, NOW - 3 * HOUR, 3600))
    assert "2061" not in commands(converse(station, 2017, NOW, NOW + 20 * SECOND))
    asked = ask(station, 2017, "2061", {"BeginTime": "20260801220000", "EndTime": "20260801230000"})
    said = answers(station, 2017, asked, NOW + 21 * SECOND)
    assert said[-1].cp == {"ExeRtn": "100"}
