"""The whole path of an evaluation by its actions, on working days of 2026, from the roster to a corrected grade."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction

from muheng.intake.facts import CODE
from muheng.policy.seal import verify_bundle
from muheng.web.audit.actions import find_break
from muheng.web.audit.models import Entry
from muheng.web.evaluation.actions.confirmation import close_confirmation, confirm, dispute, open_confirmation
from muheng.web.evaluation.actions.objections import answer, object_to_result
from muheng.web.evaluation.actions.review import choose, close_publicity, publish, review
from muheng.web.evaluation.actions.roster import exclude
from muheng.web.evaluation.actions.running import ask_correction, ask_final, ask_trial
from muheng.web.evaluation.actions.signing import sign
from muheng.web.evaluation.models import Confirmation, Evaluation, Objection, Run
from muheng.web.evaluation.runs import BUNDLE
from muheng.web.files.actions import folder_path
from muheng.web.jobs.actions import run_pending
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise, GradeRecord
from muheng.web.registry.panels import current
from muheng.web.registry.timeline import events_of
from web.evaluation.city import Case, make_case, moment

pytestmark = pytest.mark.django_db

MONDAY, DEADLINE = date(2026, 3, 9), date(2026, 3, 23)
AFTER = date(2026, 3, 24)


def to_publicity(case: Case) -> Run:
    """Sheets sent, one confirmed, one disputed and upheld; a trial chosen, reviewed and published."""
    people, evaluation = case.people, case.evaluation
    assert open_confirmation(people.clerk, evaluation, 10, at=moment(MONDAY)) == 12
    confirm(people.other_owner, evaluation, people.enterprises[-1], at=moment(date(2026, 3, 11)))
    objection = dispute(
        people.owner,
        evaluation,
        people.enterprises[0],
        "自有用地",
        "24",
        "绿化带属市政代征。",
        [SimpleUploadedFile("红线图.pdf", b"%PDF-1.4")],
        at=moment(date(2026, 3, 12)),
    )
    answer(people.chief, objection, "upheld", "红线图核对无误。", at=moment(date(2026, 3, 13)))
    close_confirmation(people.clerk, evaluation, at=moment(AFTER))
    run = ask_trial(people.clerk, evaluation, at=moment(AFTER))
    run_pending()
    run.refresh_from_db()
    choose(people.clerk, evaluation, run)
    review(people.chief, run, True, at=moment(AFTER))
    publish(people.clerk, evaluation, 5, date(2026, 3, 25), at=moment(AFTER))
    return run


def to_signed(case: Case) -> Run:
    to_publicity(case)
    close_publicity(case.people.clerk, case.evaluation, at=moment(date(2026, 4, 1)))
    final = ask_final(case.people.clerk, case.evaluation, at=moment(date(2026, 4, 1)))
    run_pending()
    final.refresh_from_db()
    assert final.state == Run.State.DONE, final.error
    sign(case.people.leader, final, at=moment(date(2026, 4, 2)))
    final.refresh_from_db()
    return final


def test_from_the_roster_to_the_signature() -> None:
    case = make_case()
    people = case.people
    run = to_publicity(case)
    evaluation = case.fresh()
    assert (evaluation.state, evaluation.chosen) == (Evaluation.State.PUBLICITY, run)
    assert (evaluation.confirm_until, evaluation.publicity_until) == (DEADLINE, date(2026, 3, 31))
    assert not evaluation.provisional
    states = dict(Confirmation.objects.filter(evaluation=evaluation).values_list("enterprise__code", "state"))
    assert states[people.enterprises[0].code] == "settled"
    assert states[people.enterprises[-1].code] == "confirmed"
    assert list(states.values()).count("silent") == 10

    facts = current(2025)
    assert facts is not None
    assert facts.frame.filter(facts.frame[CODE] == people.enterprises[0].code)["自有用地"][0] == 24_0000
    number = Objection.objects.get().pk
    (cell,) = facts.cells(people.enterprises[0].code, "自有用地")
    assert (cell.file, cell.value) == (f"更正单 第{number}号", "24.0000")

    late = object_to_result(
        people.other_owner, evaluation, people.enterprises[-1], "等级偏低。", at=moment(date(2026, 3, 30))
    )
    assert late.due == date(2026, 4, 7)  # Qingming: 4 to 6 April off
    close_publicity(people.clerk, evaluation, at=moment(date(2026, 4, 1)))
    with pytest.raises(Refused, match="还有 1 件异议没有答复（湖心玻璃有限公司等）"):
        ask_final(people.clerk, evaluation)
    answer(people.chief, late, "rejected", "按办法计算无误。", at=moment(date(2026, 4, 2)))
    final = ask_final(people.clerk, evaluation, at=moment(date(2026, 4, 2)))
    run_pending()
    final.refresh_from_db()
    assert (final.state, final.kind) == (Run.State.DONE, Run.Kind.FINAL), final.error
    assert final.verified_at is not None
    sign(people.leader, final, at=moment(date(2026, 4, 3)))

    evaluation = case.fresh()
    final.refresh_from_db()
    assert (evaluation.state, evaluation.chosen, final.signed_by) == ("signed", final, people.leader)
    records = GradeRecord.objects.filter(year=2025, ended_at=None)
    assert records.count() == 12
    for enterprise in Enterprise.objects.all():
        assert enterprise.grade == records.get(enterprise=enterprise).grade
    assert verify_bundle(folder_path(final.results) / BUNDLE).proved
    verbs = list(Entry.objects.filter(verb__startswith="evaluation.").values_list("verb", flat=True))
    for verb in [
        "open",
        "take_roster",
        "open_confirmation",
        "confirm",
        "dispute",
        "answer",
        "close_confirmation",
        "choose",
    ]:
        assert f"evaluation.{verb}" in verbs
    assert verbs[-1] == "evaluation.sign"
    assert find_break() is None


def test_a_correction_replaces_what_was_signed() -> None:
    case = make_case()
    people = case.people
    signed = to_signed(case)
    first = people.enterprises[0]
    exclude(people.clerk, case.evaluation, [first], "重复统计")
    with pytest.raises(Refused, match="更正的原因"):
        ask_correction(people.clerk, case.evaluation, " ")
    run = ask_correction(people.clerk, case.evaluation, "一户重复统计。", at=moment(date(2026, 4, 10)))
    run_pending()
    run.refresh_from_db()
    assert (run.state, run.replaces) == (Run.State.DONE, signed), run.error
    with pytest.raises(Refused, match="还没有审核同意"):
        sign(people.leader, run)
    review(people.chief, run, True)
    assert case.fresh().chosen == signed
    sign(people.leader, run, at=moment(date(2026, 4, 13)))
    assert case.fresh().chosen == run
    assert Enterprise.objects.get(pk=first.pk).grade == ""
    assert GradeRecord.objects.filter(run=signed.pk, ended_at=None).count() == 0
    assert GradeRecord.objects.filter(run=run.pk, ended_at=None).count() == 11
    signed.refresh_from_db()
    assert signed.results
    assert signed.signed_by == people.leader


def test_nothing_signed_can_be_changed() -> None:
    case = make_case()
    run = to_signed(case)
    run.summary = {"grades": {"A": 12}}
    with pytest.raises(Refused, match="已签发的结果不能改动"):
        run.save()
    run.refresh_from_db()
    with pytest.raises(Refused, match="已签发的结果不能改动"):
        run.delete()
    for change in (
        {"seal": "0" * 64},
        {"signed_by": case.people.clerk},
        {"signed_at": None},
        {"state": "failed"},
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            Run.objects.filter(pk=run.pk).update(**change)
    Run.objects.filter(pk=run.pk).update(job=None)
    with pytest.raises(Refused, match="已由领导王签发"):
        sign(case.people.leader, run)
    with pytest.raises(Refused, match="现在是“已签发”"):
        ask_final(case.people.clerk, case.evaluation)


def test_what_happened_stands_in_the_enterprises_timeline() -> None:
    case = make_case()
    people = case.people
    to_publicity(case)
    first = people.enterprises[0]
    object_to_result(
        people.clerk,
        case.fresh(),
        first,
        "虚报用地。",
        party="public",
        who="居民某",
        note="来信",
        at=moment(date(2026, 3, 26)),
    )

    def titles(person: User) -> list[str]:
        return [event.title for event in events_of(first, person) if event.kind == "evaluation"]

    seen = titles(people.county_clerk)
    assert seen[0].startswith("提出异议 第")  # the public's
    assert any(title.endswith("采纳") for title in seen)
    assert seen[-1] == "2025年度亩均效益评价：发出数据确认单"
    # Who wrote to the authorities about it is not for the enterprise's account.
    assert len(titles(people.owner)) == len(seen) - 1
    assert titles(people.other_county_clerk) == []
