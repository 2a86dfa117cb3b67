"""Two people at the same moment: one deed is done, the other hears that it was."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from django.db import connections

from muheng.web.audit.actions import find_break
from muheng.web.audit.models import Entry
from muheng.web.evaluation.actions.confirmation import confirm, dispute, open_confirmation
from muheng.web.evaluation.actions.objections import answer
from muheng.web.evaluation.actions.review import close_publicity
from muheng.web.evaluation.actions.running import ask_final, ask_trial
from muheng.web.evaluation.actions.signing import sign
from muheng.web.evaluation.models import Confirmation, Evaluation, Objection, Run
from muheng.web.jobs.actions import run_pending
from muheng.web.people.actions import appoint, make_person
from muheng.web.people.models import Role
from muheng.web.refusal import Refused
from muheng.web.registry.models import GradeRecord, Layer
from web.evaluation.city import make_case, moment
from web.evaluation.test_procedure_path import MONDAY, to_publicity

pytestmark = pytest.mark.django_db(transaction=True)


def together(*deeds: Callable[[], object]) -> list[str]:
    """Does all of them at once; what each was refused with, empty where it was done."""
    ready = Barrier(len(deeds))

    def do(deed: Callable[[], object]) -> str:
        ready.wait(10)
        try:
            deed()
        except Refused as refused:
            return refused.what
        finally:
            connections.close_all()
        return ""

    with ThreadPoolExecutor(len(deeds)) as pool:
        return sorted(pool.map(do, deeds))


def test_two_leaders_sign() -> None:
    case = make_case()
    people = case.people
    to_publicity(case)
    close_publicity(people.clerk, case.evaluation, at=moment(date(2026, 4, 1)))
    final = ask_final(people.clerk, case.evaluation)
    run_pending()
    other = make_person("leader2", "领导冯", "muheng2026")
    appoint(other, Role.objects.get(code="leader"), people.root)
    first, second = together(
        lambda: sign(people.leader, Run.objects.get(pk=final.pk)),
        lambda: sign(other, Run.objects.get(pk=final.pk)),
    )
    assert first == ""
    assert second in ("已由领导王签发。", "已由领导冯签发。")
    assert GradeRecord.objects.filter(ended_at=None).count() == 12
    assert Entry.objects.filter(verb="evaluation.sign").count() == 1
    assert find_break() is None


def test_two_clerks_send_the_sheets() -> None:
    case = make_case()
    clerk = case.people.clerk
    first, second = together(
        *(lambda: open_confirmation(clerk, Evaluation.objects.get(pk=case.evaluation.pk), 10),) * 2
    )
    assert first == ""
    assert "现在是“企业确认”" in second
    assert Confirmation.objects.count() == 12


def test_two_officials_answer_one_objection() -> None:
    case = make_case()
    people = case.people
    open_confirmation(people.clerk, case.evaluation, 10, at=moment(MONDAY))
    made = dispute(
        people.owner, case.evaluation, people.enterprises[0], "自有用地", "24", "代征", at=moment(MONDAY)
    )
    layers = Layer.objects.count()
    first, second = together(
        lambda: answer(people.chief, Objection.objects.get(pk=made.pk), "upheld", "属实"),
        lambda: answer(people.clerk, Objection.objects.get(pk=made.pk), "rejected", "不属实"),
    )
    assert first == ""
    assert "已经办过" in second
    made.refresh_from_db()
    assert Layer.objects.count() - layers == (1 if made.state == "upheld" else 0)


def test_an_enterprise_confirms_twice() -> None:
    case = make_case()
    people = case.people
    open_confirmation(people.clerk, case.evaluation, 10, at=moment(MONDAY))

    def deed() -> object:
        evaluation = Evaluation.objects.get(pk=case.evaluation.pk)
        return confirm(people.owner, evaluation, people.enterprises[0], at=moment(MONDAY))

    assert together(deed, deed) == ["", "这张单已经确认过了。"]


def test_trials_asked_for_together_have_numbers_of_their_own() -> None:
    case = make_case()
    clerk = case.people.clerk
    deeds = (lambda: ask_trial(clerk, Evaluation.objects.get(pk=case.evaluation.pk)),) * 3
    assert together(*deeds) == ["", "", ""]
    assert sorted(Run.objects.values_list("number", flat=True)) == [1, 2, 3]
    assert run_pending() == 3
    assert set(Run.objects.values_list("state", flat=True)) == {"done"}
    seals = set(Run.objects.values_list("seal", flat=True))
    assert len(seals) == 1  # the same text and facts give the same bundle
