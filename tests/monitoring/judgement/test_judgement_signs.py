"""Signs of falsified data: few on sound data, seen where something was done, always with what else may explain them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from muheng.monitoring.judgement.demo import SPOILS, copy_neighbour, make_hours, spoil
from muheng.monitoring.judgement.episodes import ALL
from muheng.monitoring.judgement.hours import Hours
from muheng.monitoring.judgement.judging import judge
from muheng.monitoring.judgement.outlet import Marked
from muheng.monitoring.judgement.rules import load_rules
from muheng.monitoring.judgement.signs import INNOCENT, NAMES, Sign
from muheng.monitoring.judgement.standing import find_touched

RULES = load_rules()[0]
assert RULES is not None
START = date(2025, 1, 1)


@pytest.fixture(scope="module")
def sound() -> list[Hours]:
    return make_hours(12, START, 180, seed=7)


def test_sound_data_raise_next_to_nothing(sound: list[Hours]) -> None:
    """Two hours lost in a row happen to sound data too, and are missing hours; nothing else should be seen."""
    kinds = [sign.kind for each in judge(sound, RULES) for sign in each.signs]
    assert set(kinds) <= {"missing"}
    assert len(kinds) <= 3


@pytest.mark.parametrize("how", SPOILS)
def test_what_was_done_is_seen_where_it_was_done(sound: list[Hours], how: str) -> None:
    seen = 0
    spoiled = [spoil(hours, how, seed) for seed, hours in enumerate(sound)]
    for (hours, begin, end), judged in zip(spoiled, judge([each[0] for each in spoiled], RULES), strict=True):
        since, until = hours.calendar.time_of(begin), hours.calendar.time_of(end)
        seen += any(sign.kind == how and sign.begin < until and sign.end > since for sign in judged.signs)
    assert seen >= len(spoiled) - 1


def test_a_copied_neighbour_is_seen_on_both(sound: list[Hours]) -> None:
    copied = copy_neighbour(sound[0], sound[1], 1000, 1060)
    found = judge([copied, *sound[1:]], RULES)
    signs = [sign for each in found for sign in each.signs if sign.kind == "copied_neighbour"]
    assert [(sign.outlet, sign.factor) for sign in signs] == [("DA0000", "a21002"), ("DA0001", "a21002")]
    assert signs[0].begin == copied.calendar.time_of(1008)
    assert signs[0].end == copied.calendar.time_of(1056)


def test_the_neighbours_yesterday_is_seen_too(sound: list[Hours]) -> None:
    shifted = replace(sound[0], values=sound[0].values.copy())
    shifted.values[3, 1200:1248] = sound[1].values[3, 1176:1224]
    found = judge([shifted, *sound[1:]], RULES)
    assert any(sign.kind == "copied_neighbour" and sign.outlet == "DA0000" for sign in found[0].signs)


def test_a_coarse_instrument_may_repeat_itself(sound: list[Hours]) -> None:
    """Values to the whole number repeat for hours; that is their way, and no flat line. Five days of the same are one."""
    coarse = replace(sound[0], values=np.round(sound[0].values))
    flat = [
        sign for sign in judge([coarse], RULES)[0].signs if sign.kind == "flat" and sign.factor == "a21002"
    ]
    assert flat == []
    long = replace(coarse, values=coarse.values.copy())
    long.values[2, 3000:3120] = 20.0
    flat = [sign for sign in judge([long], RULES)[0].signs if sign.kind == "flat" and sign.factor == "a21002"]
    since, until = long.calendar.time_of(3000), long.calendar.time_of(3120)
    assert flat
    assert all(since <= sign.begin and sign.end <= until for sign in flat)


def test_marks_explain_what_is_missing(sound: list[Hours]) -> None:
    lost, begin, _ = spoil(sound[0], "missing")
    assert any(sign.kind == "missing" for sign in judge([lost], RULES)[0].signs)
    hidden, _, _ = spoil(sound[0], "convenient")
    marked = replace(lost, marks=hidden.marks)
    (mark,) = [each for each in hidden.marks if each.mark == "maintenance"]
    at = lost.calendar.time_of(begin)
    moved = replace(marked.marks[-1], begin=at, end=at + (mark.end - mark.begin))
    explained = replace(lost, marks=(*lost.marks, moved))
    assert not any(sign.kind == "missing" and sign.begin == at for sign in judge([explained], RULES)[0].signs)


def fail(hours: Hours, begins: tuple[int, ...], late: int | None, mark: str = "plant_failure") -> Hours:
    """Four hours far over the limit at each, marked so many hours after they began; None: not known when."""
    values, valid = hours.values.copy(), hours.valid.copy()
    marks = []
    for begin in begins:
        values[2, begin : begin + 4], valid[2, begin : begin + 4] = 120.0 + begin % 7, True
        since = hours.calendar.time_of(begin)
        made = None if late is None else since + timedelta(hours=late)
        marks.append(Marked(mark, since, since + timedelta(hours=4), made))
    return replace(hours, values=values, valid=valid, marks=(*hours.marks, *marks))


def running(hours: Hours, count: int, since: int) -> tuple[int, ...]:
    """Hours two days apart in which the plant ran and nobody had marked anything."""
    free = ~hours.stopped
    for mark in hours.marks:
        begin, end = find_touched(hours, mark)
        free[max(begin - 8, 0) : end + 8] = False
    days = [at for at in range(since, since + 24 * 29, 48) if free[at : at + 4].all()]
    return tuple(days[:count])


def signs_of(hours: Hours, kind: str) -> list[Sign]:
    return [each for each in judge([hours], RULES)[0].signs if each.kind == kind]


@pytest.mark.parametrize("mark", ["plant_failure", "starting", "monitor_failure", "plant_stopped"])
def test_who_marks_only_when_the_limit_was_passed_is_seen_with_the_list(
    sound: list[Hours], mark: str
) -> None:
    begins = running(sound[0], 4, 2400)
    late = fail(sound[0], begins, 2, mark)
    (sign,) = signs_of(late, "afterwards")
    assert [each.begin for each in sign.cases] == [late.calendar.time_of(each) for each in begins]
    assert {each.mark for each in sign.cases} == {mark}
    assert all(each.made == each.begin + timedelta(hours=2) for each in sign.cases)
    assert (sign.begin, sign.end) == (sign.cases[0].begin, sign.cases[-1].begin + timedelta(hours=4))
    assert "4" in str(sign.seen)
    # Within the hour it is not known yet; and what nobody knows the time of says nothing.
    assert signs_of(fail(sound[0], begins, 1, mark), "afterwards") == []
    assert signs_of(fail(sound[0], begins, None, mark), "afterwards") == []


def test_few_times_or_few_of_them_are_no_habit(sound: list[Hours]) -> None:
    begins = running(sound[0], 9, 2400)
    assert len(begins) == 9
    assert signs_of(fail(sound[0], begins[:2], 3), "afterwards") == []
    some = fail(sound[0], begins[::4], 3)
    for begin in set(begins) - set(begins[::4]):
        some.values[2, begin : begin + 4] = 130.0
    assert signs_of(some, "afterwards") == []
    # Three, and then the next a season later: the three are one thing, the one is none.
    later = running(sound[0], 1, 3600)
    (sign,) = signs_of(fail(sound[0], (*begins[:3], *later), 3), "afterwards")
    assert len(sign.cases) == 3


def test_marks_of_the_plant_can_be_convenient_too(sound: list[Hours]) -> None:
    """What is said of the plant counts like what is said of the monitor; starting and stopping pass limits by nature."""
    begins = running(sound[0], 4, 2400)
    (sign,) = [
        each for each in signs_of(fail(sound[0], begins, None), "convenient") if each.factor == "a21002"
    ]
    assert "16" in str(sign.seen)
    assert signs_of(fail(sound[0], begins, None, "monitor_failure"), "convenient")
    assert signs_of(fail(sound[0], begins, None, "starting"), "convenient") == []
    assert signs_of(fail(sound[0], begins, None, "plant_other"), "convenient") == []


def test_what_is_past_the_cap_is_judged_and_not_convenient(sound: list[Hours]) -> None:
    """A failure that lasts a month uses up the 200 hours of its year: from then on it excuses nothing."""
    values = sound[0].values.copy()
    values[2, 2400:2640] = 120.0
    begin = sound[0].calendar.time_of(2000)
    long = Marked("plant_failure", begin, begin + timedelta(hours=800))
    hours = replace(sound[0], values=values, marks=(*sound[0].marks, long))
    found = judge([hours], RULES)[0]
    assert next(each.past_cap for each in found.marks if each.mark == "plant_failure") >= 600
    assert [each for each in found.signs if each.kind == "convenient" and each.factor == "a21002"] == []


def test_an_outlet_that_falls_silent_is_one_thing(sound: list[Hours]) -> None:
    lost, begin, end = spoil(sound[0], "missing")
    at = lost.calendar.time_of(begin)
    found = judge([lost], RULES)[0]
    signs = [each for each in found.signs if each.kind == "missing" and each.begin == at]
    assert [(each.factor, each.end) for each in signs] == [(ALL, lost.calendar.time_of(end))]
    events = [each for each in found.episodes if each.begin <= at <= each.last]
    assert [each.pollutant for each in events] == [ALL]
    alone = replace(sound[0], values=sound[0].values.copy(), valid=sound[0].valid.copy())
    alone.values[2, begin:end], alone.valid[2, begin:end] = np.nan, False
    alone.flagged[2, begin:end] = False
    found = judge([alone], RULES)[0]
    assert {each.factor for each in found.signs if each.kind == "missing" and each.begin == at} == {"a21002"}


def test_what_need_not_be_measured_is_not_missed_before_it_came(sound: list[Hours]) -> None:
    extra = np.full((1, sound[0].values.shape[1]), np.nan)
    extra[0, 2000:] = 60 + np.arange(extra.shape[1] - 2000) % 7
    extra[0, 3000:3010] = np.nan
    known = np.isfinite(extra)
    hours = replace(
        sound[0],
        factors=(*sound[0].factors, "a01012"),
        values=np.concatenate([sound[0].values, extra]),
        valid=np.concatenate([sound[0].valid, known]),
        flagged=np.concatenate([sound[0].flagged, np.zeros_like(known)]),
    )
    signs = [each for each in judge([hours], RULES)[0].signs if each.factor == "a01012"]
    missing = [each.begin for each in signs if each.kind == "missing"]
    assert hours.calendar.time_of(3000) in missing
    assert min(missing) > hours.calendar.time_of(2000)


def test_values_that_cannot_be(sound: list[Hours]) -> None:
    strange = replace(sound[0], values=sound[0].values.copy())
    strange.values[1, 500:503] = 24.0
    (sign,) = [each for each in judge([strange], RULES)[0].signs if each.kind == "range"]
    assert "24" in str(sign.seen)


def test_the_order_of_outlets_does_not_change_what_is_found(sound: list[Hours]) -> None:
    spoiled = [spoil(hours, how)[0] for hours, how in zip(sound, SPOILS, strict=False)]
    one, two = judge(spoiled, RULES), judge(spoiled[::-1], RULES)[::-1]
    assert [each.signs for each in one] == [each.signs for each in two]
    assert [each.episodes for each in one] == [each.episodes for each in two]
    assert [each.totals for each in one] == [each.totals for each in two]


def test_every_kind_has_a_name_and_innocent_causes_in_both_languages(sound: list[Hours]) -> None:
    assert set(NAMES) == set(INNOCENT)
    assert all(INNOCENT[kind] for kind in NAMES)
    lost, _, _ = spoil(sound[0], "missing")
    sign: Sign = judge([lost], RULES)[0].signs[0]
    assert sign.seen.render("en") != sign.seen.render("zh")
    assert sign.strength in ("weak", "clear", "strong")
