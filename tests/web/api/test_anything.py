"""Requests made from the API's own description, by everybody: none breaks it, none gets what is not theirs.

Each generated request is sent by a clerk, a county's clerk, an enterprise and a stranger, and undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from muheng.web.casework.actions import open_case
from muheng.web.casework.models import Case as CaseRow
from muheng.web.casework.templates import write_template
from muheng.web.emergency.actions.alerts import issue_alert, propose_alert
from muheng.web.emergency.actions.lists import put_in_force
from muheng.web.emergency.actions.plans import adopt_plan
from muheng.web.emergency.models import EmergencyList, Order, Plan
from muheng.web.evaluation.actions.running import ask_trial
from muheng.web.filing.models import Filing
from muheng.web.intake.actions import drop_workbooks
from muheng.web.intake.models import Batch
from muheng.web.jobs.actions import run_pending
from muheng.web.jobs.models import Job
from muheng.web.monitoring.actions.points import watch_outlet
from muheng.web.monitoring.models import Point
from muheng.web.people.actions import appoint, make_token, take_roles
from muheng.web.people.models import User
from muheng.web.registry.actions import (
    add_holding,
    add_meter,
    add_outlet,
    add_parcel,
    grant_status,
)
from muheng.web.registry.models import Holding, Parcel
from web.emergency.worked_list import Bureau, take, work_out
from web.evaluation.city import Case, make_case
from web.intake.workbooks import tax, taxes

pytestmark = pytest.mark.django_db

EXAMPLES = 3
SHARES = 2  # for as many workers
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CALLERS = ("clerk", "county_clerk", "owner", "")


@pytest.fixture(scope="module")
def operations() -> Iterator[list[Any]]:
    """Of the API in this process; requests leave the test's own connection open, as Django's test client has it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())
    yield [result.ok() for result in schema.get_all_operations()]
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def case() -> Case:
    """A city with a run, a batch, a filing and something in its history: there is something to find."""
    made = make_case()
    people = made.people
    ask_trial(people.clerk, made.evaluation, "试算")
    rows = taxes(people.enterprises, ["坏", *range(1, 12)])
    drop_workbooks(people.clerk, 2025, [tax(rows)])
    for enterprise in people.enterprises:
        grant_status(None, enterprise, "绿色工厂", date(2024, 3, 1), source="文")
    for at in (0, -1):
        parcel = add_parcel(None, f"340500-{at}", Decimal(9000), township=people.townships[at])
        add_holding(None, people.enterprises[at], parcel, Decimal(9000), since=date(2020, 1, 1))
        add_meter(None, people.enterprises[at], "用电", f"34{at}")
        watch_outlet(None, add_outlet(None, people.enterprises[at], "DA009", "气"), "stack", date(2026, 1, 1))
    run_pending()
    for enterprise in (people.enterprises[0], people.enterprises[-1]):
        fields = {"detail": "…", "contact": "吴某", "phone": "13800000001"}
        open_case(people.clerk, "demand", "要地", enterprise=enterprise, kind="land", fields=fields)
        Filing.objects.create(enterprise=enterprise, year=2026, month=1, values={}, reasons={})
    appoint(people.clerk, take_roles()["air_officer"], people.root)
    # Read anew: what a person may do is asked for once in the life of the object.
    bureau = Bureau(people, User.objects.get(pk=people.clerk.pk), people.chief)
    listing = take(bureau)
    put_in_force(people.chief, listing)
    adopt_plan(people.chief, work_out(bureau, listing))
    now = timezone.now()
    alert = propose_alert(
        bureau.keeper,
        people.root,
        level="orange",
        starts_at=now,
        ends_at=now + timedelta(days=2),
        reason="联动",
        despite=True,
    )
    issue_alert(people.leader, alert, number="1号")
    run_pending()
    return made


