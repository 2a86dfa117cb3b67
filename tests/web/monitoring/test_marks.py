"""What operators mark and take back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from web.monitoring.happenings import BEGIN, make_event
from web.monitoring.works import NOW, NOX, Works


def test_a_mark_with_its_answer_or_neither(works: Works) -> None:
    from muheng.web.monitoring.actions.events import answer
    from muheng.web.monitoring.actions.marks import Stretch
    from muheng.web.monitoring.models import EventStep, Mark, Point
    from muheng.web.refusal import Refused

    event = make_event(works)
    Point.objects.update(stale=False)
    stretch = Stretch("plant_failure", BEGIN, BEGIN + timedelta(hours=5), "喷氨泵跳闸")
    backwards = Stretch("plant_failure", BEGIN, BEGIN - timedelta(hours=1))
    with pytest.raises(Refused) as wrong:
        answer(works.owner, event, cause="治理设施故障", note="泵跳闸", mark=backwards)
    assert wrong.value.at == "end"
    assert not EventStep.objects.exists()
    answer(works.owner, event, cause="治理设施故障", note="泵跳闸", mark=stretch)
    mark = Mark.objects.get()
    assert (mark.point, mark.by, mark.at) == (works.dry_stack, works.owner, NOW)
    assert Point.objects.get(stale=True) == works.dry_stack  # judged again


def test_marks_that_cannot_be(works: Works) -> None:
    from muheng.web.monitoring.actions.marks import Stretch, add_mark
    from muheng.web.refusal import Refused

    def refused(mark: str, begin_days: float, days: float | None = 1, who: object = None) -> str:
        begin = NOW + timedelta(days=begin_days)
        end = None if days is None else begin + timedelta(days=days)
        with pytest.raises(Refused) as found:
            add_mark(who or works.owner, works.stack, Stretch(mark, begin, end))  # type: ignore[arg-type]
        return found.value.what

    assert "请选标记什么" in refused("holiday", -1)
    assert "35 天" in refused("maintenance", -36)
    assert "提前" in refused("maintenance", 32)
    assert "企业自己" in refused("maintenance", -1, who=works.officer)
    assert "企业自己" in refused("maintenance", -1, who=works.people.other_owner)
    add_mark(works.owner, works.stack, Stretch("maintenance", NOW - timedelta(days=2), None))
    assert "已经标记过" in refused("maintenance", -1)
    add_mark(works.owner, works.stack, Stretch("calibration", NOW - timedelta(days=1), NOW))


def test_withdrawn_with_a_reason(works: Works) -> None:
    from muheng.web.monitoring.actions.marks import Stretch, add_mark, end_mark, withdraw_mark
    from muheng.web.monitoring.models import Mark
    from muheng.web.notices.models import Notice
    from muheng.web.refusal import Refused

    begun = NOW - timedelta(days=1)
    mark = add_mark(works.owner, works.stack, Stretch("maintenance", begun))
    end_mark(works.owner, mark, NOW)
    assert Mark.objects.get().end == NOW
    with pytest.raises(Refused):
        withdraw_mark(works.owner, mark, "")
    with pytest.raises(Refused):
        withdraw_mark(works.people.other_owner, mark, "不是我的")
    withdraw_mark(works.county_officer, mark, "没有维护记录")
    held = Mark.objects.get()
    assert (held.withdrawn_by, held.withdrawn_note) == (works.county_officer, "没有维护记录")
    assert Notice.objects.get(person=works.owner).subject_line == "标记没有被认可：1号锅炉排口"
    with pytest.raises(Refused):
        withdraw_mark(works.county_officer, mark, "再来一次")


def test_an_officer_refuses_a_mark_on_the_events_page(works: Works) -> None:
    from django.test import Client

    from muheng.web.monitoring.actions.events import answer
    from muheng.web.monitoring.actions.marks import Stretch
    from muheng.web.monitoring.models import Mark

    event = make_event(works)
    stretch = Stretch("maintenance", BEGIN, BEGIN + timedelta(hours=5))
    answer(works.owner, event, cause="其他", note="维护", mark=stretch)
    mark = Mark.objects.get()
    officer = Client()
    officer.force_login(works.county_officer)
    page = officer.get(f"/monitoring/events/{event.number}/").content.decode()
    assert f"/monitoring/marks/{mark.pk}/act/" in page
    assert officer.post(f"/monitoring/marks/{mark.pk}/act/", {"note": "没有维护记录"}).status_code == 302
    assert Mark.objects.get().withdrawn_by == works.county_officer
    page = officer.get(f"/monitoring/events/{event.number}/").content.decode()
    assert "已撤回" in page
    assert f"/monitoring/marks/{mark.pk}/act/" not in page


def test_who_marks_only_afterwards_is_a_suspicion_with_each_time(works: Works) -> None:
    """Marks made on the site, each when the limit had been passed; made in advance they are none."""
    from django.test import Client

    from muheng.web.monitoring.judging import judge_due
    from muheng.web.monitoring.models import Hour, Mark, Suspicion

    begins = [BEGIN - timedelta(days=days) for days in (9, 6, 3)]
    for begin in begins:
        for hour in Hour.objects.filter(
            point=works.dry_stack, time__gte=begin, time__lt=begin + timedelta(hours=4)
        ):
            hour.values[NOX] = [88.0, "N", 60]
            hour.save()
        Mark.objects.create(
            point=works.dry_stack,
            mark="plant_failure",
            begin=begin,
            end=begin + timedelta(hours=4),
            by=works.owner,
            at=begin - timedelta(hours=1),
        )
    judge_due(NOW)
    assert not Suspicion.objects.filter(kind="afterwards").exists()
    for mark in Mark.objects.all():
        mark.at = mark.begin + timedelta(hours=9)
        mark.save()
    works.dry_stack.stale = True
    works.dry_stack.save()
    judge_due(NOW + timedelta(minutes=2))
    seen = Suspicion.objects.get(kind="afterwards")
    # The fourth time, of the last day, was not marked at all.
    assert "3 次" in seen.seen["zh"]
    assert [each["mark"] for each in seen.seen["cases"]] == ["plant_failure"] * 3
    client = Client()
    client.force_login(works.county_officer)
    page = client.get(f"/monitoring/suspicions/{seen.pk}/").content.decode()
    assert page.count("生产或治理设施故障") == 3
    assert "值班人员按班次补记" in page
    assert "超过限值以后才标记" in client.get("/monitoring/suspicions/").content.decode()
