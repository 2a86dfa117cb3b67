"""Ask for a run, and keep what comes out: trials as many as are wanted, the final one, a correction.

A run is computed by background work. Which text and which facts it uses is settled when it is asked for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal, say
from muheng.intake.overlay import Correction, corrected
from muheng.policy.bind import DataError
from muheng.policy.compile import compile_policy
from muheng.policy.seal import verify_bundle
from muheng.policy.whatif import TrialError
from muheng.web.audit.actions import record
from muheng.web.evaluation import runs
from muheng.web.evaluation.models import Confirmation, Evaluation, Objection, Run
from muheng.web.evaluation.steps import State, hold, move, need_text, now, take
from muheng.web.files.actions import folder_path
from muheng.web.jobs.actions import Cancelled, enqueue
from muheng.web.people.models import User
from muheng.web.policy.models import PolicyVersion
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry.models import Panel
from muheng.web.registry.panels import read_panel, store_facts

# Names that are kept, and cited in sealed files, are in the language that the city works in.
TITLES = {Run.Kind.TRIAL: "试算", Run.Kind.FINAL: "终算", Run.Kind.CORRECTION: "更正"}
OPEN_FOR_TRIALS = (State.ROSTER, State.CONFIRMATION, State.TRIAL)


@transaction.atomic
def ask_trial(
    actor: User | None,
    evaluation: Evaluation,
    title: str = "",
    *,
    policy: PolicyVersion | None = None,
    text: str = "",
    basis: str = Run.Basis.CURRENT,
    reason: str = "",
    at: datetime | None = None,
) -> Run:
    """Ask for a trial: by the evaluation's own method, by another version, or by a changed ``text`` of it."""
    held = take(actor, evaluation, "evaluation.edit", *OPEN_FOR_TRIALS)
    version = policy or held.policy
    text = text or version.text
    compiled = compile_policy(text)
    if compiled.plan is None:
        first = next(each for each in compiled.diagnostics if each.severity == "error")
        raise Refused(
            _("这份规则有错误，不能试算：%(what)s") % {"what": first.what},
            _("请到“评价办法”里改好。"),
            status=422,
            code="invalid",
            at="policy",
        )
    if basis not in Run.Basis.values:
        raise Refused(_("没有这种数据。"), status=422, code="invalid", at="basis")
    facts = _facts(held, basis)
    return _ask(
        actor, held, Run.Kind.TRIAL, title or TITLES[Run.Kind.TRIAL], version, text, facts, basis, reason, at
    )


@transaction.atomic
def ask_final(actor: User | None, evaluation: Evaluation, at: datetime | None = None) -> Run:
    """Ask for the final run, by the method that was published and the facts as they now are."""
    held = take(actor, evaluation, "evaluation.edit", State.ANSWERS, State.FINAL)
    still = held.objections.filter(state=Objection.State.OPEN)
    if (count := still.count()) > 0:
        first = still.select_related("enterprise").order_by("due", "pk")[0]
        raise Refused(
            _("还有 %(count)s 件异议没有答复（%(name)s等），不能终算。")
            % {"count": count, "name": first.enterprise.name},
            _("请先逐件答复。"),
            code="open_objections",
        )
    refuse_second(held, Run.Kind.FINAL)
    assert held.chosen is not None
    version = held.chosen.policy
    run = _ask(
        actor,
        held,
        Run.Kind.FINAL,
        TITLES[Run.Kind.FINAL],
        version,
        version.text,
        _facts(held, Run.Basis.CURRENT),
        Run.Basis.CURRENT,
        "",
        at,
    )
    if held.state != State.FINAL:
        move(held, State.FINAL)
    evaluation.state = held.state
    return run


@transaction.atomic
def ask_correction(
    actor: User | None, evaluation: Evaluation, reason: str, at: datetime | None = None
) -> Run:
    """Ask for a run that is to replace the signed one; the signed one stands until this is reviewed and signed."""
    held = take(actor, evaluation, "evaluation.edit", State.SIGNED)
    reason = need_text(reason, _("更正的原因"), "reason")
    refuse_second(held, Run.Kind.CORRECTION)
    signed = held.chosen
    assert signed is not None
    return _ask(
        actor,
        held,
        Run.Kind.CORRECTION,
        TITLES[Run.Kind.CORRECTION],
        signed.policy,
        signed.policy_text,
        _facts(held, Run.Basis.CURRENT),
        Run.Basis.CURRENT,
        reason,
        at,
        replaces=signed,
    )


def refuse_second(evaluation: Evaluation, kind: str) -> None:
    """Raises Refused while another run of the kind is being computed; one whose work was stopped is none."""
    waiting = evaluation.runs.select_related("job").filter(kind=kind, state=Run.State.WAITING)
    if any(not run.lost for run in waiting):
        raise Refused(_("已经在计算，请稍候。"), code="busy")


