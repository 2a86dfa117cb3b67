"""Open an evaluation and settle who is in: from the year's facts, by the method's own rules, and by hand with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from muheng.intake.facts import CODE, Facts
from muheng.policy import plan as p
from muheng.policy.bind import DataError
from muheng.policy.run import evaluate
from muheng.policy.whatif import TrialError
from muheng.web.audit.actions import record
from muheng.web.evaluation.actions.confirmation import match_sheets
from muheng.web.evaluation.bulk import insert_rows
from muheng.web.evaluation.models import Evaluation, Participant
from muheng.web.evaluation.runs import describe_problems, make_plan, per_enterprise, read_previous
from muheng.web.evaluation.steps import State, expect, hold, move, need_text, now, take
from muheng.web.jobs.actions import enqueue
from muheng.web.jobs.models import Job
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import require
from muheng.web.policy.models import PolicyVersion
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise, Panel
from muheng.web.registry.panels import read_panel

CHANGEABLE = (State.ROSTER, State.CONFIRMATION, State.TRIAL, State.ANSWERS, State.SIGNED)
"""When the roster may be changed: not under review, in publicity, or between the final run and its signature."""
BATCH = 5_000


@transaction.atomic
def open_evaluation(
    actor: User | None,
    year: int,
    title: str,
    organisation: Organisation,
    policy: PolicyVersion,
    *,
    answer_days: int = 5,
    at: datetime | None = None,
) -> Evaluation:
    """Begin the evaluation of a year by a final version of a method; its roster is taken by background work."""
    if actor is not None:
        require(actor, "evaluation.edit", organisation)
    if policy.state != PolicyVersion.State.FINAL:
        raise Refused(
            _("“%(policy)s”还是草稿，不能用来评价。") % {"policy": policy}, _("请先定稿。"), at="policy"
        )
    if policy.document.retired_at is not None:
        raise Refused(_("这份办法已停用。"), _("需要时先恢复使用。"), code="retired", at="policy")
    title = need_text(title, _("名称"), "title", 200)
    if not Panel.objects.filter(pk=year).exists():
        raise Refused(
            _("还没有 %(year)s 年的数据。") % {"year": year},
            _("请先在“数据归集”里接受各部门的表。"),
            at="year",
        )
    if Evaluation.objects.filter(title=title, year=year).exists():
        raise Refused(_("已有同名的评价：%(title)s。") % {"title": title}, at="title")
    made = Evaluation.objects.create(
        year=year,
        title=title,
        organisation=organisation,
        policy=policy,
        answer_days=answer_days,
        created_by=actor,
        created_at=now(at),
    )
    record(actor, "evaluation.open", made, year=year, policy=str(policy), policy_sha256=policy.sha256)
    ask_roster(actor, made)
    return made


@transaction.atomic
def ask_roster(actor: User | None, evaluation: Evaluation) -> Job:
    """Take the roster (again) in the background."""
    held = take(actor, evaluation, "evaluation.edit", *CHANGEABLE)
    if held.job is not None and not held.job.ended:
        raise Refused(_("正在整理名单，请稍候。"), code="busy")
    held.job = enqueue("evaluation.take_roster", actor, _("整理评价名单"), evaluation=held.pk)
    held.save(update_fields=("job",))
    evaluation.job = held.job
    return held.job


@transaction.atomic
def take_roster(actor: User | None, evaluation: Evaluation) -> int:
    """Everyone in the year's facts whose file the place looks after, with what the method makes of each; gives how
    many. What was decided by hand stays; who is no longer in the facts leaves.
    """
    held = hold(evaluation.pk)
    expect(held, *CHANGEABLE)
    panel = Panel.objects.filter(pk=held.year).first()
    if panel is None:
        raise Refused(_("%(year)s 年的数据已经撤销。") % {"year": held.year})
    facts = read_panel(panel.folder)
    codes = pl.Series(CODE, facts.frame[CODE])
    inside = Enterprise.objects.filter(within(held.organisation), merged_into=None)
    numbers = dict(inside.values_list("code", "pk").iterator(chunk_size=20_000))
    standings, problems = dry_run(held, facts)
    kept = {each.enterprise_id: each for each in held.participants.all()}
    fresh, changed, seen = [], [], set()
    for code in codes:
        number = numbers.get(code)
        if number is None:
            continue
        seen.add(number)
        found = standings.get(code, ("", "", ""))
        known = kept.get(number)
        if known is None:
            fresh.append((number, *found))
        elif (known.grouping, known.standing, known.ground) != found:
            known.grouping, known.standing, known.ground = found
            changed.append(known)
    names = ("enterprise_id", "grouping", "standing", "ground")
    insert_rows(Participant, names, fresh, evaluation_id=held.pk)
    Participant.objects.bulk_update(changed, ("grouping", "standing", "ground"), batch_size=1_000)
    gone = [each.pk for number, each in kept.items() if number not in seen]
    for start in range(0, len(gone), BATCH):
        Participant.objects.filter(pk__in=gone[start : start + BATCH]).delete()
    move(held, held.state, roster_panel=panel.folder, roster_problems=problems)
    match_sheets(held)
    record(
        actor,
        "evaluation.take_roster",
        held,
        panel=panel.folder,
        joined=len(fresh),
        left=len(gone),
        total=len(seen),
    )
    return len(seen)


def within(place: Organisation) -> Q:
    """The enterprises that an organisation's territory holds."""
    territory = place.territory
    kind = Organisation.Kind
    if territory.kind == kind.COUNTY:
        return Q(county=territory)
    if territory.kind == kind.TOWNSHIP:
        return Q(township=territory)
    if territory.kind == kind.PARK:
        return Q(pk__in=Enterprise.objects.filter(parks=territory).values("pk"))
    return Q()