@pytest.mark.parametrize("share", range(SHARES))
def test_no_request_breaks_the_api_or_gets_what_is_not_its_own(
    share: int, case: Case, operations: list[Any]
) -> None:
    keys = {who: make_token(case.people.people[who], "any") if who else "mh_nobody" for who in CALLERS}
    theirs = {who: foreign(case, who) for who in CALLERS}
    known = places(case)
    found: list[str] = []
    for operation in operations[share::SHARES]:
        for asked in requests(operation, known):
            for who in CALLERS:
                with transaction.atomic():
                    found += look(asked, who, keys[who], theirs[who])
                    transaction.set_rollback(True)
    assert found == [], "\n\n".join(found[:10])


def requests(operation: Any, known: dict[str, list[Any]]) -> Iterator[Any]:
    """Some requests that the description allows; every other one about something that is there."""
    made: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def collect(case: Any) -> None:
        made.append(case)

    try:
        collect()
    except Unsatisfiable:
        pytest.fail(f"{operation.label}: no request can be made")
    room = operation.path.split("/")[2]
    for turn, case in enumerate(made):
        if turn % 3 != 2:
            for name in case.path_parameters or {}:
                choices = known.get(f"{room}.{name}") or known.get(name) or []
                if choices:
                    case.path_parameters[name] = choices[turn % len(choices)]
        yield case


def places(case: Case) -> dict[str, list[Any]]:
    """What is there, by the name of the parameter."""
    codes = [case.people.enterprises[at].code for at in (0, -1)]
    return {
        "code": codes,
        "slug": ["test-city"],
        "policies.number": [1],
        "evaluations.number": [case.evaluation.pk, 1],
        "evaluation": [case.evaluation.pk],
        "run": [1],
        "intake.number": [Batch.objects.get().pk],
        "file": [Batch.objects.get().files.get().pk],
        "year": [2025],
        "month": ["2026-01"],
        "parcel": list(Parcel.objects.values_list("pk", flat=True)),
        "row": list(Holding.objects.values_list("pk", flat=True)),
        "against": [1],
        "cases.number": list(CaseRow.objects.order_by("pk").values_list("number", flat=True)),
        "cases.file": [1],
        "template": [write_template(case.people.chief, case.people.department, "demand", "答", "……").pk],
        "emergency.number": [
            EmergencyList.objects.latest("pk").pk,
            *Plan.objects.order_by("pk").values_list("pk", flat=True),
            *Order.objects.order_by("pk").values_list("pk", flat=True),
        ],
        "emergency.line": [Order.objects.order_by("pk").first().content["lines"][0]["line"]],
        "monitoring.number": list(Point.objects.order_by("pk").values_list("pk", flat=True)),
        "jobs.number": [Job.objects.latest("pk").pk],
    }


def foreign(case: Case, who: str) -> set[str]:
    """Names and codes that a person must not be told."""
    enterprises = case.people.enterprises
    own = {"clerk": enterprises, "county_clerk": enterprises[:7], "owner": enterprises[:1], "": ()}[who]
    return {text for each in enterprises if each not in own for text in (each.code, each.name)}


def look(asked: Any, who: str, key: str, theirs: set[str]) -> Iterator[str]:
    """Send a request as a person; gives what is wrong with the answer."""
    place = f"{asked.method} {asked.formatted_path} {asked.query} {asked.body!r:.200} as {who or 'stranger'}"
    try:
        answer = asked.call(headers={"Authorization": f"Bearer {key}"})
        if not who:
            if answer.status_code not in (401, 404):  # 404: no address of the API
                yield f"{place}: {answer.status_code}"
            return
        asked.validate_response(answer, checks=CHECKS)
    except (Exception, BaseExceptionGroup) as error:
        yield f"{place}: {told_of(error)}"
        return
    sent = f"{asked.formatted_path} {asked.query} {asked.body}"
    told = answer.content.decode("utf-8", "replace")
    for text in theirs:
        if text in told and text not in sent:
            yield f"{place}: tells of {text}"


def told_of(error: BaseException) -> str:
    inside = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    return "\n".join(str(each)[:800] for each in inside)