def _ask(
    actor: Any,
    evaluation: Evaluation,
    kind: str,
    title: str,
    version: PolicyVersion,
    text: str,
    facts: str,
    basis: str,
    reason: str,
    at: datetime | None,
    replaces: Run | None = None,
) -> Run:
    if not evaluation.roster_panel:
        raise Refused(_("名单还没有整理好。"), _("请等名单整理完再算。"), code="no_roster")
    number = (evaluation.runs.aggregate(last=Max("number"))["last"] or 0) + 1
    run = Run.objects.create(
        evaluation=evaluation,
        number=number,
        kind=kind,
        title=title.strip()[:100],
        reason=reason.strip(),
        policy=version,
        policy_text=text,
        basis=basis,
        facts=facts,
        previous=runs.read_previous(runs.make_plan(text), evaluation.year),
        replaces=replaces,
        created_by=actor,
        created_at=now(at),
    )
    run.job = enqueue("evaluation.run", actor, f"{evaluation.title} {run.title}", run=run.pk)
    run.save(update_fields=("job",))
    record(
        actor,
        f"evaluation.ask_{kind}",
        run,
        number=number,
        policy=str(version),
        official=run.official,
        facts=facts,
        basis=basis,
        reason=reason,
    )
    return run


def _facts(evaluation: Evaluation, basis: str) -> str:
    """The folder of the facts that a run is to use."""
    if basis == Run.Basis.SHOWN:
        sheet = Confirmation.objects.filter(evaluation=evaluation).values_list("folder", flat=True).first()
        if sheet is None:
            raise Refused(_("还没有发过确认单。"), _("请改用现有数据。"), at="basis")
        return sheet
    panel = Panel.objects.filter(pk=evaluation.year).first()
    if panel is None:
        raise Refused(_("%(year)s 年的数据已经撤销。") % {"year": evaluation.year})
    if basis == Run.Basis.CURRENT:
        return panel.folder
    claims = evaluation.objections.filter(state=Objection.State.OPEN).exclude(item="").exclude(claimed="")
    corrections = [
        Correction(code, item, claimed, f"异议 第{number}号（假定采纳）")
        for number, code, item, claimed in claims.order_by("pk").values_list(
            "pk", "enterprise__code", "item", "claimed"
        )
    ]
    if not corrections:
        raise Refused(_("没有未答复的数据异议。"), _("请改用现有数据。"), at="basis")
    try:
        return store_facts(corrected(read_panel(panel.folder), corrections))
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal


def compute_run(run: Run, progress: runs.Step) -> None:
    """Do what was asked for. What cannot be computed is said on the run; a run that has ended stays as it is."""
    if run.state == Run.State.DONE:
        return
    try:
        folder, seal, summary = runs.compute(run, progress)
        if run.kind != Run.Kind.TRIAL:
            progress(4, runs.STAGES, say("复算验证"))
            verify(folder, seal)
    except (DataError, TrialError) as error:
        fail_run(run, runs.describe_problems(error))
        return
    except Cancelled:
        fail_run(run, [_both(say("已停止。"))])
        raise
    except Refused:
        raise
    except Exception:
        fail_run(run, [_both(say("系统出错，没有完成。"))])
        raise
    finish_run(run, folder, seal, summary)


def _both(message: Any) -> dict[str, str]:
    return {"zh": message.render("zh"), "en": message.render("en")}


def verify(folder: str, seal: str) -> None:
    """Compute the sealed bundle anew. Raises DataError where anything does not agree."""
    verification = verify_bundle(folder_path(folder) / runs.BUNDLE)
    if not verification.proved or verification.seal != seal:
        from muheng.policy.bind import Misfit

        raise DataError(
            [Misfit(finding.file, finding.what) for finding in verification.findings]
            or [Misfit(runs.BUNDLE, say("封存的结果与重算的结果行列不同。"))]
        )


@transaction.atomic
def finish_run(run: Run, folder: str, seal: str, summary: dict[str, Any], at: datetime | None = None) -> None:
    """Keep what a run computed."""
    hold(run.evaluation_id)
    held = Run.objects.get(pk=run.pk)
    if held.state == Run.State.DONE:
        return
    held.state = Run.State.DONE
    held.results, held.seal, held.summary = folder, seal, summary
    held.roster = summary["roster"]
    held.error, held.problems, held.ended_at = "", [], now(at)
    if held.kind != Run.Kind.TRIAL:
        held.verified_at = held.ended_at
    held.save()
    record(held.created_by, "evaluation.computed", held, seal=seal, subjects=summary["subjects"])


@transaction.atomic
def fail_run(run: Run, problems: list[dict[str, str]], at: datetime | None = None) -> None:
    """Keep why nothing came out."""
    hold(run.evaluation_id)
    Run.objects.filter(pk=run.pk, state=Run.State.WAITING).update(
        state=Run.State.FAILED,
        error="\n".join(each["zh"] for each in problems),
        problems=problems,
        ended_at=now(at),
    )
    record(run.created_by, "evaluation.failed", run, problems=[each["zh"] for each in problems[:5]])
