"""What somebody with a device, an account or a list in hand might try."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from django.test import Client

from muheng.monitoring.store.segments import Record, SegmentWriter
from web.monitoring.happenings import BEGIN
from web.monitoring.rows import make_rows, put_fresh
from web.monitoring.works import COD, NOW, NOX, OVER_HOURS, Works

TODAY = datetime(2026, 11, 20)
HUGE = 1.7e308
HOUR = timedelta(hours=1)
FLOW, OXYGEN = "a00000", "a19001"


@pytest.fixture
def store(tmp_path: Path, settings: object) -> Path:
    settings.HOME = tmp_path  # type: ignore[attr-defined]
    folder = tmp_path / "monitoring"
    folder.mkdir()
    return folder


def hostile(mn: str) -> list[pl.DataFrame]:
    """What the receiver takes, because its length and checksum are right."""
    minutes = [TODAY.replace(hour=7, minute=10 * each) for each in range(6)]
    return [
        make_rows(mn, "realtime", [minutes[-1]], {NOX: [HUGE], OXYGEN: [10.0], "a34013": [2.5]}),
        make_rows(mn, "minute", minutes, {NOX: [HUGE] * 6, FLOW: [HUGE] * 6}, totals={FLOW: [HUGE] * 6}),
        make_rows(mn, "hour", [TODAY], {NOX: [-HUGE], "a\0b": [1.0], "": [1.0], "9" * 300: [1.0]}),
        make_rows(mn, "hour", [TODAY], {"a21026": [12.5]}, flag="N\0" + "\ue000" * 900),
    ]


def test_a_device_that_sends_nonsense_holds_up_nobody(works: Works, store: Path) -> None:
    from muheng.web.monitoring.judging import judge_due
    from muheng.web.monitoring.models import Hour, Latest
    from muheng.web.monitoring.moments import to_aware
    from muheng.web.monitoring.taking import take_fresh

    wrong, right = works.devices[0].mn, works.devices[2].mn
    put_fresh(store, 1, *hostile(wrong), make_rows(right, "hour", [TODAY], {COD: [44.0]}))
    assert take_fresh(NOW)[0] == 1
    taken = Hour.objects.get(point=works.water, time=to_aware(TODAY))
    assert taken.values[COD] == [44.0, "N", 60]
    latest = Latest.objects.get(point=works.stack)
    assert latest.values[NOX]["value"] is None
    assert latest.values["a34013"]["value"] == 2.5
    hour = Hour.objects.get(point=works.stack, time=to_aware(TODAY)).values
    assert hour[NOX][0] is None
    assert hour["a21026"][0] == 12.5
    assert hour["a21026"][1].startswith("N\ue000")
    assert {factor for factor in hour if not factor.isalnum() or len(factor) > 20} == set()
    assert judge_due(NOW) == 3


def test_a_clock_that_is_ahead_neither_stops_the_board_nor_fills_hours_beforehand(
    works: Works, store: Path
) -> None:
    from muheng.web.monitoring.models import Hour, Latest
    from muheng.web.monitoring.taking import take_fresh

    mn, ahead = works.devices[0].mn, TODAY + timedelta(days=300)
    put_fresh(
        store,
        1,
        make_rows(mn, "realtime", [ahead], {NOX: [1.0]}, received=TODAY),
        make_rows(mn, "hour", [ahead], {NOX: [1.0]}, received=TODAY),
    )
    take_fresh(NOW)
    assert not Hour.objects.filter(time__gt=NOW).exists()
    put_fresh(store, 2, make_rows(mn, "realtime", [TODAY], {NOX: [500.0]}))
    take_fresh(NOW)
    assert Latest.objects.get(point=works.stack).values[NOX]["value"] == 500.0


def enter(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def test_quarantine_shows_no_password_and_nothing_of_other_counties(works: Works, store: Path) -> None:
    own, other = works.devices[0].mn, works.devices[2].mn
    script = "<script>alert(1)</script>"
    sent = {
        mn: f"ST=31;CN=2011;PW=s3cret;MN={mn};Flag=5;CP=&&DataTime=x;{mark}&&"
        for mn, mark in ((own, script), (other, "=cmd()"), ("F" * 24, "stranger"))
    }
    received = int((NOW - timedelta(minutes=5)).timestamp() * 1_000_000)
    with SegmentWriter(store / "segments") as writer:
        writer.append(
            [
                Record(received, mn, "192.0.2.7:1", "crc", b"##9999" + text.encode())
                for mn, text in sent.items()
            ]
        )
    for user, seen in ((works.officer, {own, other, "F" * 24}), (works.county_officer, {own, "F" * 24})):
        page = enter(user).get("/monitoring/devices/quarantine/").content.decode()
        assert {mn for mn in sent if mn in page} == seen
        assert "s3cret" not in page
        assert script not in page
    asked = f"/monitoring/devices/quarantine/?mn={other}"
    assert "192.0.2.7" not in enter(works.county_officer).get(asked).content.decode()


def test_an_ask_of_ones_own_device_is_not_an_enterprises(works: Works) -> None:
    found = enter(works.owner).post(f"/monitoring/points/{works.stack.pk}/asks/", {"command": "3012"})
    assert found.status_code == 403
    assert "捕集率" not in found.content.decode()


def test_what_cannot_be_asked_or_kept_is_said(works: Works) -> None:
    """Stretches that never were, an oxygen that would excuse everything, limits with a million digits."""
    from muheng.web.monitoring.models import Point

    officer, at = enter(works.officer), f"/monitoring/points/{works.stack.pk}/"
    for query in ("span=99999999999999999", "span=1&to=2000-01-01", "points=1&from=0001-01-01T00:00"):
        for page in ("", "series.json", "values.csv"):
            assert officer.get(f"{at}{page}?{query}").status_code == 200, query
    for oxygen in ("NaN", "21", "-1", "1e99", "sNaN", "Infinity"):
        given = {"act": "point", "name": "x", "reference_oxygen": oxygen}
        assert officer.post(f"{at}edit/", given).status_code == 422, oxygen
    for most in ("1e999999999", "1e400", "1e-400", "NaN", "0"):
        given = {"act": "limit", "factor": NOX, "most": most, "since": "2026-11-20"}
        assert officer.post(f"{at}edit/", given).status_code == 422, most
    asked = {"command": "3012", "factor": "w01018;CN=1000,&&"}
    assert officer.post(f"{at}asks/", asked).status_code == 422
    for day in ("0001-01-01", "9999-12-31"):
        assert enter(works.owner).get(f"/monitoring/mine/proof/?day={day}").status_code == 200, day
        assert officer.get(f"/monitoring/proofs/?day={day}").status_code == 200, day
    kept = Point.objects.get(pk=works.stack.pk)
    assert (kept.reference_oxygen, kept.limits) == (6, works.stack.limits)


def test_a_formula_in_the_list_of_a_round(works: Works) -> None:
    from muheng.web.monitoring.actions.patrols import draw_round
    from muheng.web.monitoring.models import Point

    Point.objects.update(name='=HYPERLINK("x")')
    made = draw_round(works.officer, "抽查", 1, [works.officer])
    listed = enter(works.officer).get(f"/monitoring/patrols/rounds/{made.pk}/candidates.csv").content.decode()
    assert listed.count("'=HYPERLINK") == 3


def test_a_mark_that_was_refused_does_not_come_again_unseen(works: Works) -> None:
    from muheng.web.monitoring.actions.marks import Stretch, add_mark, withdraw_mark
    from muheng.web.notices.models import Notice

    begun = NOW - timedelta(days=1)
    own = add_mark(works.owner, works.stack, Stretch("calibration", begun, NOW))
    withdraw_mark(works.owner, own, "写错了")
    mark = add_mark(works.owner, works.stack, Stretch("maintenance", begun, NOW))
    withdraw_mark(works.county_officer, mark, "没有维护记录")
    assert not Notice.objects.filter(person=works.county_officer).exists()
    add_mark(works.owner, works.stack, Stretch("plant_failure", begun + timedelta(hours=1), None, "又坏了"))
    told = Notice.objects.get(person=works.county_officer)
    assert told.subject_line == "没有认可的时段又标记了：1号锅炉排口"
    add_mark(works.owner, works.stack, Stretch("calibration", NOW, None))
    assert Notice.objects.filter(person=works.county_officer).count() == 1
    assert not Notice.objects.filter(person=works.owner, subject_line__contains="又标记").exists()


def test_a_mark_does_not_make_an_event_vanish_unseen(works: Works) -> None:
    from muheng.web.monitoring.actions.marks import Stretch, add_mark
    from muheng.web.monitoring.judging import judge_points
    from muheng.web.monitoring.models import Event, EventStep
    from muheng.web.notices.models import Notice

    judge_points([works.dry_stack.pk], NOW)
    event = Event.objects.get(point=works.dry_stack, factor=NOX)
    Notice.objects.all().delete()
    later = NOW + timedelta(minutes=30)
    mark = add_mark(
        works.owner, works.dry_stack, Stretch("plant_failure", BEGIN, BEGIN + OVER_HOURS * HOUR), at=later
    )
    judge_points([works.dry_stack.pk], NOW + timedelta(hours=1))
    event.refresh_from_db()
    assert event.gone
    step = event.steps.get(kind=EventStep.Kind.GONE)
    assert step.detail["marks"] == [mark.pk]
    told = Notice.objects.get(person=works.county_officer)
    assert told.subject_line.startswith("标记后不再成立，请核实标记：")
    assert told.href == f"/monitoring/events/{event.number}/"
    assert event.number in enter(works.county_officer).get("/monitoring/events/").content.decode()
