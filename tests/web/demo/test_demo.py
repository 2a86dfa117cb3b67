"""The demo city goes in whole and once, shows what it is to show, and depends on the day only as it should."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth import authenticate
from django.db.models import Count
from django.utils import timezone

from muheng.standards.calendar import load_calendar
from muheng.web import demo
from muheng.web.audit.actions import find_break
from muheng.web.audit.models import Entry
from muheng.web.casework.models import Case
from muheng.web.demo import county_round, emergency, filings, intake_batches, monitoring, persons, procedure
from muheng.web.demo.days import moment, working_day_before, working_day_of
from muheng.web.evaluation.models import Confirmation, Evaluation, Objection, Run
from muheng.web.filing import queries as filing_queries
from muheng.web.filing.models import Filing
from muheng.web.filing.months import newest_month
from muheng.web.intake.models import Batch
from muheng.web.liaison.models import Pairing
from muheng.web.liaison.queries import own_pairings, reckon_all
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise, GradeRecord
from muheng.web.serving import demo_logins


@pytest.mark.django_db
def test_the_demo_city(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    demo.load_demo(told.append)
    assert told[-1].endswith("完成")

    people = {user.username: user for user in User.objects.all()}
    for login in demo_logins():
        assert authenticate(username=login.username, password=login.password) == people[login.username]
    assert [login.username for login in demo_logins()] == [
        persons.CLERK,
        persons.LEADER,
        persons.OWNER,
        persons.LIAISON,
        emergency.AIR,
        monitoring.MONITOR,
        emergency.PLANT,
    ]

    # Four signed years, this one in publicity with something still to answer.
    signed = Evaluation.objects.filter(state="signed").order_by("year")
    assert [each.year for each in signed] == [2021, 2022, 2023, 2024]
    assert set(GradeRecord.objects.values_list("year", flat=True)) == {2021, 2022, 2023, 2024}
    now = Evaluation.objects.get(state="publicity")
    assert now.publicity_from <= timezone.localdate() <= now.publicity_until  # type: ignore[operator]
    assert now.runs.filter(state=Run.State.DONE).count() == 2
    states = set(now.objections.filter(stage="publicity").values_list("state", flat=True))
    assert {"open", "upheld", "rejected"} <= states
    assert not now.objections.filter(stage="confirmation", state=Objection.State.OPEN).exists()

    # The departments' workbooks are in, what was wrong in them is not, and one batch waits.
    assert list(Batch.objects.order_by("pk").values_list("state", flat=True)) == ["accepted"] * 3 + ["review"]
    assert all(batch.count("errors") for batch in Batch.objects.all())

    # The enterprise of the login has something to improve, to confirm and to file.
    own = filing_queries.own_enterprises(people[persons.OWNER]).get()
    assert own.grade == "C"
    assert Confirmation.objects.get(enterprise=own, evaluation__state="confirmation").state == "waiting"
    assert filing_queries.list_months(own)[0].open
    sums = filing_queries.year_sums(own, 2025, filing_queries.yearly_figures(own.code, 2025))
    assert [each.agrees for each in sums if each.yearly is not None] == [True] * 4

    # What was planted is questioned and waits.
    flagged = Filing.objects.filter(flagged=True, state="submitted")
    kinds = {found["kind"] for filing in flagged for found in filing.findings}
    assert {"shift", "month_above_permit", "above_permit"} <= kinds

    # A hundred are paired, some not visited in time; what the experts found is in the register.
    today = timezone.localdate()
    assert Pairing.objects.filter(until=None).count() == 100
    owed = reckon_all(own_pairings(people[persons.LIAISON]), today)
    assert len(owed) == 16
    assert own.pk in {each.enterprise.pk for each in owed}
    everyone = reckon_all(Pairing.objects.filter(until=None), today)
    assert sum(each.duty.urgency == "overdue" for each in everyone) == 9
    assert sum(each.duty.made for each in everyone) > 0
    counts = dict(Case.objects.values_list("type").annotate(many=Count("pk")))
    assert (counts["hazard"], counts["proposal"]) == (224, 212)
    assert Case.objects.filter(type="hazard").exclude(parent__type="visit").count() == 0
    assert Case.objects.filter(type="hazard", live=True).count() > 20
    assert Case.objects.filter(enterprise=own, type="demand", live=True).exists()

    assert find_break() is None
    before = Entry.objects.count(), Enterprise.objects.count()
    demo.load_demo(told.append)
    assert (Entry.objects.count(), Enterprise.objects.count()) == before


@pytest.mark.django_db
def test_half_a_demo_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo.methods, "take_methods", fail)
    with pytest.raises(KeyboardInterrupt):
        demo.load_demo(lambda _line: None)
    assert not User.objects.exists()
    assert not Enterprise.objects.exists()


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 11, 22, 4, tzinfo=UTC),
        datetime(2026, 2, 20, 4, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    ],
)
def test_days_before_and_of_a_round(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)
    calendar, today = load_calendar(), timezone.localdate()
    for back in (0, 1, 7, 40):
        day = working_day_before(back)
        assert calendar.is_working_day(day)
        assert day <= today
        assert working_day_of(day, 1) == day
        assert working_day_of(day, back + 1) == working_day_before(0)
    assert moment(today, 23, 59) <= now
    # Publicity has begun, is not over, and everything before it lies before it.
    begins = working_day_before(procedure.IN_PUBLICITY - 1)
    assert begins <= today <= working_day_of(begins, procedure.PUBLICITY)
    assert county_round.OPENED < procedure.IN_PUBLICITY < procedure.OPENED < intake_batches.HANDED_IN


def test_months_beyond_the_demo_are_those_of_a_year_before(monkeypatch: pytest.MonkeyPatch) -> None:
    from muheng.cities.demo import make_registry

    monkeypatch.setattr(timezone, "now", lambda: datetime(2028, 3, 9, tzinfo=UTC))
    registry = make_registry(demo._pack(demo.CITY), demo.SEED, demo.YEAR)
    read = filings._read(registry)
    odd = {each.code: each for each in registry.anomalies if each.kind == "错位十倍"}
    for code, months in read.items():
        assert max(months) == newest_month()
        if code in odd:
            later = months[filings.month_of(date(2027, 7, 1))]
            assert later[odd[code].item] == odd[code].right
