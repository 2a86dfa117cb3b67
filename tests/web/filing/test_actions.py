"""Save, submit, accept, return: what each needs, writes and refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from muheng.web.audit.actions import find_break
from muheng.web.audit.models import Entry
from muheng.web.filing import actions, queries
from muheng.web.filing.models import Filing
from muheng.web.filing.months import Month
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from muheng.web.registry.actions import add_permit
from muheng.web.registry.models import MonthlyFigure
from muheng.web.registry.timeline import events_of
from web.filing.figures import OCTOBER, USUAL, texts
from web.population import Population

State = Filing.State


def submit(city: Population, when: Month = OCTOBER, **changed: str) -> Filing:
    return actions.submit(city.owner, city.enterprises[0], when, texts(**changed), {})


def registered(city: Population, when: Month = OCTOBER) -> dict[str, tuple[Decimal, str]]:
    rows = MonthlyFigure.objects.filter(enterprise=city.enterprises[0], year=when.year, month=when.month)
    return {row.item: (row.value, row.state) for row in rows}


def test_a_month_goes_from_draft_to_accepted(city: Population) -> None:
    first = city.enterprises[0]
    draft = actions.save_draft(city.owner, first, OCTOBER, {"用电量": "３０．５"})
    assert (draft.state, draft.values, registered(city)) == (State.DRAFT, {"用电量": "30.5000"}, {})
    filing = submit(city)
    assert (filing.pk, filing.state, filing.flagged, filing.late) == (draft.pk, State.SUBMITTED, False, False)
    assert registered(city) == {name: (value, "filed") for name, value in USUAL.items()}
    actions.accept(city.clerk, filing.pk)
    assert {state for _value, state in registered(city).values()} == {"checked"}
    assert [step.verb for step in filing.steps.all()] == ["save", "submit", "accept"]
    assert filing.steps.get(verb="submit").changes["用水量"] == [None, "1.2000"]
    with pytest.raises(Refused, match="不能再改"):
        submit(city)
    verbs = Entry.objects.filter(verb__startswith="filing.").order_by("number").values_list("verb", flat=True)
    assert list(verbs)[-3:] == ["filing.save", "filing.submit", "filing.accept"]
    assert find_break() is None


def test_an_odd_figure_needs_a_reason(city: Population) -> None:
    with pytest.raises(actions.Questioned, match="用电量") as caught:
        submit(city, 用电量="305")
    assert [each.kind for each in caught.value.findings if each.level == "warning"] == ["shift"]
    assert not Filing.objects.filter(year=2026, month=10).exists(), "nothing is kept"
    filing = actions.submit(
        city.owner,
        city.enterprises[0],
        OCTOBER,
        texts(用电量="305"),
        {"用电量": "新上电炉", "用水量": "无关"},
    )
    assert (filing.flagged, filing.reasons) == (True, {"用电量": "新上电炉"})


def test_an_error_refuses_whatever_the_reason(city: Population) -> None:
    for wrong in ({"用水量": "-1"}, {"用水量": ""}, {"用水量": "1.2万"}, {"工业总产值": "1.234"}):
        with pytest.raises(actions.Questioned):
            actions.submit(
                city.owner, city.enterprises[0], OCTOBER, texts(**wrong), dict.fromkeys(USUAL, "就是这样")
            )
    assert registered(city) == {}


def test_what_was_returned_comes_back_and_is_filed_again(city: Population) -> None:
    filing = submit(city)
    with pytest.raises(Refused, match="原因"):
        actions.send_back(city.clerk, filing.pk, "  ")
    actions.send_back(city.clerk, filing.pk, "请核对用电量")
    assert {state for _value, state in registered(city).values()} == {"returned"}
    [october] = [each for each in queries.list_months(city.enterprises[0]) if each.when == OCTOBER]
    assert (october.state, october.open) == (State.RETURNED, True)
    again = submit(city, 用电量="31")
    assert (again.state, again.answer) == (State.SUBMITTED, "")
    assert registered(city)["用电量"] == (Decimal(31), "filed")
    assert again.steps.filter(verb="submit").last().changes == {"用电量": ["30.5000", "31.0000"]}  # type: ignore[union-attr]


def test_returned_figures_are_no_past(city: Population) -> None:
    filing = Filing.objects.get(enterprise=city.enterprises[0], year=2026, month=9)
    actions.send_back(city.clerk, filing.pk, "重报")
    assert Month(2026, 9) not in queries.past_of(city.enterprises[0], OCTOBER).months


def test_late_is_counted_in_working_days(city: Population, clock: Callable[[datetime], None]) -> None:
    # 2 November 2026 is a Monday: the tenth working day is Friday the 13th, until midnight in China.
    assert OCTOBER.deadline.due == date(2026, 11, 13)
    clock(datetime(2026, 11, 13, 15, 59, tzinfo=UTC))
    assert submit(city).late is False
    clock(datetime(2026, 11, 13, 16, 1, tzinfo=UTC))
    assert submit(city).late is True


def test_the_spring_festival_moves_the_deadline() -> None:
    # January 2026: seven working days from 2 to 14 February besides the 14th that is worked, then the holiday.
    assert Month(2026, 1).deadline.due == date(2026, 2, 13)
    assert Month(2026, 2).deadline.due == date(2026, 3, 13)
    assert Month(2026, 12).deadline.provisional


def test_months_that_cannot_be_filed(city: Population) -> None:
    for when, said in ((Month(2026, 11), "还没有结束"), (Month(2024, 12), "不在贵企业的填报范围")):
        with pytest.raises(Refused, match=said):
            submit(city, when)
    with pytest.raises(Refused, match="已经填报了2026年9月"):
        actions.release(city.clerk, city.enterprises[0], date(2026, 9, 1))
    actions.release(city.clerk, city.enterprises[0], date(2026, 10, 1))
    with pytest.raises(Refused, match="不在贵企业的填报范围"):
        submit(city)
    assert OCTOBER not in [each.when for each in queries.list_months(city.enterprises[0])]


def test_a_change_in_between_is_told(city: Population) -> None:
    draft = actions.save_draft(city.owner, city.enterprises[0], OCTOBER, texts())
    actions.save_draft(city.owner, city.enterprises[0], OCTOBER, texts(), version=draft.version)
    with pytest.raises(Refused) as caught:
        actions.submit(city.owner, city.enterprises[0], OCTOBER, texts(), version=draft.version)
    assert caught.value.code == "stale"


def test_only_its_own_account_files_and_only_officials_of_the_place_review(city: Population) -> None:
    for stranger in (city.other_owner, city.clerk, city.county_clerk):
        with pytest.raises(Refused) as caught:
            actions.submit(stranger, city.enterprises[0], OCTOBER, texts())
        assert caught.value.status == 403
    filing = submit(city)
    for person, status in ((city.owner, 403), (city.data_clerk, 403), (city.other_county_clerk, 404)):
        for deed in (lambda p: actions.accept(p, filing.pk), lambda p: actions.send_back(p, filing.pk, "x")):
            with pytest.raises(Refused) as caught:
                deed(person)
            assert caught.value.status == status
    assert actions.accept_unflagged(city.other_county_clerk, OCTOBER) == 0
    assert actions.accept_unflagged(city.county_clerk, OCTOBER) == 1


def test_bulk_acceptance_leaves_what_was_questioned(city: Population) -> None:
    submit(city)
    actions.submit(city.other_owner, city.enterprises[-1], OCTOBER, texts(用电量="305"), {"用电量": "确实"})
    assert queries.list_waiting(city.clerk) == [queries.Waiting(OCTOBER, 2, 1)]
    assert actions.accept_unflagged(city.clerk, OCTOBER) == 1
    assert queries.list_waiting(city.clerk) == [queries.Waiting(OCTOBER, 1, 1)]
    assert registered(city)["用电量"][1] == "checked"
    counts = queries.count_month(city.clerk, OCTOBER)
    assert (counts["every"], counts["accepted"], counts["flagged"], counts["missing"]) == (2, 1, 1, 0)


def test_counts_of_a_month_follow_the_place(city: Population, clock: Callable[[datetime], None]) -> None:
    def counts(person: User) -> tuple[int, int, int]:
        found = queries.count_month(person, OCTOBER)
        return found["every"], found["missing"], found["late"]

    assert (counts(city.clerk), counts(city.county_clerk), counts(city.owner)) == (
        (2, 2, 0),
        (1, 1, 0),
        (0, 0, 0),
    )
    actions.save_draft(city.owner, city.enterprises[0], OCTOBER, texts())
    assert counts(city.clerk) == (2, 2, 0), "a draft is not handed in"
    clock(datetime(2026, 11, 20, tzinfo=UTC))
    assert counts(city.clerk) == (2, 2, 2)


def test_permits_that_hold_count(city: Population) -> None:
    first = city.enterprises[0]
    limits = {"危险废物产生量": {"limit": "9", "unit": "t"}, "一般固废产生量": {"limit": "", "unit": "t"}}
    add_permit(
        city.clerk, first, "排污许可证", "A", limits=limits, since=date(2026, 1, 1), until=date(2027, 1, 1)
    )
    add_permit(
        city.clerk, first, "排污许可证", "B", limits=limits, since=date(2020, 1, 1), until=date(2026, 1, 1)
    )
    assert queries.permitted(first, OCTOBER.last) == {"危险废物产生量": Decimal(9)}
    with pytest.raises(actions.Questioned, match="危险废物"):
        submit(city)


def test_the_year_beside_the_departments_figures(city: Population) -> None:
    sums = {
        each.item: each for each in queries.year_sums(city.enterprises[0], 2025, {"用电量": Decimal(390)})
    }
    assert (sums["用电量"].months, sums["用电量"].total) == (12, Decimal("389.7900"))
    assert (sums["用电量"].agrees, sums["用电量"].difference) == (True, Decimal("-0.2100"))
    assert sums["用水量"].yearly is None
    assert not queries.year_sums(city.enterprises[0], 2025, {"用电量": Decimal(300)})[0].agrees


def test_the_past_is_taken_once(city: Population) -> None:
    past = {(city.enterprises[0], Month(2026, 9)): USUAL}
    assert actions.take_past(city.clerk, past, at=datetime(2026, 11, 1, tzinfo=UTC)) == 0
    for number, when in ((0, Month(2024, 12)), (1, Month(2026, 9))):
        early = {(city.enterprises[number], when): USUAL}
        with pytest.raises(Refused, match="不在月度填报范围内"):
            actions.take_past(city.clerk, early, at=datetime(2026, 11, 1, tzinfo=UTC))


def test_the_timeline_tells_to_whom_it_may(city: Population) -> None:
    filing = submit(city)
    actions.send_back(city.clerk, filing.pk, "请核对用电量")

    def told(person: User) -> list[tuple[str, str]]:
        events = events_of(city.enterprises[0], person)
        return [(event.title, event.note) for event in events if event.kind == "filing"]

    both = [("2026年10月的填报被退回", "请核对用电量"), ("填报2026年10月数据", "")]
    assert sorted(told(city.owner)) == sorted(told(city.clerk)) == sorted(both)
    assert told(city.leader) == told(city.other_owner) == []
