"""The first page of each kind of person, in a small city whose evaluation is sent out and whose month is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from muheng.web.evaluation.actions.confirmation import close_confirmation, open_confirmation
from muheng.web.evaluation.actions.objections import object_to_result
from muheng.web.evaluation.actions.review import choose, close_publicity, publish, review
from muheng.web.evaluation.actions.running import ask_final, ask_trial
from muheng.web.evaluation.actions.signing import sign
from muheng.web.evaluation.models import Evaluation
from muheng.web.filing import actions as filing
from muheng.web.filing.months import Month
from muheng.web.home.glance import list_deadlines, show_grades, show_own, show_tax
from muheng.web.home.todo import list_todos
from muheng.web.jobs.actions import run_pending
from muheng.web.people.models import User
from web.evaluation.city import Case, make_case, moment
from web.filing.figures import texts

pytestmark = pytest.mark.django_db
SENT, AFTER = date(2026, 3, 9), date(2026, 3, 24)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[date], None]:
    def set_day(day: date) -> None:
        monkeypatch.setattr(timezone, "now", lambda: datetime(day.year, day.month, day.day, 4, tzinfo=UTC))

    set_day(SENT)
    return set_day


@pytest.fixture
def case(clock: Callable[[date], None]) -> Case:
    return make_case()


def titles(user: User) -> list[str]:
    # The rights of a person are asked for once in the life of the object.
    return [todo.title for todo in list_todos(User.objects.get(pk=user.pk))]


def home(user: User) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


def publish_it(case: Case) -> None:
    people, evaluation = case.people, case.evaluation
    open_confirmation(people.clerk, evaluation, 10, at=moment(SENT))
    close_confirmation(people.clerk, evaluation, at=moment(AFTER))
    run = ask_trial(people.clerk, evaluation, at=moment(AFTER))
    run_pending()
    run.refresh_from_db()
    choose(people.clerk, evaluation, run)
    review(people.chief, run, True, at=moment(AFTER))
    publish(people.clerk, evaluation, 5, date(2026, 3, 25), at=moment(AFTER))


def test_each_step_is_on_the_desk_of_whose_turn_it_is(case: Case, clock: Callable[[date], None]) -> None:
    people, evaluation = case.people, case.evaluation
    assert titles(people.clerk)[0] == "2025年度亩均效益评价：发确认单给企业"
    assert "2025年度亩均效益评价：发确认单给企业" not in titles(people.leader)
    open_confirmation(people.clerk, evaluation, 10, at=moment(SENT))
    [sheet] = [todo for todo in list_todos(people.owner) if "确认" in todo.title]
    assert (sheet.due, sheet.late) == (date(2026, 3, 23), False)
    clock(AFTER)
    assert titles(people.clerk)[0] == "2025年度亩均效益评价：结束企业确认，转入试算"
    assert not [title for title in titles(people.owner) if title.startswith("确认")], "too late to answer"
    close_confirmation(people.clerk, evaluation)
    run = ask_trial(people.clerk, evaluation)
    run_pending()
    run.refresh_from_db()
    choose(people.clerk, evaluation, run)
    assert titles(people.chief)[0] == "2025年度亩均效益评价：内部审核"
    review(people.chief, run, True)
    publish(people.clerk, evaluation, 5, date(2026, 3, 25))
    clock(date(2026, 3, 26))
    object_to_result(people.owner, evaluation, people.enterprises[0], "等级偏低。")
    [answer] = [todo for todo in list_todos(people.chief) if "答复 1 件异议" in todo.title]
    assert answer.due == date(2026, 4, 2)
    evaluation.objections.update(state="rejected")
    clock(date(2026, 4, 7))
    close_publicity(people.clerk, evaluation)
    final = ask_final(people.clerk, evaluation)
    run_pending()
    final.refresh_from_db()
    assert titles(people.leader)[0] == "2025年度亩均效益评价：签发"
    assert "2025年度亩均效益评价：签发" not in titles(people.clerk)
    sign(people.leader, final)
    assert "2025年度亩均效益评价：签发" not in titles(people.leader)
    assert titles(people.owner)[-1] == "为什么是这个等级，怎样能提升"
    [own] = show_own(people.owner)
    assert (own.grade, own.published, own.year) == (
        people.enterprises[0].grades.get().grade,
        False,
        2025,
    )


def test_filings_wait_on_either_side(case: Case, clock: Callable[[date], None]) -> None:
    people = case.people
    filing.oblige(people.clerk, [people.enterprises[0], people.enterprises[-1]], date(2026, 1, 1))
    clock(date(2026, 4, 2))
    [first, second, third] = [todo for todo in list_todos(people.owner) if "填报" in todo.title]
    assert [todo.late for todo in (first, second, third)] == [True, True, False]
    filing.submit(people.owner, people.enterprises[0], Month(2026, 1), texts())
    filing.submit(
        people.owner, people.enterprises[0], Month(2026, 2), texts(用电量="305"), {"用电量": "确实"}
    )
    assert "逐户核对 1 份有疑问的月度填报" in titles(people.clerk)
    assert "一次通过 1 份没有疑问的月度填报" in titles(people.county_clerk)
    assert not [title for title in titles(people.other_county_clerk) if "通过" in title]
    assert "催报：1 户没有填2026年2月" not in titles(people.clerk), "March is the newest month"
    clock(date(2026, 4, 20))
    assert "催报：2 户没有填2026年3月" in titles(people.clerk)


def test_what_is_seen_is_of_the_place(case: Case, clock: Callable[[date], None]) -> None:
    publish_it(case)
    clock(date(2026, 3, 26))
    people = case.people
    whole, part = show_grades(people.leader), show_grades(people.other_county_clerk)
    assert whole is not None
    assert part is not None
    assert whole.total + whole.ungraded == 12
    assert part.total + part.ungraded == 5
    assert show_grades(people.data_clerk) is None
    city, county = show_tax(people.clerk), show_tax(people.other_county_clerk)
    assert city is not None
    assert county is not None
    # Tax 1200, 1110 … 210 (the seventh has none) over 30 … 41 mu, five more for every other one.
    rows = [(1200 - 90 * at, 30 + at + (5 if at % 2 == 0 else 0)) for at in range(12) if at != 6]
    assert city.said == f"{sum(tax for tax, _mu in rows) / sum(mu for _tax, mu in rows):.2f}"
    there = [(1200 - 90 * at, 30 + at + (5 if at % 2 == 0 else 0)) for at in range(7, 12)]
    assert county.said == f"{sum(tax for tax, _mu in there) / sum(mu for _tax, mu in there):.2f}"
    assert [each.day for each in list_deadlines(people.leader)] == [date(2026, 3, 31)]
    assert show_tax(people.owner) is None


def test_the_page_of_each_person(case: Case, clock: Callable[[date], None]) -> None:
    publish_it(case)
    clock(date(2026, 3, 26))
    people = case.people
    for name, person in people.people.items():
        page = home(person)
        assert f"{person.name}，今天" in page, name
    leader = home(people.leader)
    assert "2025年亩均税收" in leader
    assert "看谁升谁降" in leader
    owner = home(people.owner)
    assert people.enterprises[0].name in owner
    assert people.enterprises[1].name not in owner
    assert "公示中，还没有签发" in owner
    assert "各县区等级" not in owner
    assert Client().get("/").status_code == 302


def test_a_page_for_nobody_in_particular() -> None:
    assert "今天没有要办的事" in home(User.objects.create_user("new", "新人", "x"))


def test_few_questions_to_the_database(
    case: Case,
    clock: Callable[[date], None],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    publish_it(case)
    clock(date(2026, 3, 26))
    for person, most in ((case.people.clerk, 35), (case.people.leader, 30), (case.people.owner, 25)):
        client = Client()
        client.force_login(person)
        client.get("/")
        with django_assert_max_num_queries(most):
            client.get("/")
    assert Evaluation.objects.count() == 1
