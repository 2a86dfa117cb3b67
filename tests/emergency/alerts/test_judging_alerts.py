"""From a forecast to a proposal: levels exact at their boundaries, merging, causes, raising, lowering, lifting, words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.casework.standing import CHINA
from muheng.documents.message import Refusal
from muheng.emergency.alert_rules import COMMON as FILES
from muheng.emergency.alert_rules import (
    LEVELS,
    AlertRules,
    Condition,
    Pollutant,
    load_alert_file,
    load_alert_rules,
)
from muheng.emergency.alerts import Current, Judgement, Override, judge
from muheng.emergency.alerts_episodes import find_episodes
from muheng.emergency.alerts_explanation import explain_judgement, judgement_json
from muheng.emergency.forecast import Kind, Series, Value, assess_value, make_series, rate_value
from muheng.emergency.inventory.model import Level

RULES = load_alert_rules()[0]
START = datetime(2026, 11, 20, tzinfo=CHINA)
EARLY = START - timedelta(days=3)
DAY = timedelta(days=1)


def make(
    aqi: Sequence[int | None], kind: Kind = "daily", primary: Sequence[Pollutant] | None = ("PM2.5",)
) -> Series:
    step = DAY if kind == "daily" else timedelta(hours=1)
    return make_series(
        kind, [rate_value(START + step * at, kind, each, primary) for at, each in enumerate(aqi)]
    )


def mix(*days: tuple[int, Pollutant | None]) -> Series:
    values = [
        rate_value(START + DAY * at, "daily", aqi, None if primary is None else (primary,))
        for at, (aqi, primary) in enumerate(days)
    ]
    return make_series("daily", values)


def level_of(aqi: Sequence[int | None], rules: str = "CN-2024", kind: Kind = "daily") -> Level | None:
    return judge(make(aqi, kind), RULES[rules], EARLY).level


def said(judgement: Judgement) -> str:
    return "\n".join(map(str, explain_judgement(judgement)))


# -- levels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "aqi", "level"),
    [
        ("CN-2024", [200], None),
        ("CN-2024", [201], "yellow"),
        ("CN-2024", [150, 150], None),
        ("CN-2024", [151], None),
        ("CN-2024", [151, 151], "yellow"),
        ("CN-2024", [151, 150, 90, 151], None),
        ("CN-2024", [151, 151, 151], "orange"),
        ("CN-2024", [201, 201], "orange"),
        ("CN-2024", [201, 200], "yellow"),
        ("CN-2024", [201, 201, 201], "orange"),
        ("CN-2024", [301, 301], "orange"),
        ("CN-2024", [201, 300, 201], "orange"),
        ("CN-2024", [201, 301, 201], "red"),
        ("CN-2024", [500], "yellow"),
        ("CN-2018", [499], None),
        ("CN-2018", [500], "red"),
        ("CN-2018", [201], None),
        ("CN-2018", [201, 201], "yellow"),
        ("CN-2018", [200, 200, 200, 200, 200], None),
        ("CN-2018", [201, 201, 201], "orange"),
        ("CN-2018", [201, 201, 201, 201], "orange"),
        ("CN-2018", [201, 301, 201, 201], "orange"),
        ("CN-2018", [201, 301, 301, 201], "red"),
    ],
)
def test_levels_of_days(rules: str, aqi: list[int | None], level: Level | None) -> None:
    assert level_of(aqi, rules) == level


@pytest.mark.parametrize(
    ("rules", "aqi", "level"),
    [
        ("CN-2024", [151] * 47, None),
        ("CN-2024", [151] * 48, "yellow"),
        ("CN-2024", [151] * 71, "yellow"),
        ("CN-2024", [151] * 72, "orange"),
        ("CN-2024", [201], "yellow"),
        ("CN-2024", [201] * 47, "yellow"),
        ("CN-2024", [201] * 48, "orange"),
        ("CN-2024", [201] * 48 + [301] * 23 + [201], "orange"),
        ("CN-2024", [201] * 48 + [301] * 24, "red"),
        ("CN-2018", [201] * 47, None),
        ("CN-2018", [201] * 48, "yellow"),
        ("CN-2018", [201] * 95, "orange"),
        ("CN-2018", [201] * 48 + [301] * 48, "red"),
    ],
)
def test_levels_of_running_means_by_the_hour(rules: str, aqi: list[int | None], level: Level | None) -> None:
    assert level_of(aqi, rules, "hourly") == level


def test_start_end_and_the_latest_moment() -> None:
    found = judge(make([90, 165, 180, 172, 90, 90]), RULES["CN-2024"], EARLY)
    assert (found.action, found.level, found.cuts) == ("issue", "orange", True)
    assert (found.starts, found.ends) == (START + DAY, START + DAY * 4)
    assert (found.issue_by, found.late) == (START, False)
    assert found.may_lift_at == START + DAY * 4
    assert "11月21日 165、11月22日 180、11月23日 172，计 72 小时" in said(found)
    assert "日AQI>150 持续 72 小时及以上" in said(found)


@pytest.mark.parametrize(("minutes", "late"), [(0, False), (1, True)])
def test_notice_is_counted_to_the_minute(minutes: int, late: bool) -> None:
    now = START - timedelta(hours=24) + timedelta(minutes=minutes)
    found = judge(make([210, 210]), RULES["CN-2024"], now)
    assert found.late is late
    assert ("请立即发布" in said(found)) is late


def test_clean_air_asks_for_nothing() -> None:
    found = judge(make([90, 120, 60]), RULES["CN-2024"], EARLY)
    assert (found.action, found.level, found.episode, found.issue_by) == ("none", None, None, None)
    assert said(found) == "预报期内没有达到预警条件，不需要发布预警。"


def test_what_has_passed_asks_for_nothing() -> None:
    series = make([210, 210, 90, 90])
    assert judge(series, RULES["CN-2024"], START + DAY).level == "orange"
    assert judge(series, RULES["CN-2024"], START + DAY * 2 - timedelta(minutes=1)).level == "orange"
    assert judge(series, RULES["CN-2024"], START + DAY * 2).action == "none"


# -- merging -----------------------------------------------------------------------------------------


def test_two_episodes_too_close_are_one() -> None:
    found = judge(make([210, 210, 120, 210, 90, 90]), RULES["CN-2018"], EARLY)
    assert found.level == "orange"
    assert found.episode is not None
    assert len(found.episodes) == 1
    assert found.episode.merged == ((2, 2),)
    assert found.episode.unbroken == "yellow"
    assert (found.starts, found.ends) == (START, START + DAY * 4)
    assert "转好 24 小时，没有超过解除所需的 36 小时，前后按一次过程计算" in said(found)
    assert "只算最长的一段，黄色预警" in said(found)


def test_two_days_of_clean_air_part_them() -> None:
    found = judge(make([210, 210, 120, 120, 210, 210]), RULES["CN-2018"], EARLY)
    assert found.level == "yellow"
    assert [each.starts for each in found.episodes] == [START, START + DAY * 4]
    assert found.may_lift_at == START + DAY * 2


@pytest.mark.parametrize(("gap", "episodes"), [(36, 1), (37, 2)])
def test_the_gap_is_counted_to_the_hour(gap: int, episodes: int) -> None:
    series = make([210] * 48 + [200] * gap + [210] * 48, "hourly")
    assert len(find_episodes(series, RULES["CN-2018"])) == episodes


def test_a_city_may_count_the_longest_stretch_only() -> None:
    text = (FILES / "CN-2018.toml").read_text("utf-8").replace('"together"', '"longest"')
    rules, _ = load_alert_file(text)
    assert rules is not None
    series = make([210, 210, 120, 210, 210])
    found = judge(series, rules, EARLY)
    assert (found.level, len(found.episodes)) == ("yellow", 1)
    assert found.ends == START + DAY * 5
    assert judge(series, RULES["CN-2018"], EARLY).level == "orange"


def test_what_is_missing_neither_counts_nor_clears() -> None:
    found = judge(make([210, None, 210, 90, None]), RULES["CN-2018"], EARLY)
    assert found.level == "yellow"
    assert found.may_lift_at is None
    assert "2 个时段没有 AQI" in said(found)


# -- causes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("primary", "cause", "word"),
    [("O3", "ozone", "臭氧"), ("PM10", "dust", "沙尘"), ("SO2", "other", "其他污染物")],
)
def test_other_causes_start_no_cuts(primary: Pollutant, cause: str, word: str) -> None:
    found = judge(mix((210, primary), (230, primary)), RULES["CN-2024"], EARLY)
    assert (found.action, found.level, found.cuts) == ("health", None, False)
    assert found.cause is not None
    assert found.cause.id == cause
    assert found.episode is not None
    assert (found.episode.level, found.episode.cut_level) == ("orange", None)
    assert f"首要污染物：{word} 48 小时" in said(found)


def test_only_the_hours_of_pm25_start_cuts() -> None:
    found = judge(mix((210, "PM10"), (210, "PM2.5"), (90, None)), RULES["CN-2024"], EARLY)
    assert (found.action, found.level) == ("issue", "yellow")
    assert found.starts == START + DAY
    assert "只按启动减排的污染物计，是黄色预警；连同其他污染物计，是橙色预警" in said(found)


def test_pollutants_that_tie_count_for_both() -> None:
    series = make([210, 210], primary=("O3", "PM2.5"))
    assert judge(series, RULES["CN-2024"], EARLY).level == "orange"


def test_pm25_counts_by_its_own_index_where_concentrations_are_known() -> None:
    """Ozone above it does not hide an episode of PM2.5."""
    values = [
        assess_value(START + DAY * at, "daily", {"PM2.5": 160, "O3-8h": 400}, _OTHERS) for at in range(2)
    ]
    assert values[0].primary == ("O3",)
    found = judge(make_series("daily", values), RULES["CN-2024"], EARLY)
    assert (found.level, found.cuts) == ("orange", True)


def test_nobody_guesses_a_cause() -> None:
    found = judge(make([210, 210], primary=None), RULES["CN-2024"], EARLY)
    assert (found.action, found.level, found.cause) == ("decide", None, None)
    assert "请先认定成因" in said(found)


def test_a_person_may_find_the_cause() -> None:
    series = make([210, 210])
    found = judge(
        series, RULES["CN-2024"], EARLY, override=Override("transboundary", "卫星监测到境外秸秆焚烧")
    )
    assert (found.action, found.level) == ("health", None)
    assert "成因由人认定为境外传输：卫星监测到境外秸秆焚烧" in said(found)
    found = judge(
        make([210, 210], primary=("PM10",)), RULES["CN-2024"], EARLY, override=Override("pm25", "组分分析")
    )
    assert (found.action, found.level) == ("issue", "orange")
    with pytest.raises(Refusal, match="要写理由"):
        judge(series, RULES["CN-2024"], EARLY, override=Override("dust", " "))


def test_a_tier_below_yellow() -> None:
    rules = RULES["CN-2024-tier"]
    assert judge(make([110, 110]), rules, EARLY).action == "tier"
    assert judge(make([110]), rules, EARLY).action == "none"
    assert judge(make([151]), rules, EARLY).action == "tier"
    assert judge(make([151, 151]), rules, EARLY).action == "issue"
    assert judge(make([110, 110], primary=("O3",)), rules, EARLY).action == "none"
    found = judge(make([90, 110, 120, 90, 90]), rules, EARLY)
    assert (found.starts, found.ends, found.may_lift_at) == (START + DAY, START + DAY * 3, START + DAY * 3)
    assert said(found).startswith("未达到预警条件，建议临时管控")


# -- with an alert in force --------------------------------------------------------------------------

LONG_AGO = START - timedelta(days=4)


def test_a_worse_forecast_raises_the_alert() -> None:
    found = judge(make([210, 210, 210]), RULES["CN-2024"], START, Current("yellow", START - DAY))
    assert (found.action, found.level) == ("upgrade", "orange")
    assert found.late
    assert said(found).startswith("建议由黄色预警升为橙色预警（Ⅱ级响应）")


def test_the_same_forecast_keeps_it() -> None:
    found = judge(make([210, 210, 90, 90]), RULES["CN-2024"], START, Current("orange", START - DAY))
    assert (found.action, found.level, found.held) == ("keep", "orange", None)
    assert found.may_lift_at == START + DAY * 2


def test_a_better_forecast_lowers_it_when_it_lasts() -> None:
    found = judge(make([210, 140, 90]), RULES["CN-2024"], START, Current("orange", LONG_AGO))
    assert (found.action, found.level) == ("downgrade", "yellow")


def test_a_level_that_is_new_is_not_lowered() -> None:
    """Levels do not swing: the higher one is kept."""
    series = make([210, 140, 90])
    steady = timedelta(hours=36)
    assert judge(series, RULES["CN-2024"], START, Current("orange", START - steady)).held == "recent"
    after = judge(series, RULES["CN-2024"], START, Current("orange", START - steady - timedelta(minutes=1)))
    assert after.action == "downgrade"


def test_a_short_forecast_does_not_lower_it() -> None:
    found = judge(make([210]), RULES["CN-2024"], START, Current("orange", LONG_AGO))
    assert (found.action, found.level, found.held) == ("keep", "orange", "horizon")
    found = judge(make([210, None, 90]), RULES["CN-2024"], START, Current("orange", LONG_AGO))
    assert found.held == "horizon"


@pytest.mark.parametrize(("clean", "action"), [(36, "keep"), (37, "lift")])
def test_it_is_lifted_when_the_air_stays_clean_for_longer_than_36_hours(clean: int, action: str) -> None:
    now = START + timedelta(hours=10)
    series = make([210] * 10 + [150] * clean + [160], "hourly")
    assert judge(series, RULES["CN-2024"], now, Current("yellow", LONG_AGO)).action == action


def test_air_above_the_line_keeps_it() -> None:
    found = judge(make([151, 90, 90]), RULES["CN-2024"], START, Current("yellow", LONG_AGO))
    assert (found.action, found.held, found.may_lift_at) == ("keep", "above_line", START + DAY)


def test_an_alert_outlives_no_forecast_that_says_nothing() -> None:
    found = judge(make([210, 210]), RULES["CN-2024"], START + DAY * 5, Current("orange", LONG_AGO))
    assert (found.action, found.held) == ("keep", "past")


def test_a_forecast_that_begins_later_lifts_then() -> None:
    found = judge(make([90, 90]), RULES["CN-2024"], START - timedelta(hours=9), Current("yellow", LONG_AGO))
    assert (found.action, found.held, found.may_lift_at) == ("keep", "ahead", START)


def test_dust_behind_it_is_for_a_person_to_say() -> None:
    series = mix((210, "PM10"), (210, "PM10"), (90, None))
    found = judge(series, RULES["CN-2024"], START, Current("orange", LONG_AGO))
    assert (found.action, found.held) == ("keep", "cause")
    dusty = Override("dust", "沙尘已过境")
    assert judge(series, RULES["CN-2024"], START, Current("orange", LONG_AGO), dusty).action == "lift"


def test_an_unknown_cause_keeps_it() -> None:
    found = judge(make([210, 210], primary=None), RULES["CN-2024"], START, Current("yellow", LONG_AGO))
    assert (found.action, found.level, found.held) == ("keep", "yellow", "unknown")
    known = judge(
        make([210, 210], primary=None),
        RULES["CN-2024"],
        START,
        Current("yellow", LONG_AGO),
        Override("pm25", "组分分析"),
    )
    assert (known.action, known.level) == ("upgrade", "orange")


def test_the_next_episode_does_not_keep_this_alert() -> None:
    series = make([90, 90, 210, 210])
    found = judge(series, RULES["CN-2024"], START, Current("orange", LONG_AGO))
    assert found.action == "lift"
    assert "此后 2026年11月22日0时 至 2026年11月24日0时 另有一次过程，按现在的预报达到橙色预警。" in said(
        found
    )


# -- properties --------------------------------------------------------------------------------------

INDICES = [40, 100, 101, 150, 151, 180, 200, 201, 250, 300, 301, 400, 499, 500]
AQI = st.sampled_from(INDICES)
DAYS = st.lists(st.one_of(st.none(), AQI), min_size=1, max_size=12)
RULE_SETS = st.sampled_from(sorted(RULES))
_OTHERS = ["PM10", "SO2", "NO2", "CO"]


def rank(level: Level | None) -> int:
    return -1 if level is None else LEVELS.index(level)


@given(RULE_SETS, st.lists(AQI, min_size=1, max_size=12), st.data())
def test_a_worse_forecast_never_lowers_the_level(rules: str, aqi: list[int], data: st.DataObject) -> None:
    worse = [data.draw(st.sampled_from([more for more in INDICES if more >= each])) for each in aqi]
    now = START + timedelta(hours=data.draw(st.integers(-48, 24 * len(aqi))))
    mild, bad = (judge(make(each), RULES[rules], now) for each in (aqi, worse))
    highest_mild = max((rank(each.level) for each in mild.episodes), default=-1)
    assert max((rank(each.level) for each in bad.episodes), default=-1) >= highest_mild
    due = max((rank(each.level) for each in _all_due(mild)), default=-1)
    assert max((rank(each.level) for each in _all_due(bad)), default=-1) >= due


def _all_due(found: Judgement) -> list[Judgement]:
    """What the series asks for now and, once that has passed, after it."""
    listed = [found]
    while listed[-1].ends is not None and listed[-1].ends > listed[-1].now:
        listed.append(judge(found.series, found.rules, listed[-1].ends))
    return listed


@given(st.lists(st.tuples(st.integers(20, 400), st.integers(20, 700)), min_size=1, max_size=8), st.data())
def test_more_of_a_pollutant_never_lowers_the_level(days: list[tuple[int, int]], data: st.DataObject) -> None:
    def series(more: Sequence[tuple[int, int]]) -> Series:
        values = [
            assess_value(START + DAY * at, "daily", {"PM2.5": pm + a, "O3-8h": ozone + b}, _OTHERS)
            for at, ((pm, ozone), (a, b)) in enumerate(zip(days, more, strict=True))
        ]
        return make_series("daily", values)

    extra = [(data.draw(st.integers(0, 100)), data.draw(st.integers(0, 100))) for _ in days]
    mild, bad = (find_episodes(series(each), RULES["CN-2024"]) for each in ([(0, 0)] * len(days), extra))
    for pick in ("level", "cut_level"):
        least = max((rank(getattr(each, pick)) for each in mild), default=-1)
        assert max((rank(getattr(each, pick)) for each in bad), default=-1) >= least


@given(RULE_SETS, DAYS, st.integers(-2, 12))
def test_a_day_is_24_hours(rules: str, aqi: list[int | None], day: int) -> None:
    """Daily values and the same values hour by hour ask for the same."""
    now = START + DAY * day
    daily = judge(make(aqi), RULES[rules], now)
    hourly = judge(make([each for each in aqi for _ in range(24)], "hourly"), RULES[rules], now)
    for name in ("action", "level", "starts", "ends", "issue_by", "may_lift_at"):
        assert getattr(daily, name) == getattr(hourly, name)


@given(RULE_SETS, DAYS)
def test_levels_are_those_of_a_plain_reading(rules: str, aqi: list[int | None]) -> None:
    """Beside a reading without any cleverness: every pair of days, every clause."""
    found = find_episodes(make(aqi), RULES[rules])
    assert max((rank(each.level) for each in found), default=-1) == plain_level(aqi, RULES[rules])


def plain_level(aqi: Sequence[int | None], rules: AlertRules) -> int:
    """The highest level of any clause whose conditions hold within one and the same pair of days of one episode."""

    def joined(first: int, last: int, line: int) -> bool:
        """No clean spell longer than the rules ask between two days above the line."""
        spell = 0
        for each in aqi[first : last + 1]:
            spell = spell + 24 if each is not None and each <= line else 0
            if spell > rules.clear.more_than_hours:
                return False
        return True

    def holds(first: int, last: int, condition: Condition) -> bool:
        line = condition.line
        above = [at for at in range(first, last + 1) if (aqi[at] or 0) > line]
        return any(
            joined(a, b, line) and 24 * sum(a <= at <= b for at in above) >= (condition.hours or 1)
            for a in above
            for b in above
            if a <= b
        )

    polluted = [at for at, each in enumerate(aqi) if (each or 0) > rules.clear.at_most]
    spans = [(a, b) for a in polluted for b in polluted if a <= b and joined(a, b, rules.clear.at_most)]
    reached = [
        LEVELS.index(level.id)
        for level in rules.levels
        for clause in level.any
        for first, last in spans
        if all(holds(first, last, condition) for condition in clause.all)
    ]
    return max(reached, default=-1)


@settings(max_examples=40)
@given(RULE_SETS, DAYS, st.integers(-2, 12), st.one_of(st.none(), st.sampled_from(LEVELS)), st.integers(0, 5))
def test_every_proposal_can_be_said_in_both_languages(
    rules: str, aqi: list[int | None], day: int, level: Level | None, since: int
) -> None:
    now = START + DAY * day
    current = None if level is None else Current(level, now - DAY * since)
    found = judge(make(aqi), RULES[rules], now, current)
    told = judgement_json(found, "en")
    assert told["explanation"]
    assert not re.search(r"[\u4e00-\u9fff]", " ".join(told["explanation"]))
    assert said(found)
    if found.action in ("issue", "upgrade"):
        assert found.met
        assert all(each.level == found.level for each in found.met)
    if current is not None and found.action == "downgrade":
        assert rank(found.level) < rank(current.level)
    if found.issue_by is not None:
        assert found.starts is not None
        assert found.issue_by == found.starts - timedelta(hours=24)


@given(DAYS, st.integers(-2, 12), st.integers(1, 400))
def test_the_calendar_does_not_matter(aqi: list[int | None], day: int, shift: int) -> None:
    now = START + DAY * day
    found = judge(make(aqi), RULES["CN-2024"], now)
    moved_series = make_series("daily", [_moved(value, shift) for value in found.series.values])
    moved = judge(moved_series, RULES["CN-2024"], now + DAY * shift)
    assert (moved.action, moved.level) == (found.action, found.level)
    assert moved.starts == (None if found.starts is None else found.starts + DAY * shift)


def _moved(value: Value, days: int) -> Value:
    return rate_value(value.start + DAY * days, "daily", value.aqi, value.primary)
