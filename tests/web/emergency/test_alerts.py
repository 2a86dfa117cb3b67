"""Forecasts and alerts: what is refused, who may, what departs from the rules, what is told and kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from web.emergency.population import NOW, START, Town, enter, issue, propose


def refused(run: Callable[[], Any]) -> Any:
    from muheng.web.refusal import Refused

    with pytest.raises(Refused) as found:
        run()
    return found.value


def test_a_forecast_is_judged_when_it_is_entered(town: Town) -> None:
    forecast = enter(town, 210, 220, 100, 60)
    assert forecast.judgement["level"] == "orange"
    assert forecast.judgement["cuts"] is True
    assert forecast.judgement["cause"] == "pm25"
    assert forecast.judgement["explanation"]
    assert len(forecast.judgement["explanation_en"]) == len(forecast.judgement["explanation"])
    from muheng.web.emergency.forecasts import read_series

    assert [each.aqi for each in read_series(forecast).values] == [210, 220, 100, 60]


def test_ozone_calls_for_no_cuts(town: Town) -> None:
    forecast = enter(town, 210, 220, primary="O3")
    assert forecast.judgement["level"] is None
    assert forecast.judgement["action"] == "health"


def test_another_signs(town: Town) -> None:
    from muheng.web.audit.models import Entry
    from muheng.web.emergency.actions import alerts
    from muheng.web.emergency.models import Alert
    from muheng.web.notices.models import Notice

    alert = propose(town)
    assert alert.state == Alert.State.PROPOSED
    assert Notice.objects.filter(person=town.issuer, urgent=True).exists()
    assert refused(lambda: alerts.issue_alert(town.officer, alert, number="1")).status == 403
    # Who may issue and has proposed may not sign what they proposed.
    from muheng.web.people.actions import appoint, take_roles

    appoint(town.issuer, take_roles()["air_officer"], town.people.root)
    town.issuer.__dict__.pop("_posts", None)
    alerts.withdraw_alert(town.officer, alert, reason="重新提出")
    forecast = enter(town, 210, 220, 100, 60)
    own = alerts.propose_alert(
        town.issuer,
        town.people.root,
        level="orange",
        starts_at=START,
        ends_at=START + timedelta(days=2),
        reason="预报",
        forecast=forecast,
    )
    found = refused(lambda: alerts.issue_alert(town.issuer, own, number="1"))
    assert (found.status, found.what) == (403, "预警由您提出，不能由您签发。")
    assert Entry.objects.filter(verb="emergency.propose").count() == 2


def test_one_alert_at_a_time(town: Town) -> None:
    from muheng.web.emergency.actions import alerts

    alert = propose(town)
    assert "已有一次预警" in refused(lambda: propose(town)).what
    alerts.withdraw_alert(town.officer, alert, reason="会商后不启动")
    assert "未启动" in refused(lambda: alerts.withdraw_alert(town.officer, alert, reason="再来")).what
    propose(town)


def test_what_departs_from_the_rules_is_said_and_remembered(town: Town) -> None:
    from muheng.web.emergency.actions import alerts

    forecast = enter(town, 120, 110, 90)

    def ask(**more: Any) -> Any:
        return alerts.propose_alert(
            town.officer,
            town.people.root,
            level="yellow",
            starts_at=START,
            ends_at=START + timedelta(days=1),
            reason="省里区域联动通知",
            forecast=forecast,
            **more,
        )

    found = refused(ask)
    assert (found.code, found.at) == ("departs", "despite")
    assert "预报没有达到启动减排的条件" in found.what
    assert ask(despite=True).steps.get().departs is True


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"level": "blue"}, "level"),
        ({"reason": "  \u200b "}, "reason"),
        ({"ends_at": START}, "ends_at"),
        ({"ends_at": START + timedelta(days=90)}, "ends_at"),
        ({"starts_at": NOW + timedelta(days=40), "ends_at": NOW + timedelta(days=41)}, "starts_at"),
        ({"cause": "smoke"}, "cause"),
        ({"rules": "CN-1999"}, "rules"),
    ],
)
def test_what_cannot_be_proposed(town: Town, change: dict[str, Any], at: str) -> None:
    from muheng.web.emergency.actions import alerts
    from muheng.web.emergency.models import Alert

    values: dict[str, Any] = {
        "level": "orange",
        "starts_at": START,
        "ends_at": START + timedelta(days=2),
        "reason": "预报",
        "forecast": enter(town, 210, 220, 100, 60),
    }
    found = refused(lambda: alerts.propose_alert(town.officer, town.people.root, **(values | change)))
    assert (found.status, found.at) == (422, at)
    assert not Alert.objects.exists()


def test_without_a_plan_it_is_said_before(town: Town) -> None:
    from muheng.web.emergency.actions import alerts
    from muheng.web.emergency.models import Plan

    Plan.objects.update(state=Plan.State.WITHDRAWN)
    alert = propose(town)
    assert refused(lambda: alerts.issue_alert(town.issuer, alert, number="1号")).code == "no_plan"
    made = alerts.issue_alert(town.issuer, alert, number="1号", without_plan=True)
    assert made.plan is None
    assert made.job is None


def test_an_ozone_alert_gives_no_orders(town: Town) -> None:
    from muheng.web.emergency.actions import alerts
    from muheng.web.emergency.models import Order
    from muheng.web.jobs.actions import run_pending
    from muheng.web.notices.models import Notice

    forecast = enter(town, 210, 220, primary="O3")
    alert = alerts.propose_alert(
        town.officer,
        town.people.root,
        level="orange",
        cause="ozone",
        starts_at=START,
        ends_at=START + timedelta(days=2),
        reason="臭氧",
        forecast=forecast,
    )
    issued = alerts.issue_alert(town.issuer, alert, number="1号")
    run_pending()
    assert issued.plan is None
    assert not Order.objects.exists()
    told = Notice.objects.filter(person=town.inspector)
    assert "成因是臭氧，不启动减排清单" in told.get().text


def test_raised_lowered_and_kept_when_it_swings(town: Town) -> None:
    from muheng.web.emergency.actions import alerts

    alert = issue(town, "yellow")
    enter(town, 210, 220, 230, 100, 60, at=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=2)
    raised = alerts.change_level(town.issuer, alert, "orange", reason="预报变重", number="2号", at=later)
    assert raised.level == "orange"
    assert [step.departs for step in raised.steps.all()] == [False, False, False]
    # The next forecast is milder again: a level that is so new is kept.
    enter(town, 210, 100, 100, 90, 90, at=later + timedelta(hours=1))
    back = later + timedelta(hours=2)
    found = refused(
        lambda: alerts.change_level(town.issuer, alert, "yellow", reason="变轻", number="3号", at=back)
    )
    assert found.code == "departs"
    lowered = alerts.change_level(
        town.issuer, alert, "yellow", reason="省里通知", number="3号", despite=True, at=back
    )
    last = lowered.steps.last()
    assert (last.kind, last.departs, last.number) == ("lowered", True, "3号")
    assert (
        refused(lambda: alerts.change_level(town.issuer, alert, "yellow", reason="x", number="4")).at
        == "level"
    )


def test_extended_and_lifted(town: Town, clock: Callable[[datetime], None]) -> None:
    from muheng.web.emergency.actions import alerts
    from muheng.web.notices.models import Notice

    alert = issue(town)
    alerts.extend_alert(town.issuer, alert, START + timedelta(days=3), reason="静稳持续")
    assert (
        refused(lambda: alerts.lift_alert(town.issuer, alert, reason="好了", number="9号")).code == "departs"
    )
    clock(START + timedelta(days=3))
    enter(town, 210, 220, 100, 60, 55, 50, 50, at=START + timedelta(days=3))
    lifted = alerts.lift_alert(town.issuer, alert, reason="好了", number="9号")
    assert lifted.state == "lifted"
    assert lifted.steps.last().departs is False
    told = Notice.objects.filter(person=town.owner).order_by("pk").values_list("subject_line", flat=True)
    assert list(told) == [
        "橙色预警：请确认并落实应急减排措施",
        "橙色预警预计到2026年11月24日 00:00",
        "解除橙色预警",
    ]
    for deed in (
        lambda: alerts.lift_alert(town.issuer, alert, reason="再", number="1"),
        lambda: alerts.change_level(town.issuer, alert, "red", reason="再", number="1"),
        lambda: alerts.extend_alert(town.issuer, alert, START + timedelta(days=9), reason="再"),
    ):
        assert "已解除" in refused(deed).what


def test_steps_are_never_changed(town: Town) -> None:
    alert = propose(town)
    step = alert.steps.get()
    step.reason = "改"
    assert refused(step.save).status == 409


def test_only_who_may(town: Town) -> None:
    from muheng.web.emergency.actions import alerts

    series_of = enter(town, 210, 220, 100, 60)
    for person in (town.owner, town.people.county_clerk, town.inspector, town.issuer):
        found = refused(
            lambda person=person: alerts.propose_alert(
                person,
                town.people.root,
                level="orange",
                starts_at=START,
                ends_at=START + timedelta(days=2),
                reason="预报",
                forecast=series_of,
            )
        )
        assert found.status == 403
    alert = propose(town)
    for person in (town.owner, town.people.county_clerk, town.inspector):
        assert refused(lambda person=person: alerts.issue_alert(person, alert, number="1")).status == 403
