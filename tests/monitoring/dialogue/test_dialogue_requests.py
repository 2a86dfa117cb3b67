"""Requests to devices: one after the other, with time-outs; first contact, clocks, gaps and people's questions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialogue_talk import QUIET, Talk, commands, read, read_sends
from hypothesis import given
from hypothesis import strategies as st

from monitored_devices import CIPHER, NEW, NOON, OLD, data
from muheng.monitoring.dialogue.effects import Effects
from muheng.monitoring.dialogue.gaps import KINDS, Intervals, Stretch
from muheng.monitoring.dialogue.repeats import Repeats
from muheng.monitoring.dialogue.settings import Settings
from muheng.monitoring.dialogue.times import SECOND, local_seconds, local_time
from muheng.monitoring.hj212.decoding import Packet, decode
from muheng.monitoring.hj212.encoding import encode
from muheng.monitoring.hj212.moments import write_moment
from muheng.monitoring.hj212.scanner import scan

FIRST = replace(QUIET, first_contact=True)
GAPS = replace(QUIET, fill_gaps=True)
CLOCKS = replace(QUIET, keep_clocks=True, clock_samples=3)


def the_request(effects: Effects) -> Packet:
    (packet,) = read_sends(effects)
    return packet


# -- first contact -----------------------------------------------------------------------------------------------------


def test_first_contact_is_one_request_after_the_other() -> None:
    talk = Talk(FIRST)
    told = []
    effects = talk.say(data())
    while effects.sends:
        asked = the_request(effects)
        told.append((asked.header["CN"], asked.cp))
        assert asked.header["PW"] == "123456"
        assert asked.flag == 5
        effects = talk.answer(asked, "9011", QnRtn=1)
        if asked.header["CN"] != "2011":
            assert not effects.sends
            effects = talk.answer(asked, "9012", ExeRtn=1)
    assert told == [
        ("1012", {"SystemTime": "20260801120000"}),
        ("1000", {"OverTime": "10", "ReCount": "3"}),
        ("1062", {"RtdInterval": "60"}),
        ("1064", {"MinInterval": "10"}),
        ("2011", {}),
    ]
    talk.connect()
    assert not talk.say(data(at=NOON + SECOND)).sends


def test_a_device_of_2005_is_told_what_its_edition_knows() -> None:
    talk = Talk(FIRST)
    effects = talk.say(data(OLD))
    told = []
    while effects.sends:
        asked = the_request(effects)
        assert asked.version == 2005
        told.append(asked.header["CN"])
        talk.answer(asked, "9011", QnRtn=1)
        effects = talk.answer(asked, "9012", ExeRtn=1) if asked.header["CN"] != "2011" else Effects()
    assert told == ["1012", "1000", "2011"]


def test_first_contact_is_begun_anew_after_it_was_cut_short() -> None:
    talk = Talk(FIRST)
    assert commands(talk.say(data())) == ["1012"]
    assert {outcome.result for outcome in talk.hang_up().outcomes} == {"disconnected"}
    talk.connect()
    assert commands(talk.say(data(at=NOON + SECOND))) == ["1012"]


# -- time-outs, refusals -----------------------------------------------------------------------------------------------


def test_a_request_is_sent_again_with_its_number_and_given_up_at_last() -> None:
    talk = Talk()
    talk.say(data())
    assert talk.host.ask(NEW, "3012", (("PolId", "w01018"),), "one", talk.now) is None
    sent = [talk.wait(1)]
    for _ in range(3):
        assert not talk.wait(9).sends
        sent.append(talk.wait(1))
    assert len({packet.sends[0][1] for packet in sent}) == 1
    (outcome,) = talk.wait(10).outcomes
    assert (outcome.result, outcome.sent, outcome.wanted.name) == ("timeout", 4, "one")
    assert talk.host.contacts[NEW].requests.idle


def test_a_refusal_and_a_failure_keep_their_codes() -> None:
    talk = Talk()
    talk.say(data())
    talk.host.ask(NEW, "3012", (), "refused", talk.now)
    (outcome,) = talk.answer(the_request(talk.wait(1)), "9011", QnRtn=2).outcomes
    assert (outcome.result, outcome.qn_rtn, outcome.exe_rtn) == ("refused", 2, None)
    assert talk.host.contacts[NEW].refusals == {"3012": 2}
    talk.host.ask(NEW, "3012", (), "failed", talk.now)
    asked = the_request(talk.wait(1))
    assert not talk.answer(asked, "9011", QnRtn=1).outcomes
    assert talk.host.contacts[NEW].refusals == {"3012": 2}
    (outcome,) = talk.answer(asked, "9012", ExeRtn=5).outcomes
    assert (outcome.result, outcome.qn_rtn, outcome.exe_rtn) == ("failed", 1, 5)


def test_answers_to_other_requests_are_not_taken_for_this_one() -> None:
    talk = Talk()
    talk.say(data())
    talk.host.ask(NEW, "3012", (), "one", talk.now)
    asked = the_request(talk.wait(1))
    other = asked._replace(header={**asked.header, "QN": "20200101000000000"})
    assert not talk.answer(other, "9012", ExeRtn=1).outcomes
    assert talk.answer(asked, "9012", ExeRtn=1).outcomes


def test_data_that_come_for_a_request_are_its_answer_and_keep_it_alive() -> None:
    talk = Talk()
    talk.say(data())
    times = (("BeginTime", "20260801100000"), ("EndTime", "20260801120000"))
    talk.host.ask(NEW, "2061", times, "history", talk.now)
    asked = the_request(talk.wait(1))
    assert asked.cp == dict(times)
    talk.answer(asked, "9011", QnRtn=1)
    for hour in ("10", "11"):
        assert not talk.wait(50).outcomes
        assert talk.say(data(NEW, "2061", talk.now, time=f"20260801{hour}0000")).records
    (outcome,) = talk.answer(asked, "9012", ExeRtn=1).outcomes
    assert outcome.result == "done"
    assert [answer[:23] for answer in outcome.answers] == [
        "DataTime=20260801100000",
        "DataTime=20260801110000",
    ]


def test_what_was_accepted_and_not_carried_out_is_given_up() -> None:
    talk = Talk(replace(QUIET, execution=60, ask_execution=600))
    talk.say(data())
    talk.host.ask(NEW, "3012", (), "sample", talk.now)
    talk.answer(the_request(talk.wait(1)), "9011", QnRtn=1)
    assert not talk.wait(599).outcomes
    (outcome,) = talk.wait(1).outcomes
    assert (outcome.result, outcome.qn_rtn, outcome.sent) == ("timeout", 1, 1)


def test_the_last_answer_of_2005_is_acknowledged_and_found_without_its_sender() -> None:
    talk = Talk()
    talk.say(data(OLD))
    talk.host.ask(OLD, "1011", (), "time", talk.now)
    asked = the_request(talk.wait(1))
    qn = asked.header["QN"]
    talk.say(encode({"ST": "91", "CN": "9011", "Flag": "0"}, f"QN={qn};QnRtn=1"))
    effects = talk.say(encode({"ST": "91", "CN": "9012", "Flag": "1"}, f"QN={qn};ExeRtn=1"))
    assert [outcome.result for outcome in effects.outcomes] == ["done"]
    ((_, answer),) = effects.answers
    assert read(answer).cp == {"QN": qn, "CN": "9012"}


def test_requests_to_a_device_with_a_key_are_enciphered_where_they_must_be() -> None:
    talk = Talk()
    talk.say(data(CIPHER))
    talk.host.ask(
        CIPHER, "2061", (("BeginTime", "20260801100000"), ("EndTime", "20260801120000")), "a", talk.now
    )
    ((_, sent),) = talk.wait(1).sends
    assert b"BeginTime" not in sent
    asked = read(sent)
    assert (asked.cipher, asked.cp["BeginTime"], asked.flag) == ("device", "20260801100000", 9)
    talk.answer(asked, "9012", ExeRtn=1)
    talk.host.ask(CIPHER, "1062", (("RtdInterval", "30"),), "b", talk.now)
    assert b"RtdInterval=30" in talk.wait(1).sends[0][1]


# -- what people ask ---------------------------------------------------------------------------------------------------


def test_what_a_person_asks_goes_first() -> None:
    talk = Talk(FIRST)
    asked = the_request(talk.say(data()))
    talk.host.ask(NEW, "3012", (), "now", talk.now)
    talk.answer(asked, "9011", QnRtn=1)
    assert commands(talk.answer(asked, "9012", ExeRtn=1)) == ["3012"]


def test_a_question_waits_for_the_device_but_not_for_ever() -> None:
    talk = Talk()
    talk.host.ask(NEW, "3012", (), "early", talk.now)
    assert not talk.wait(59).outcomes
    assert commands(talk.say(data(at=talk.now))) == ["3012"]
    talk.hang_up()
    talk.host.ask(NEW, "3012", (), "late", talk.now)
    assert not talk.wait(59).outcomes
    assert [outcome.result for outcome in talk.wait(1).outcomes] == ["not_connected"]


@pytest.mark.parametrize(
    ("mn", "command", "result"),
    [("F" * 24, "3012", "unknown_device"), (NEW, "9014", "unwritable"), (NEW, "777", "unwritable")],
)
def test_what_cannot_be_asked_is_said_at_once(mn: str, command: str, result: str) -> None:
    outcome = Talk().host.ask(mn, command, (), "x", NOON)
    assert outcome is not None
    assert outcome.result == result


def test_what_cannot_be_written_ends_and_lets_the_next_one_through() -> None:
    talk = Talk()
    talk.say(data())
    talk.host.ask(NEW, "3012", (("PolId", "a;b&&"),), "bad", talk.now)
    talk.host.ask(NEW, "3012", (("PolId", "w01018"),), "good", talk.now)
    effects = talk.wait(1)
    assert [(outcome.wanted.name, outcome.result) for outcome in effects.outcomes] == [("bad", "unwritable")]
    assert the_request(effects).cp == {"PolId": "w01018"}


def test_numbers_of_requests_are_never_the_same() -> None:
    talk = Talk()
    talk.say(data())
    numbers = set()
    for _ in range(5):
        talk.host.ask(NEW, "2012", (), "stop", talk.now)
        asked = the_request(talk.wait(0))
        numbers.add(asked.header["QN"])
        assert [outcome.result for outcome in talk.answer(asked, "9013").outcomes] == ["done"]
    assert len(numbers) == 5


# -- clocks ------------------------------------------------------------------------------------------------------------


def send_with_clock(talk: Talk, *seconds_off: int) -> list[str]:
    told = []
    for off in seconds_off:
        talk.now += 30 * SECOND
        effects = talk.say(data(at=talk.now + off * SECOND))
        for asked in read_sends(effects):
            told.append(asked.header["CN"])
            talk.answer(asked, "9012", ExeRtn=1)
    return told


def test_a_clock_that_is_off_is_set_but_seldom() -> None:
    talk = Talk(CLOCKS)
    assert send_with_clock(talk, 300, 300) == []
    assert send_with_clock(talk, 300) == ["1012"]
    assert talk.host.contacts[NEW].clock.offset == 300 * SECOND
    assert send_with_clock(talk, *[300] * 20) == []
    talk.now += 3600 * SECOND
    assert send_with_clock(talk, *[300] * 3) == ["1012"]


def test_what_was_delayed_says_nothing_about_the_clock() -> None:
    talk = Talk(CLOCKS)
    assert send_with_clock(talk, -7200, -3600, 0, -7200, -10, -7200) == []
    assert send_with_clock(talk, -400, -500, -700) == ["1012"]
    assert talk.host.contacts[NEW].clock.offset == -400 * SECOND


# -- gaps --------------------------------------------------------------------------------------------------------------


def send_minutes(talk: Talk, *times: str) -> None:
    for time in times:
        assert talk.say(data(NEW, "2051", talk.now, time=f"20260801{time}00", value=time)).records


def test_what_is_missing_is_asked_for_in_one_stretch() -> None:
    talk = Talk(GAPS)
    send_minutes(talk, "1140", "1150")
    talk.now += 3600 * SECOND
    send_minutes(talk, "1240", "1250")
    talk.now += 70 * SECOND
    effects = talk.wait(600)
    asked = the_request(effects)
    assert asked.header["CN"] == "2051"
    assert asked.cp == {"BeginTime": "20260801120000", "EndTime": "20260801124000"}
    talk.answer(asked, "9011", QnRtn=1)
    send_minutes(talk, "1200", "1210", "1220", "1230")
    talk.answer(asked, "9012", ExeRtn=1)
    assert all("2051" not in commands(talk.wait(61)) for _ in range(3))


def test_what_a_device_does_not_have_is_not_asked_for_twice() -> None:
    talk = Talk(GAPS)
    send_minutes(talk, "1140", "1150")
    talk.now += 3600 * SECOND
    send_minutes(talk, "1240")
    asked = the_request(talk.wait(60))
    assert talk.host.contacts[NEW].missing == 4
    talk.answer(asked, "9011", QnRtn=1)
    talk.answer(asked, "9012", ExeRtn=100)
    assert all("2051" not in commands(talk.wait(61)) for _ in range(3))
    assert talk.host.contacts[NEW].missing == 0


def test_a_device_that_does_not_answer_is_asked_later_and_then_not_again() -> None:
    talk = Talk(replace(GAPS, gap_retry=1000))
    send_minutes(talk, "1140", "1150")
    talk.now += 3600 * SECOND
    send_minutes(talk, "1240", "1250")
    asked = 0
    for _ in range(400):
        # The hour that is missing too is somebody else's.
        sent = [
            packet for packet in read_sends(talk.wait(10)) if packet.cp.get("BeginTime") == "20260801120000"
        ]
        asked += sum(packet.header["CN"] == "2051" for packet in sent)
    assert asked == 3 * 4


def test_who_does_not_know_the_request_is_left_alone_for_the_day() -> None:
    talk = Talk(GAPS)
    send_minutes(talk, "1140", "1150")
    talk.now += 3600 * SECOND
    send_minutes(talk, "1240")
    talk.answer(the_request(talk.wait(60)), "9011", QnRtn=8)
    assert all("2051" not in commands(talk.wait(61)) for _ in range(60))
    assert talk.host.contacts[NEW].refusals["2051"] == 8


def test_what_is_still_being_made_up_for_is_waited_for() -> None:
    talk = Talk(GAPS)
    talk.now += 6 * 3600 * SECOND
    asked = []

    def wait(seconds: int) -> list[str]:
        asked.extend(packets := read_sends(talk.wait(seconds)))
        for packet in packets:
            talk.answer(packet, "9012", ExeRtn=100)
        return [packet.header["CN"] for packet in packets]

    send_minutes(talk, "1200")
    for time in ("1210", "1220", "1240"):
        assert "2051" not in wait(30)
        send_minutes(talk, time)
    assert "2051" in wait(61) + wait(2)
    minutes = [packet.cp["BeginTime"] for packet in asked if packet.header["CN"] == "2051"]
    assert minutes[0] == "20260801123000"


def test_only_so_many_gaps_a_day() -> None:
    talk = Talk(replace(GAPS, gap_requests_a_day=2))
    talk.now += 10 * 3600 * SECOND
    send_minutes(talk, *(f"{hour}00" for hour in range(12, 22)))
    asked = 0
    for _ in range(30):
        for packet in read_sends(talk.wait(61)):
            asked += 1
            talk.answer(packet, "9012", ExeRtn=100)
    assert asked == 2
    assert talk.host.contacts[NEW].asked_gaps == 2


def test_intervals_known_from_the_store_are_not_missed() -> None:
    talk = Talk(GAPS)
    talk.say(data())
    talk.now += 3 * 3600 * SECOND
    for minutes in range(0, 180, 10):
        if minutes != 50:
            talk.host.recall_interval(NEW, "2051", local_seconds(NOON) + minutes * 60, talk.now)
    asked = the_request(talk.wait(1))
    assert asked.header["CN"] == "2051"
    assert asked.cp == {"BeginTime": "20260801125000", "EndTime": "20260801130000"}
    # Until the store has been read nothing is missed at all.
    talk = Talk(GAPS)
    talk.host.errands.remembers = False
    talk.say(data())
    assert not talk.wait(3 * 3600).sends


@given(st.sets(st.integers(0, 80)), st.integers(0, 90), st.sampled_from(["2051", "2061", "2031"]))
def test_missing_is_what_is_due_and_did_not_come(came: set[int], current: int, command: str) -> None:
    kind = KINDS[command]
    intervals = Intervals(kind, 10, NOON)
    seconds = intervals.seconds
    begin = local_seconds(NOON) // seconds
    now = NOON + current * seconds * SECOND
    for index in came:
        intervals.note((begin + index) * seconds, now, 0)
    # Which are due, by the definition.
    due = [
        begin + index
        for index in range(current + 1)
        if (begin + index + 1) * seconds + kind.grace <= local_seconds(now)
        and (begin + index) * seconds >= (local_seconds(now) - kind.window) // seconds * seconds
    ]
    lost = [index for index in due if index - begin not in came]
    assert intervals.count_missing(now) == len(lost)
    found = []
    while (stretch := intervals.find_missing(now)) is not None:
        assert stretch.count <= kind.longest
        found += [stretch.begin // seconds + place for place in range(stretch.count)]
        intervals.settle(stretch)
    assert found == lost


def test_times_that_cannot_be_are_not_noted() -> None:
    intervals = Intervals(KINDS["2061"], 10, NOON)
    for seconds in (0, local_seconds(NOON) + 10**9):
        intervals.note(seconds, NOON, 0)
    assert intervals.count_missing(NOON) == 0
    assert Stretch("2061", 0, 3600, 3).end == 3 * 3600


@given(st.lists(st.integers(0, 30)), st.integers(1, 8))
def test_the_last_packets_are_recognised(numbers: list[int], most: int) -> None:
    repeats = Repeats(most)
    held: list[int] = []
    for number in numbers:
        assert repeats.meet(b"packet %d" % number) == (number in held)
        if number not in held:
            held = [*held, number][-most:]


def test_times_are_local_whatever_the_zone() -> None:
    assert write_moment(local_time(NOON)) == "20260801120000"
    (frame,) = scan([data()])
    assert decode(frame).header["QN"].startswith("20260801120000")
    assert Settings().overtime == 10
