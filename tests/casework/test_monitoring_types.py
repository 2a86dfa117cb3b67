"""Alerts, patrols and field checks: what one leads to, and that alerts of before there were field checks still read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from casebook import CALENDAR, load

from muheng.casework.history import Actor, Event, replay, take
from muheng.casework.standing import Standing
from muheng.documents.message import Refusal

BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
LOOKED = {"data": "正常", "video": "异常", "power": "正常", "dcs": "未查看", "ledger": "正常"}


def event(number: int, act: str, part: Any = "handler", **data: Any) -> Event:
    return Event(number, BEGIN + timedelta(hours=number), act, Actor(part), data)


def opened(kind: str) -> Event:
    return event(1, "open", "room", kind=kind, fields={"title": "1号锅炉 氮氧化物"}, organisation=3)


def test_an_alert_that_was_handed_over_before_still_reads() -> None:
    alert = load("alert")
    before = [opened("exceedance"), event(2, "transfer", note="连续两天超标")]
    assert replay(alert, before, CALENDAR).state == "transferred"
    with pytest.raises(Refusal, match="写明引出了哪一件"):
        take(alert, replay(alert, before[:1], CALENDAR), before[1], CALENDAR)
    child = {"case": "XX-2026-000001", "type": "field_check"}
    now = take(
        alert,
        replay(alert, before[:1], CALENDAR),
        event(2, "transfer", "room", note="三十天内第三次", child=child),
        CALENDAR,
    )
    assert now.state == "transferred"
    assert [each.type for each in now.children.values()] == ["field_check"]


def test_a_patrol_says_of_everything_whether_it_was_looked_at() -> None:
    patrol = load("patrol")
    standing = replay(patrol, [opened("sampled")], CALENDAR)
    partly = {name: value for name, value in LOOKED.items() if name != "ledger"}
    with pytest.raises(Refusal, match="台账"):
        take(patrol, standing, event(2, "find_normal", fields=partly), CALENDAR)
    child = {"case": "BJ-2026-000009", "type": "alert"}
    with pytest.raises(Refusal, match="写明引出了哪一件"):
        take(patrol, standing, event(2, "find_abnormal", fields=LOOKED, note="风机停了数据仍在变"), CALENDAR)
    found = event(2, "find_abnormal", fields=LOOKED, note="风机停了数据仍在变", child=child)
    assert take(patrol, standing, found, CALENDAR).state == "abnormal"
    assert not patrol.shown_to_enterprise
    assert not load("field_check").shown_to_enterprise


def test_a_field_check_ends_only_with_its_record() -> None:
    check = load("field_check")

    def on_site() -> Standing:
        return replay(
            check, [opened("exceedance"), event(2, "arrive", fields={"arrived_on": "2026-03-02"})], CALENDAR
        )

    assert on_site().state == "on_site"
    told = {"finding": "旁路阀半开", "evidence": "照片三张"}
    record = [{"label": "现场检查笔录", "name": "笔录.pdf", "sha256": "0" * 64}]
    with pytest.raises(Refusal, match="现场检查笔录"):
        take(check, on_site(), event(3, "find_nothing", fields=told), CALENDAR)
    ends = {
        "find_nothing": ("no_violation", {"fields": told, "files": record}),
        "file": ("filed", {"fields": told | {"file_number": "示例〔2026〕1号"}, "files": record}),
    }
    for act, (state, data) in ends.items():
        assert take(check, on_site(), event(3, act, **data), CALENDAR).state == state
    held = take(check, on_site(), event(3, "attach", files=record), CALENDAR)
    child = {"case": "ZG-2026-000001", "type": "rectification"}
    assert take(check, held, event(4, "order", fields=told, child=child), CALENDAR).state == "ordered"