def concerns(evaluation: Evaluation, enterprise: Enterprise) -> bool:
    """Whether an enterprise is on the roster, taken out or not, or could be: its file is in the place's care."""
    inside = Enterprise.objects.filter(within(evaluation.organisation), pk=enterprise.pk)
    return evaluation.participants.filter(enterprise=enterprise).exists() or inside.exists()


def dry_run(
    evaluation: Evaluation, facts: Facts
) -> tuple[dict[str, tuple[str, str, str]], list[dict[str, str]]]:
    """Class, standing and its reason of every enterprise by the method as it is; or why it cannot be said yet."""
    try:
        plan = make_plan(evaluation.policy.text)
        previous = read_previous(plan, evaluation.year)
        result = evaluate(plan, facts, previous=read_panel(previous) if previous else None)
    except (DataError, TrialError) as error:
        return {}, describe_problems(error)
    grades = per_enterprise(result).select(CODE, p.CLASS, p.STANDING, p.REASON)
    found = {
        code: (grouping or "", standing or "", (reason or "")[:200])
        for code, grouping, standing, reason in grades.iter_rows()
    }
    return found, []


@transaction.atomic
def exclude(
    actor: User | None,
    evaluation: Evaluation,
    enterprises: Sequence[Enterprise] | Iterable[Enterprise],
    reason: str,
    at: datetime | None = None,
) -> int:
    """Take enterprises off the roster, saying why; gives how many were on it."""
    held = take(actor, evaluation, "evaluation.edit", *CHANGEABLE)
    reason = need_text(reason, _("移出名单的理由"), "reason", 200)
    return _decide(actor, held, enterprises, False, reason, at)


@transaction.atomic
def include(
    actor: User | None,
    evaluation: Evaluation,
    enterprises: Sequence[Enterprise] | Iterable[Enterprise],
    at: datetime | None = None,
) -> int:
    """Put enterprises back on the roster; gives how many were off it."""
    held = take(actor, evaluation, "evaluation.edit", *CHANGEABLE)
    return _decide(actor, held, enterprises, True, "", at)


def _decide(
    actor: Any,
    evaluation: Evaluation,
    enterprises: Iterable[Enterprise],
    included: bool,
    reason: str,
    at: datetime | None,
) -> int:
    numbers = [each.pk for each in enterprises]
    codes: list[str] = []
    for start in range(0, len(numbers), BATCH):
        rows = evaluation.participants.filter(
            enterprise__in=numbers[start : start + BATCH], included=not included
        )
        codes += rows.values_list("enterprise__code", flat=True)
        rows.update(included=included, reason=reason, decided_by=actor, decided_at=now(at))
    if not codes:
        raise Refused(
            _("所选的企业都已在名单里。") if included else _("所选的企业都不在名单里，或已移出。"),
            _("请重新选择。"),
            code="unchanged",
        )
    match_sheets(evaluation)
    record(
        actor,
        "evaluation.include" if included else "evaluation.exclude",
        evaluation,
        reason=reason,
        count=len(codes),
        codes=codes[:200],
    )
    return len(codes)
