"""The history is never changed, and rows say what it says."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from muheng.web.casework.actions import act
from muheng.web.casework.models import Case, CaseEvent
from web.casework.test_path import raise_demand
from web.population import Population, make_city


@pytest.fixture
def city() -> Population:
    return make_city()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE casework_caseevent SET data = '{}'",
        "UPDATE casework_caseevent SET actor_name = ''",
        "DELETE FROM casework_caseevent",
    ],
)
def test_the_database_refuses_to_change_what_happened(city: Population, statement: str) -> None:
    raise_demand(city)
    with (
        pytest.raises(IntegrityError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert CaseEvent.objects.get().actor_name == "企业吴"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("again", [1, 2])
def test_the_guard_stands_again_after_a_database_was_emptied(again: int) -> None:
    raise_demand(make_city())
    with pytest.raises(IntegrityError):
        CaseEvent.objects.update(act="note")


def checked(*options: str) -> str:
    out = StringIO()
    call_command("check_cases", *options, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_rows_that_differ_are_named_and_mended(city: Population) -> None:
    case, other = raise_demand(city), raise_demand(city)
    act(city.county_clerk, case, "accept")
    assert "查了 2 件，不符 0 件" in checked()
    Case.objects.filter(pk=case.pk).update(due="2031-01-01", state="closed", phase="closed", live=False)
    with pytest.raises(CommandError):
        checked()
    out = checked("--mend")
    assert f"{case.number} 不符：" in out
    assert other.number not in out
    assert "不符 0 件" in checked()
    case.refresh_from_db()
    assert (case.state, case.live) == ("accepted", True)


@pytest.mark.django_db
def test_a_history_that_is_none_is_named(city: Population) -> None:
    case = raise_demand(city)
    CaseEvent.objects.create(case=case, number=2, at=case.opened_at, act="rate", part="enterprise")
    with pytest.raises(CommandError):
        checked("--mend")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("check_cases", stdout=out)
    assert f"{case.number} 历史不成立：第 2 步" in out.getvalue()
