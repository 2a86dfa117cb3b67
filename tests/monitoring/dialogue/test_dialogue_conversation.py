"""What is taken, refused, acknowledged; editions frame by frame; who is let go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue_talk import QUIET, Talk, read, read_sends
from hypothesis import given
from hypothesis import strategies as st

from monitored_devices import CIPHER, DEVICES, KEY, NEW, NOON, OLD, data
from muheng.documents.message import Refusal
from muheng.monitoring.dialogue.effects import Effects
from muheng.monitoring.dialogue.times import SECOND
from muheng.monitoring.hj212.crc import compute_crc_text
from muheng.monitoring.hj212.decoding import Packet, decode_bytes, find
from muheng.monitoring.hj212.encoding import acknowledge, encode, upload
from muheng.monitoring.hj212.frame import cut_frame
from muheng.monitoring.hj212.scanner import scan


@pytest.mark.parametrize("mn", [NEW, CIPHER, OLD])
@pytest.mark.parametrize("command", ["2011", "2061", "2041"])
def test_an_upload_is_kept_and_acknowledged_in_its_edition(mn: str, command: str) -> None:
    talk = Talk()
    sent = data(mn, command)
    effects = talk.say(sent)
    (record,) = effects.records
    assert record == (NOON, mn, "192.0.2.1:7000", "", sent.rstrip())
    ((link, answer),) = effects.answers
    assert effects.size == len(record.raw) + len(answer)
    assert link is talk.link
    packet = decode_bytes(sent, lambda mn: DEVICES[mn].key)
    assert packet is not None
    assert answer == acknowledge(packet)
    assert not effects.sends
    assert not effects.closes


def test_no_answer_where_none_is_wanted() -> None:
    silent = encode(
        {"QN": "20260801120000000", "ST": "31", "CN": "2011", "PW": "123456", "MN": NEW, "Flag": "4"},
        "a21026-Rtd=1",
    )
    effects = Talk().say(silent)
    assert len(effects.records) == 1
    assert not effects.answers


@given(st.lists(st.integers(1, 200), max_size=30))
def test_the_same_comes_of_any_pieces(cuts: list[int]) -> None:
    stream = b"".join(
        [
            b"noise", data(), data(CIPHER, at=NOON + SECOND), b"##9999", data(OLD), data("F" * 24), data(late=True, mn=CIPHER),
            b"##0012half",
        ]
    )  # fmt: skip
    whole = Talk().say(stream)
    pieces, at = [], 0
    for size in cuts:
        pieces.append(stream[at : at + size])
        at += size
    talk = Talk()
    cut = talk.say(*pieces, stream[at:])
    assert cut.records == whole.records
    assert [answer for _, answer in cut.answers] == [answer for _, answer in whole.answers]
    assert [record.verdict for record in whole.records] == ["", "", "", "unknown_device", ""]


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [
        (data("F" * 24), "unknown_device"),
        (data(password="654321"), "password"),
        (data().replace(b"=1.5", b"=1.7"), "crc"),
        (data("F" * 24).replace(b"=1.5", b"=1.7"), "crc unknown_device"),
        (encode({"QN": "20260801120000000", "PW": "123456", "MN": NEW, "Flag": "5"}, "a=1"), "command"),
        (data(CIPHER, password="999999"), "password"),
    ],
)
def test_what_is_refused_is_kept_with_its_reasons_and_never_acknowledged(wrong: bytes, verdict: str) -> None:
    talk = Talk()
    effects = talk.say(wrong)
    assert [record.verdict for record in effects.records] == [verdict]
    assert effects.records[0].raw == wrong.rstrip()
    assert not effects.answers
    assert talk.host.counts["quarantined"] == 1


def test_a_frame_enciphered_with_another_key_is_refused() -> None:
    header = {"QN": "20260801120000000", "ST": "31", "CN": "2011", "PW": "abcdef", "MN": CIPHER, "Flag": "9"}
    effects = Talk().say(encode(header, "DataTime=20260801120000;a21026-Rtd=1.5", b"another key here"))
    assert [record.verdict for record in effects.records] == ["key"]
    assert not effects.answers
    effects = Talk().say(encode(header, "DataTime=20260801120000;a21026-Rtd=1.5", KEY))
    assert [record.verdict for record in effects.records] == [""]


def test_what_can_be_explained_is_taken_and_counted() -> None:
    talk = Talk()
    sound = data()
    assert sound[-6:-2].isdigit() or sound[-6:-2].isalnum()
    swapped = sound[:-6] + sound[-4:-2] + sound[-6:-4] + b"\r\n"
    assert swapped != sound
    effects = talk.say(swapped)
    assert [record.verdict for record in effects.records] == [""]
    assert len(effects.answers) == 1
    assert talk.host.counts["crc_swapped"] == 1


def test_each_part_is_acknowledged_by_its_own_number() -> None:
    factors = {
        f"w{number:05d}": {"Avg": "123.456789", "Max": "223.456789", "Min": "23.456789"}
        for number in range(40)
    }
    header = {"QN": "20260801120000000", "ST": "32", "CN": "2051", "PW": "123456", "MN": NEW}
    parts = upload(header, 2017, {"DataTime": "20260801115000"}, factors)
    assert len(parts) > 1
    effects = Talk().say(*reversed(parts))
    assert [record.raw for record in effects.records] == [part.rstrip() for part in reversed(parts)]
    assert len(effects.answers) == len(parts)
    parts = upload({**header, "MN": OLD, "PW": "000000"}, 2005, {"DataTime": "20260801115000"}, factors)
    effects = Talk().say(*parts)
    for part, (_, answer) in zip(parts, effects.answers, strict=True):
        packet = decode_bytes(part)
        assert packet is not None
        assert answer == acknowledge(packet)


def test_what_comes_again_is_acknowledged_again_and_kept_once() -> None:
    talk = Talk()
    for mn in (NEW, CIPHER, OLD):
        effects = talk.say(data(mn), data(mn))
        assert len(effects.records) == 1
        assert len(effects.answers) == 2
        talk.connect()
        effects = talk.say(data(mn))
        assert not effects.records
        assert len(effects.answers) == 1
    assert talk.host.contacts[NEW].repeated == 2


def test_what_came_before_a_restart_is_recognised() -> None:
    before = [
        Talk().say(data(mn, command)).records[0] for mn in (NEW, CIPHER, OLD) for command in ("2011", "2061")
    ]
    talk = Talk()
    for record in before:
        talk.host.recall(record, NOON)
    for record in before:
        effects = talk.say(record.raw + b"\r\n")
        assert not effects.records
        assert len(effects.answers) == 1


def test_repeats_are_remembered_in_bounded_memory() -> None:
    talk = Talk(replace(QUIET, repeats=4))
    packets = [data(at=NOON + number * SECOND) for number in range(10)]
    assert len(talk.say(*packets).records) == 10
    assert [len(talk.say(packet).records) for packet in packets[6:]] == [0, 0, 0, 0]
    assert len(talk.say(packets[0]).records) == 1


def test_a_stranger_is_let_go_after_three_frames() -> None:
    talk = Talk()
    effects = talk.say(*[data("F" * 24, at=NOON + number) for number in range(5)])
    assert len(effects.records) == 3
    assert [why for _, why in effects.closes] == ["refused"]
    assert talk.link.closed
    assert not talk.say(data()).records


def test_a_stranger_behind_a_gateway_costs_the_others_nothing() -> None:
    talk = Talk()
    strangers = [data("F" * 24, at=NOON + number) for number in range(1, 9)]
    effects = talk.say(data(), *strangers, data(OLD))
    assert [record.verdict for record in effects.records] == ["", *["unknown_device"] * 8, ""]
    assert len(effects.answers) == 2
    assert not effects.closes
    # Passwords are not to be guessed there either.
    wrong = [data(at=NOON + number).replace(b"PW=123456", b"PW=123465") for number in range(1, 4)]
    effects = talk.say(*wrong)
    assert "password" in effects.records[0].verdict
    assert [why for _, why in effects.closes] == ["refused"]


def test_whose_a_broken_frame_is_nobody_knows() -> None:
    talk = Talk()
    broken = b"##0010QN=1;ST=310000\r\n"
    effects = talk.say(broken * 5 + data())
    assert [record.verdict for record in effects.records] == [*["crc unknown_device"] * 5, ""]
    assert not effects.closes


def test_endless_noise_ends_the_connection() -> None:
    talk = Talk(replace(QUIET, most_noise=1000))
    assert not talk.say(b"x" * 999).closes
    assert [why for _, why in talk.say(b"x" * 500).closes] == ["noise"]


def test_broken_frames_end_the_connection_unless_a_sound_one_comes_between() -> None:
    talk = Talk(replace(QUIET, most_broken=3))
    broken = data().replace(b"=1.5", b"=1.7")
    assert not talk.say(broken, broken, data(), broken, broken).closes
    assert talk.say(broken).closes


def test_quarantine_does_not_fill_the_disk() -> None:
    talk = Talk(replace(QUIET, most_quarantined=2, most_broken=100))
    broken = data().replace(b"=1.5", b"=1.7")
    assert len(talk.say(*[broken] * 5).records) == 2
    assert talk.host.counts["not_kept"] == 3
    talk.wait(60)
    assert len(talk.say(broken).records) == 1


def test_who_says_nothing_is_let_go() -> None:
    talk = Talk(replace(QUIET, greeting=60, idle=600))
    talk.now += 61 * SECOND
    effects = Effects()
    talk.host.check_idle(talk.link, talk.now, effects)
    assert [why for _, why in effects.closes] == ["idle"]
    talk.connect()
    talk.say(data())
    for seconds, gone in ((599, False), (602, True)):
        effects = Effects()
        talk.host.check_idle(talk.link, talk.now + seconds * SECOND, effects)
        assert bool(effects.closes) is gone


def test_a_heartbeat_and_a_question_for_the_time() -> None:
    talk = Talk()
    beat = {"QN": "20260801120000000", "ST": "31", "CN": "9015", "PW": "abcdef", "MN": CIPHER, "Flag": "9"}
    ((_, answer),) = talk.say(encode(beat)).answers
    assert read(answer).header["CN"] == "9013"
    ask = {"QN": "20260801120000001", "ST": "31", "CN": "1013", "PW": "123456", "MN": NEW, "Flag": "5"}
    effects = talk.say(encode(ask))
    assert read(effects.answers[0][1]).header["CN"] == "9013"
    (told,) = read_sends(effects)
    assert (told.header["CN"], told.cp) == ("1012", {"SystemTime": "20260801120000"})


def test_what_is_left_of_a_torn_connection_is_quarantined() -> None:
    talk = Talk()
    assert not talk.say(data()[:100]).records
    assert [record.verdict for record in talk.hang_up().records] == ["truncated"]
    assert not talk.hang_up().records


def test_another_list_lets_go_who_is_not_on_it() -> None:
    talk = Talk()
    talk.say(data(), data(OLD))
    effects = Effects()
    talk.host.use_devices({NEW: replace(DEVICES[NEW], password="newone")}, effects, NOON)
    assert [why for _, why in effects.closes] == ["device_list"]
    talk.connect()
    assert [record.verdict for record in talk.say(data(at=NOON + SECOND)).records] == ["password"]
    assert [record.verdict for record in talk.say(data(at=NOON + SECOND, password="newone")).records] == [""]
    # What it sent before is still known.
    assert not talk.say(data()).answers
    assert talk.host.contacts[NEW].repeats.meet(data().rstrip())


def test_counts_begin_anew_with_the_day() -> None:
    talk = Talk()
    talk.say(data())
    talk.wait(11 * 3600)
    assert talk.host.contacts[NEW].packets == 1
    talk.wait(2 * 3600)
    assert talk.host.contacts[NEW].packets == 0


@given(
    st.lists(
        st.sampled_from([data(), data(CIPHER), data(OLD), b"##", b"&&", b"\r\n", b"\x00", b"CP=&&", b"0104"]),
        max_size=12,
    )
)
def test_nothing_is_acknowledged_that_was_not_kept(pieces: list[bytes]) -> None:
    talk = Talk()
    effects = talk.say(*pieces)
    talk.hang_up()
    kept = {record.raw for record in effects.records if not record.verdict}
    for _, answer in effects.answers:
        asked = read(answer)
        assert any(
            (packet := decode_bytes(raw, lambda mn: DEVICES[mn].key)) is not None
            and acknowledge(packet) == answer
            for raw in kept
        ), asked
    frames = list(scan(pieces))
    assert all(cut_frame(record.raw) is not None for record in effects.records)
    assert len(effects.records) <= len(frames)


def repair(segment: bytes) -> bytes:
    return b"##%04d" % len(segment) + segment + compute_crc_text(segment) + b"\r\n"


@given(
    st.sampled_from([NEW, CIPHER, OLD]),
    st.sampled_from(["2011", "2051", "2041"]),
    st.lists(st.tuples(st.integers(0, 250), st.sampled_from(b"0159;=&,#ANPM\x80\xc3- ")), max_size=3),
    st.booleans(),
)
def test_it_takes_what_the_lenient_reader_can_use_of_devices_it_knows(
    mn: str, command: str, changes: list[tuple[int, int]], repaired: bool
) -> None:
    segment = bytearray(data(mn, command)[6:-6])
    for place, byte in changes:
        segment[place % len(segment)] = byte
    sent = (
        repair(bytes(segment))
        if repaired
        else data(mn, command)[:6] + bytes(segment) + data(mn, command)[-6:]
    )
    talk = Talk()
    effects = talk.say(sent)
    talk.host.lose(talk.link, NOON, effects)
    for record in effects.records:
        packet = decode_bytes(record.raw, lambda mn: DEVICES[mn].key if mn in DEVICES else None)
        assert packet is not None
        device = DEVICES.get(find(packet.header, "MN").strip())
        good = packet.usable and device is not None and device.password == find(packet.header, "PW")
        assert (record.verdict == "") is good
        answers = [acknowledge(packet)] if good and packet.answer_wanted and is_writable(packet) else []
        assert [answer for _, answer in effects.answers] == answers


def is_writable(packet: Packet) -> bool:
    try:
        acknowledge(packet)
    except Refusal:
        return False
    return True
