"""Several people at the same moment: one deed is done, the other hears by whom it was overtaken; nobody waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import OperationalError, connections, transaction

from muheng.web.audit.actions import find_break
from muheng.web.casework.actions import ChangedMeanwhile, NewChild, act, merge, open_case, standing_of
from muheng.web.casework.bulk import act_on_many
from muheng.web.casework.models import Case, CaseEvent, Numbering
from muheng.web.casework.opening_once import open_once
from muheng.web.casework.tally import find_differences
from muheng.web.casework.writing import deed
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from web.casework.test_path import raise_demand
from web.population import PASSWORD, Population, make_city

pytestmark = pytest.mark.django_db(transaction=True)


def together(*deeds: Callable[[], object]) -> list[object]:
    """Does all of them at once; what each gave, or was refused with."""
    ready = Barrier(len(deeds))

    def do(one: Callable[[], object]) -> object:
        ready.wait(20)
        try:
            return one()
        except Refused as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(do, deeds))


@pytest.fixture
def city() -> Population:
    return make_city()


@pytest.fixture
def handler(city: Population) -> User:
    office = make_department("自然资源和规划局", city.counties[0])
    person = make_person("handler", "承办何", PASSWORD)
    appoint(person, take_roles()["handler"], office)
    return person


def numbers_agree() -> None:
    """Histories are whole, rows and figures say what they say, the book is unbroken."""
    for case in Case.objects.all():
        assert list(case.events.values_list("number", flat=True)) == list(range(1, case.version + 1))
        assert standing_of(case).state == case.state
    assert not find_differences()
    assert find_break() is None


def test_two_editors_of_one_case(city: Population) -> None:
    case = raise_demand(city)
    found = together(
        lambda: act(city.county_clerk, case, "accept", seen=1),
        lambda: act(city.clerk, case, "refuse", note="材料不齐", seen=1),
        lambda: act(city.chief, case, "return", note="请补图", seen=1),
    )
    overtaken = [each for each in found if isinstance(each, ChangedMeanwhile)]
    assert len(overtaken) == 2
    (winner,) = (each for each in found if not isinstance(each, Refused))
    assert isinstance(winner, Case)
    name = CaseEvent.objects.get(case=case, number=2).actor_name
    assert all(name in each.changes[0] for each in overtaken)
    assert CaseEvent.objects.filter(case=case).count() == 2
    numbers_agree()


def test_who_says_no_version_is_told_by_the_type(city: Population) -> None:
    case = raise_demand(city)
    found = together(*(lambda: act(city.county_clerk, case, "accept"),) * 4)
    assert sum(isinstance(each, Refused) for each in found) == 3
    numbers_agree()


def test_numbers_have_no_gaps(city: Population) -> None:
    def opening() -> object:
        return raise_demand(city)

    def refused() -> object:
        return open_case(
            city.owner, "demand", "缺类别", enterprise=city.enterprises[0], fields={"detail": "…"}
        )

    together(*(opening, refused) * 6)
    tails = sorted(int(number[-6:]) for number in Case.objects.values_list("number", flat=True))
    assert tails == list(range(1, 7))
    assert Numbering.objects.get(prefix="SQ").last == 6
    numbers_agree()


def test_an_opening_sent_twice_at_once(city: Population) -> None:
    def opening() -> Case:
        return raise_demand(city)

    found = together(*(lambda: open_once(city.owner, "same", {"title": "…"}, opening),) * 4)
    assert sum((Case.objects.get(), True) == each for each in found) == 1
    assert sum((Case.objects.get(), False) == each for each in found) == 3
    assert Case.objects.count() == 1


def test_two_that_merge_crosswise(city: Population) -> None:
    one, two = raise_demand(city), raise_demand(city)
    found = together(lambda: merge(city.county_clerk, one, two), lambda: merge(city.clerk, two, one))
    assert sum(isinstance(each, Refused) for each in found) == 1
    assert sorted(Case.objects.values_list("phase", flat=True)) == ["open", "void"]
    numbers_agree()


def test_children_that_end_at_once_while_the_parent_goes_on(city: Population, handler: User) -> None:
    case = raise_demand(city)
    office = handler.memberships.get().organisation
    act(city.county_clerk, case, "accept")
    act(city.county_clerk, case, "dispatch", organisation=office, handler=handler)
    helpers = [NewChild("assist", f"请会同{name}", handler=handler) for name in "甲乙丙"]
    act(handler, case, "joint", children=helpers)
    children = list(Case.objects.filter(parent=case))
    found = together(
        *(lambda child=child: act(handler, child, "finish", note="办好了") for child in children),
        lambda: act(handler, case, "progress", note="在办"),
        lambda: act(city.owner, case, "note", note="急"),
        lambda: raise_demand(city),
    )
    assert not any(isinstance(each, Refused) for each in found)
    assert all(child.ended for child in standing_of(Case.objects.get(pk=case.pk)).children.values())
    numbers_agree()


def test_two_that_do_the_same_to_many(city: Population) -> None:
    cases = [raise_demand(city) for _ in range(4)]
    numbers = [case.number for case in cases]
    one, two = together(
        lambda: act_on_many(city.county_clerk, numbers, "accept"),
        lambda: act_on_many(city.clerk, reversed(numbers), "accept"),
    )
    assert len(one.done) + len(two.done) == 4  # type: ignore[attr-defined]
    assert len(one.not_done) + len(two.not_done) == 4  # type: ignore[attr-defined]
    numbers_agree()


class Deadlock(Exception):
    sqlstate = "40P01"


def test_a_deed_that_the_database_ended_is_done_again() -> None:
    tries: list[int] = []

    def fail(times: int, cause: Exception | None) -> int:
        tries.append(1)
        if len(tries) <= times:
            raise OperationalError("ended") from cause
        return len(tries)

    assert deed(fail)(2, Deadlock()) == 3
    tries.clear()
    with pytest.raises(OperationalError):
        deed(fail)(3, Deadlock())
    tries.clear()
    with pytest.raises(OperationalError):
        deed(fail)(1, None)
    tries.clear()
    with pytest.raises(OperationalError), transaction.atomic():
        deed(fail)(1, Deadlock())  # part of something larger, which is to be done again as a whole
    assert len(tries) == 1
