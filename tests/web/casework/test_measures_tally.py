"""The tally says what counting the cases says, whatever is done to them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.core.management import CommandError, call_command

from muheng.web.casework.actions import act, merge, open_case
from muheng.web.casework.models import Case, CaseTally
from muheng.web.casework.tally import add_cases, count_cases, count_tally, find_differences, fold, retally
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from web.population import PASSWORD, Population, make_city

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 5, 2, tzinfo=UTC)


@pytest.fixture
def city() -> Population:
    return make_city()


@pytest.fixture
def handler(city: Population) -> User:
    person = make_person("handler", "承办何", PASSWORD)
    appoint(person, take_roles()["handler"], make_department("自然资源和规划局", city.counties[0]))
    return person


def demand(city: Population, at: datetime, kind: str = "land") -> Case:
    return open_case(
        city.owner,
        "demand",
        "二期用地",
        enterprise=city.enterprises[0],
        kind=kind,
        fields={"detail": "厂区东侧道路拓宽占去约3亩。"},
        at=at,
    )


def step(city: Population, handler: User, case: Case, random: Random, at: datetime) -> None:
    """Something that might be done next; what may not be is refused, and changes nothing."""
    office = handler.memberships.get().organisation
    choice = random.choice(
        ("accept", "dispatch", "answer", "confirm", "rate", "reopen", "assign", "refuse", "withdraw", "note")
    )
    given = {
        "dispatch": {"organisation": office, "handler": handler},
        "answer": {"note": "已出具意见。", "fields": {"outcome": "已解决"}},
        "rate": {"rating": random.randint(1, 5)},
        "assign": {"organisation": random.choice((office, city.department))},
    }.get(choice, {"note": "材料不齐"})
    person = random.choice((city.owner, city.county_clerk, city.clerk, handler))
    with suppress(Refused):
        act(person, case, choice, at=at, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
def test_after_any_deeds_the_tally_is_what_counting_says(city: Population, handler: User, seed: int) -> None:
    random, at = Random(seed), START
    cases = [demand(city, START + timedelta(hours=n), random.choice(("land", "money"))) for n in range(3)]
    for _ in range(60):
        at += timedelta(days=random.choice((0, 0, 1, 3)), minutes=7)
        case = Case.objects.get(pk=random.choice(cases).pk)
        if random.random() < 0.03 and case.pk != cases[0].pk:
            with suppress(Refused):
                merge(city.county_clerk, case, cases[0], at=at)
        else:
            step(city, handler, case, random, at)
        assert count_tally() == count_cases()
    assert find_differences() == {}
    assert Case.objects.exclude(phase="open").exists()
    fewer, before = fold(), CaseTally.objects.count()
    assert fewer > 0
    assert fold() == 0
    assert len(count_tally()) == before
    assert count_tally() == count_cases()


def test_a_closed_case_brings_all_its_figures(city: Population, handler: User) -> None:
    case = demand(city, START)
    office = handler.memberships.get().organisation
    act(city.county_clerk, case, "accept", at=START + timedelta(hours=1))
    act(
        city.county_clerk,
        case,
        "dispatch",
        organisation=office,
        handler=handler,
        at=START + timedelta(days=1),
    )
    act(handler, case, "answer", note="已办。", fields={"outcome": "已解决"}, at=START + timedelta(days=27))
    act(city.owner, case, "confirm", at=START + timedelta(days=28))
    act(city.owner, case, "rate", rating=5, at=START + timedelta(days=28))
    [(key, counts)] = [(key, each) for key, each in count_tally().items() if "closed" in each]
    assert key[0].isoformat() == "2026-02-01"
    assert key[1:] == ("demand", "land", city.counties[0].pk, office.pk)
    # 18 working days: over the 15 that were promised, within the 30 of the regulation.
    assert (counts.get("on_time", 0), counts.get("promised_kept", 0), counts["legal_kept"]) == (0, 0, 1)
    assert (counts["rating"], counts["satisfied"], counts["legal_limit"]) == (5, 1, 30)


def test_a_tally_that_was_tampered_with_is_named_and_made_anew(city: Population) -> None:
    demand(city, START)
    CaseTally.objects.update(opened=7)
    [[counts]] = [list(find_differences().values())]
    assert counts == {"opened": -6}
    with pytest.raises(CommandError, match="不符"):
        call_command("retally", check=True)
    call_command("retally")
    assert find_differences() == {}
    assert retally() == 1


def test_many_at_once_count_like_one_by_one(city: Population) -> None:
    cases = [demand(city, START + timedelta(days=n)) for n in range(5)]
    CaseTally.objects.all().delete()
    add_cases(cases)
    assert find_differences() == {}
