"""Points as judgement reads them, and whose they are."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from web.monitoring.works import COD, DAYS, NOX, START, Works


def test_outlet_of_a_point(works: Works) -> None:
    from muheng.web.monitoring.points import limits_on, outlet_of

    outlet = outlet_of(works.stack)
    assert outlet.id == str(works.stack.pk)
    assert outlet.reference_oxygen == 6.0
    assert outlet.pollutants[0] == NOX
    works.water.limits = [
        {"factor": COD, "most": "80", "until": "2026-11-01"},
        {"factor": COD, "most": "50", "from": "2026-11-01"},
    ]
    assert limits_on(works.water, date(2026, 10, 31))[COD].most == 80
    assert limits_on(works.water, date(2026, 11, 1))[COD].most == 50


def test_marks_reach_as_far_as_they_were_made(works: Works) -> None:
    from muheng.web.monitoring.models import Mark
    from muheng.web.monitoring.moments import to_aware
    from muheng.web.monitoring.points import marks_of

    begin = datetime(2026, 11, 3, 8)
    given = {"point": works.stack, "begin": to_aware(begin), "by": works.owner, "at": to_aware(begin)}
    Mark.objects.create(mark="maintenance", **given)
    Mark.objects.create(mark="calibration", withdrawn_at=to_aware(begin), **given)
    until = begin + timedelta(hours=5)
    (mark,) = marks_of([works.stack.pk, works.water.pk], until)[str(works.stack.pk)]
    assert (mark.mark, mark.begin, mark.end) == ("maintenance", begin, until)


def test_scope(works: Works) -> None:
    from muheng.web.monitoring.models import Hour
    from muheng.web.monitoring.moments import to_local
    from muheng.web.monitoring.queries.scope import points_for

    def seen(user: object) -> set[int]:
        return set(points_for(user).values_list("pk", flat=True))  # type: ignore[arg-type]

    everything = {point.pk for point in works.points}
    assert seen(works.officer) == everything
    assert seen(works.county_officer) == {works.stack.pk, works.dry_stack.pk}
    assert seen(works.owner) == {works.stack.pk, works.dry_stack.pk}
    assert seen(works.people.other_owner) == {works.water.pk}
    assert seen(works.people.data_clerk) == set()
    assert Hour.objects.filter(point=works.stack).count() == DAYS * 24
    first = Hour.objects.filter(point=works.stack).order_by("time").first()
    assert first is not None
    assert to_local(first.time) == datetime(START.year, START.month, START.day)
