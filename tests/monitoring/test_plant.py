"""The invented plant: the same at any moment however it is asked, within its limits when sound, and troubled as told."""

from datetime import datetime, timedelta
from typing import get_args

import numpy as np
import pytest

from muheng.monitoring.plant import (
    ACIDITY,
    LIMITS,
    NOX,
    OXYGEN,
    REFERENCE_OXYGEN,
    SO2,
    Kind,
    Plant,
    Trouble,
    TroubleKind,
    invent_plant,
    summarise,
)

BEGIN = datetime(2026, 3, 1, 22)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def stack(*troubles: Trouble, seed: int = 5, neighbour: Plant | None = None) -> Plant:
    return Plant("stack", seed, LIMITS["stack"], 6.0, troubles, neighbour)


def test_the_same_whenever_and_however_it_is_asked() -> None:
    plant = stack()
    whole = plant.measure(BEGIN, 240)
    again = np.concatenate([stack().measure(BEGIN + at * MINUTE, 16) for at in range(0, 240, 16)], axis=1)
    assert np.array_equal(whole, again)
    assert not np.array_equal(whole, stack(seed=6).measure(BEGIN, 240))


def test_a_sound_plant_keeps_its_limits_and_is_never_still() -> None:
    for kind in get_args(Kind):
        plant = Plant(kind, 5, LIMITS[kind], REFERENCE_OXYGEN[kind])
        for hour in range(48):
            found = summarise(plant, BEGIN + hour * HOUR, 60)
            for factor, limit in plant.limits:
                one = found[factor]
                judged = one.mean if one.converted is None else one.converted[0]
                assert 0 < judged < limit
                assert one.least < one.mean < one.most
        if plant.kind == "water":
            assert 6 < found[ACIDITY].mean < 9


def test_an_hour_is_made_of_its_minutes() -> None:
    plant = stack()
    hour = summarise(plant, BEGIN, 60)
    tens = [summarise(plant, BEGIN + at * MINUTE, 10) for at in range(0, 60, 10)]
    assert hour[SO2].mean == pytest.approx(sum(ten[SO2].mean for ten in tens) / 6)
    assert hour[SO2].total == pytest.approx(sum(ten[SO2].total or 0 for ten in tens))
    assert hour[SO2].most == max(ten[SO2].most for ten in tens)


def test_it_exceeds_from_when_it_is_told_to() -> None:
    plant = stack(Trouble("exceed", BEGIN + HOUR, BEGIN + 3 * HOUR, NOX, 1.5))
    means = [summarise(plant, BEGIN + hour * HOUR, 60)[NOX].converted for hour in range(4)]
    over = [mean is not None and mean[0] > 50 for mean in means]
    assert over == [False, True, True, False]
    assert means[1] is not None
    assert means[1][0] == pytest.approx(75, rel=0.07)


@pytest.mark.parametrize("kind", ["flat", "clipped", "copied", "missing", "flag"])
def test_each_trouble_is_seen_in_its_factor_alone(kind: TroubleKind) -> None:
    other = stack(seed=9)
    plant = stack(Trouble(kind, BEGIN, BEGIN + HOUR, NOX, flag="M"), neighbour=other)
    row = plant.factors.index(NOX)
    values, sound = plant.measure(BEGIN, 60), stack().measure(BEGIN, 60)
    same = np.array_equal(values[row], sound[row])
    found = summarise(plant, BEGIN, 60).get(NOX)
    if kind == "flat":
        assert len(set(values[row])) == 1
    elif kind == "clipped":
        assert found is not None
        assert found.converted is not None
        assert 0.96 * 50 < found.converted[1] <= found.converted[2] <= 50.01
    elif kind == "copied":
        assert np.array_equal(values[row], other.measure(BEGIN, 60)[row])
    elif kind == "missing":
        assert found is None
    else:
        assert same
        assert found is not None
        assert found.flag == "M"
    assert same == (kind == "flag")
    assert np.array_equal(values[plant.factors.index(OXYGEN)], sound[plant.factors.index(OXYGEN)])


def test_calibrated_once_a_week_and_the_hour_says_so() -> None:
    plant = stack()
    flags = [summarise(plant, BEGIN + hour * HOUR, 60) for hour in range(168)]
    assert [found[NOX].flag for found in flags].count("C") == 1
    assert all(found[OXYGEN].flag == "N" for found in flags)


def test_plants_of_unknown_devices_are_of_all_kinds() -> None:
    assert {invent_plant(f"{number:024X}").kind for number in range(40)} == set(get_args(Kind))
