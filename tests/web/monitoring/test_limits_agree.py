"""The limits of an alert are the hours of the tiers: the case and its event name one moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from web.monitoring.happenings import RAISED, make_event
from web.monitoring.works import Works

HOUR = timedelta(hours=1)


def raise_event(works: Works, **given: Any) -> Any:
    """An exceedance with its case, and the clock of its tier."""
    from muheng.web.monitoring.city_rules import city_rules
    from muheng.web.monitoring.escalating import set_clock

    event = make_event(works, **given)
    set_clock(event, city_rules().alerts, RAISED)
    return event


def explain(works: Works, event: Any, at: datetime) -> None:
    from muheng.web.casework.actions import act

    act(works.owner, event.case, "explain", note="喷氨泵跳闸", fields={"cause": "治理设施故障"}, at=at)
    event.case.refresh_from_db()


@pytest.mark.parametrize(("key", "verified"), [(False, 48), (True, 4)])
def test_the_case_is_late_at_the_moment_at_which_the_event_rises(
    works: Works, key: bool, verified: int
) -> None:
    from muheng.web.casework import sweep
    from muheng.web.monitoring.escalating import escalate_due

    works.dry_stack.key = key
    works.dry_stack.save()
    event = raise_event(works)
    assert event.due_at == event.case.due_at == RAISED + HOUR
    assert not event.case.is_overdue(RAISED + HOUR)
    assert escalate_due(RAISED + HOUR) == 1
    assert sweep.sweep(RAISED + HOUR).reminded == 1
    event.refresh_from_db()
    rises_again = event.due_at
    assert (event.tier, rises_again) == ("warn", RAISED + HOUR + verified * HOUR)
    # Explained at that very moment, in time: what is left is as long for the case.
    explain(works, event, RAISED + HOUR)
    assert (event.case.due_clock, event.case.due_at) == ("verify", rises_again)


def test_the_hours_are_those_of_the_city_s_rules(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    from muheng.web.monitoring import cases
    from muheng.web.monitoring.city_rules import city_rules

    rules = city_rules()
    tiers = [
        tier.model_copy(
            update={"escalate": tier.escalate and tier.escalate.model_copy(update={"after_hours": 7})}
        )
        for tier in rules.alerts.tier
    ]
    longer = rules.alerts.model_copy(update={"tier": tuple(tiers)})
    monkeypatch.setattr(cases, "city_rules", lambda: rules.__class__(**{**vars(rules), "alerts": longer}))
    event = make_event(works)
    assert event.case is not None
    assert event.case.due_at == RAISED + 7 * HOUR
    explain(works, event, RAISED + 2 * HOUR)
    assert event.case.due_at == RAISED + 9 * HOUR
