"""What somebody who reaches the port, or a file of the store, might try with the receiver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from receiver_line import Line, kept, passive, read_state, receive, wait_for

from monitored_devices import NEW, NOON, data
from muheng.monitoring.dialogue.times import SECOND
from muheng.monitoring.hj212.encoding import encode


@pytest.mark.parametrize("asked", ["[]", "null", '{"mn": "x", "command": "3012", "cp": [1]}', "[" * 50_000])
def test_an_ask_that_is_none_does_not_end_it(tmp_path: Path, asked: str) -> None:
    with receive(tmp_path) as receiving, Line(receiving.port) as line:
        (tmp_path / "asks" / "7.json").write_text(asked)
        done = wait_for(lambda: list((tmp_path / "asks").glob("7.done.json")))
        assert json.loads(done[0].read_text())["result"] == "unreadable"
        line.say(data())
        line.hear()


def test_names_that_nobody_has_are_kept_for_a_while_and_remembered_nowhere(tmp_path: Path) -> None:
    """Each connection may try three times, each minute keeps so many, and the state does not grow."""
    with receive(tmp_path, passive(most_quarantined=50)) as receiving:
        for number in range(40):
            with Line(receiving.port) as line:
                line.say(*(data(f"{number * 3 + each:024X}") for each in range(1, 4)))
                assert line.hear_end() == b""
        with Line(receiving.port) as line:
            line.say(data(at=NOON + SECOND))
            line.hear()
            state = wait_for(lambda: (found := read_state(tmp_path))["by_device"] and found)
    assert list(state["by_device"]) == [NEW]
    assert state["counts"]["unknown_device"] == 120
    refused = [record for record in kept(tmp_path) if record.verdict]
    # A minute may have ended between them.
    assert 50 <= len(refused) <= 100
    assert {record.verdict for record in refused} == {"unknown_device"}


def test_long_frames_of_strangers_do_not_fill_the_disk(tmp_path: Path) -> None:
    header = {
        "QN": "20260801120000000",
        "ST": "31",
        "CN": "2011",
        "PW": "123456",
        "MN": "F" * 24,
        "Flag": "4",
    }
    long = encode(header, "DataTime=20260801120000;a21026-Rtd=" + "1" * 8000)
    with receive(tmp_path, passive(most_quarantined=40)) as receiving:
        for _ in range(10):
            with Line(receiving.port) as line:
                line.say(long * 3)
                assert line.hear_end() == b""
        wait_for(lambda: read_state(tmp_path)["counts"].get("unknown_device") == 30)
    assert sum(len(record.raw) for record in kept(tmp_path)) <= 2 * 40 * 1024
    assert read_state(tmp_path)["counts"]["not_kept"] >= 20
