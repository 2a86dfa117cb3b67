"""Who sends what another sent: looked for once a day among all points, however far apart they stand in the list."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from web.monitoring.works import NOW, NOX, Works

BEGIN = datetime(2026, 11, 10, 6)
HOURS = 60


def copy_hours(works: Works, lag: int = 0) -> None:
    """The dry stack sends the nitrogen oxides of the other, or what that had sent before."""
    from muheng.web.monitoring.models import Hour
    from muheng.web.monitoring.moments import to_aware
    from muheng.web.monitoring.points import judge_again

    for at in range(HOURS):
        time = to_aware(BEGIN + timedelta(hours=at))
        source = Hour.objects.get(point=works.stack, time=time - timedelta(hours=lag))
        mine = Hour.objects.get(point=works.dry_stack, time=time)
        mine.values[NOX] = source.values[NOX]
        mine.save()
    judge_again(works.dry_stack)


def suspicions() -> list[object]:
    from muheng.web.monitoring.models import Suspicion

    return list(Suspicion.objects.filter(kind="copied_neighbour").order_by("point"))


@pytest.mark.parametrize("lag", [0, 48])
def test_twins_that_are_never_held_together_are_found(
    works: Works, monkeypatch: pytest.MonkeyPatch, lag: int
) -> None:
    from muheng.web.monitoring import copying
    from muheng.web.monitoring.judging import judge_due
    from muheng.web.monitoring.models import Suspicion

    # Points one by one: nothing of two is in memory but when the two are looked at again.
    monkeypatch.setattr(copying, "AT_ONCE", 1)
    copy_hours(works, lag)
    while judge_due(NOW):
        pass
    assert suspicions() == []
    assert copying.compare_all(NOW) == 2
    found = Suspicion.objects.filter(kind="copied_neighbour").order_by("point")
    assert [each.point for each in found] == [works.stack, works.dry_stack]
    enterprise = works.stack.enterprise.name
    assert f"{enterprise} 熔炼炉排口" in found[0].seen["zh"]
    assert f"{enterprise} 1号锅炉排口" in found[1].seen["zh"]
    assert all(each.factor == NOX and each.seen["en"] != each.seen["zh"] for each in found)
    # The next day they are the same; judging takes nothing away.
    later = NOW + timedelta(days=1)
    while judge_due(later):
        pass
    assert copying.compare_all(later) == 2
    assert [each.pk for each in suspicions()] == [each.pk for each in found]  # type: ignore[attr-defined]
    assert not Suspicion.objects.filter(kind="copied_neighbour", gone=True).exists()


def test_what_is_no_copy_any_more_is_gone(works: Works) -> None:
    from muheng.web.monitoring.copying import compare_all
    from muheng.web.monitoring.models import Hour, Suspicion
    from muheng.web.monitoring.moments import to_aware

    copy_hours(works)
    assert compare_all(NOW) == 2
    for at in range(HOURS):
        hour = Hour.objects.get(point=works.dry_stack, time=to_aware(BEGIN + timedelta(hours=at)))
        hour.values[NOX] = [20 + at * 0.37, "N", 60]
        hour.save()
    assert compare_all(NOW + timedelta(days=1)) == 0
    assert set(Suspicion.objects.filter(kind="copied_neighbour").values_list("gone", flat=True)) == {True}
