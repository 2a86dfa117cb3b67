"""Days that are over stand in one row: judged from these the hours say the same, and an hour that changes takes its day's row away."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from web.monitoring.works import CHINA, NOW, NOX, Works

HOUR = timedelta(hours=1)


def read(works: Works) -> Any:
    from muheng.web.monitoring.city_rules import city_rules
    from muheng.web.monitoring.judging import span_of
    from muheng.web.monitoring.window import read_window

    span = span_of(NOW)
    return read_window(works.points, span.begin, span.days, city_rules())


def settle(works: Works) -> None:
    from muheng.web.monitoring.settling import settle as settle_pairs

    settle_pairs(read(works).unsettled, NOW)


def assert_same(first: Any, second: Any) -> None:
    assert first.names == second.names
    for name in ("own", "values", "flags", "minutes"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def settled_days(point: Any) -> list[date]:
    from muheng.web.monitoring.models import SettledDay

    return list(SettledDay.objects.filter(point=point).order_by("day").values_list("day", flat=True))


@pytest.fixture
def uneven(works: Works) -> Works:
    """Hours as devices and people leave them: gaps, whole days without anything, odd flags, factors that come and go."""
    from muheng.web.monitoring.models import Hour

    draw = random.Random(4)
    gone = datetime(2026, 11, 2, tzinfo=CHINA)
    Hour.objects.filter(point=works.stack, time__gte=gone, time__lt=gone + timedelta(days=2)).delete()
    changed = []
    for hour in Hour.objects.all():
        if draw.random() < 0.05:
            for factor in list(hour.values):
                hour.values[factor] = draw.choice(
                    [[None, None, 0], [None, "D", 60], [draw.random(), "N", 44], [1.5, "XX", 60], [7, "", 60]]
                )
            hour.values.pop(draw.choice(sorted(hour.values)), None)
            hour.values["a99999"] = [3.0, "N", 60]
            changed.append(hour)
    Hour.objects.bulk_update(changed, ["values"], batch_size=500)
    return works


def test_settled_days_say_what_their_hours_said(uneven: Works) -> None:
    from muheng.web.monitoring.models import SettledDay

    by_hours = read(uneven)
    settle(uneven)
    by_days = read(uneven)
    assert_same(by_hours.grid, by_days.grid)
    assert by_days.unsettled == tuple((point.pk, NOW.date()) for point in uneven.points)
    assert len(by_hours.unsettled) == 35 * 3
    SettledDay.objects.filter(point=uneven.stack, day=date(2026, 10, 30)).delete()
    some = read(uneven)
    assert_same(by_hours.grid, some.grid)
    assert set(some.unsettled) == {(uneven.stack.pk, date(2026, 10, 30)), *by_days.unsettled}


def test_judged_from_settled_days_everything_is_found_as_before(uneven: Works) -> None:
    from muheng.monitoring.judgement.judging import judge
    from muheng.web.monitoring.city_rules import city_rules
    from muheng.web.monitoring.judging import judge_points, lay_points, span_of
    from muheng.web.monitoring.models import Event, SettledDay, Suspicion

    numbers = [point.pk for point in uneven.points]
    first = judge_points(numbers, NOW)
    assert SettledDay.objects.count() == 34 * 3
    kept = list(Event.objects.values()), list(Suspicion.objects.values())
    assert all(kept)
    again = judge_points(numbers, NOW)
    assert (list(Event.objects.values()), list(Suspicion.objects.values())) == kept
    whole = judge(lay_points(uneven.points, span_of(NOW), city_rules()), city_rules())
    for one, two, three in zip(first, again, whole, strict=True):
        assert one.episodes == two.episodes == three.episodes
        assert one.signs == two.signs == three.signs
        assert not one.totals
        assert three.totals


def test_an_hour_that_changes_takes_the_row_of_its_day_away(works: Works) -> None:
    from muheng.web.monitoring.models import Hour

    settle(works)
    days = settled_days(works.stack)
    assert days[-1] == date(2026, 11, 19)

    def lost() -> list[date]:
        found = sorted(set(days) - set(settled_days(works.stack)))
        assert settled_days(works.water) == days
        settle(works)
        assert settled_days(works.stack) == days
        return found

    first = Hour.objects.get(point=works.stack, time=datetime(2026, 11, 3, 0, tzinfo=CHINA))
    first.values = {NOX: [88.0, "N", 60]}
    first.save()
    assert lost() == [date(2026, 11, 3)]
    last = Hour.objects.filter(point=works.stack, time=datetime(2026, 11, 5, 23, tzinfo=CHINA))
    last.update(values={})
    assert lost() == [date(2026, 11, 5)]
    last.delete()
    assert lost() == [date(2026, 11, 5)]
    late = [
        Hour(point=works.stack, time=datetime(2026, 11, day, 23, tzinfo=CHINA), values={NOX: [day, "N", 60]})
        for day in (5, 7)
    ]
    Hour.objects.bulk_create(
        late, update_conflicts=True, unique_fields=["point", "time"], update_fields=["values", "of_minutes"]
    )
    assert lost() == [date(2026, 11, 5), date(2026, 11, 7)]
    window = read(works).grid
    row = list(window.names).index(NOX)
    assert window.own[0, row]
    place = int(window.own.reshape(-1)[: row + 1].sum()) - 1
    begin = (date(2026, 11, 3) - date(2026, 10, 17)).days * 24
    assert window.values[place, begin] == 88
    assert window.values[place, begin + 24 * 5 - 1] == 7


def test_a_day_is_settled_some_hours_after_its_end(works: Works) -> None:
    from muheng.web.monitoring.settling import settle as settle_pairs

    pair = (works.stack.pk, date(2026, 11, 19))
    settle_pairs([pair], datetime(2026, 11, 20, 5, 59, tzinfo=CHINA))
    assert settled_days(works.stack) == []
    for _twice in range(2):
        settle_pairs([pair], datetime(2026, 11, 20, 6, 0, tzinfo=CHINA))
        assert settled_days(works.stack) == [pair[1]]


def test_old_days_go_with_their_hours(works: Works) -> None:
    from muheng.web.monitoring.taking import KEEP, clear_old_hours

    settle(works)
    until = datetime(2026, 11, 5, tzinfo=CHINA)
    clear_old_hours(until + KEEP)
    assert settled_days(works.stack)[0] == date(2026, 11, 5)
