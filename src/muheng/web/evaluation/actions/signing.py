"""A named person signs the final run: it becomes the enterprises' grade, and is never changed again."""

from __future__ import annotations

import hashlib
import zipfile
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.seal import MANIFEST
from muheng.web.audit.actions import record
from muheng.web.evaluation.actions.review import agreed_to
from muheng.web.evaluation.bulk import insert_rows
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.evaluation.runs import BUNDLE, read_grades
from muheng.web.evaluation.steps import State, expect, hold, move, now
from muheng.web.files.actions import folder_path
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise, GradeRecord


@transaction.atomic
def sign(actor: User, run: Run, at: datetime | None = None) -> Evaluation:
    """Sign the final run, or a correction, which then replaces the run signed before. Not whoever computed it."""
    held = hold(run.evaluation_id)
    require(actor, "evaluation.sign", held.organisation)
    found = held.runs.select_related("replaces").get(pk=run.pk)
    if found.signed_at is not None:
        raise Refused(
            _("已由%(name)s签发。") % {"name": found.signed_by.name if found.signed_by else ""}, code="signed"
        )
    if found.kind == Run.Kind.CORRECTION:
        expect(held, State.SIGNED)
        if not agreed_to(found):
            raise Refused(_("这次更正还没有审核同意。"), _("请先审核。"), code="not_reviewed")
        if held.chosen_id != found.replaces_id:
            raise Refused(_("它要更正的那次结果已经被别的更正代替。"), _("请重新发起更正。"), code="stale")
    elif found.kind == Run.Kind.FINAL:
        expect(held, State.FINAL)
        if held.runs.filter(kind=Run.Kind.FINAL, number__gt=found.number).exists():
            raise Refused(_("之后又终算过，请签最近的一次。"), code="stale")
    else:
        raise Refused(_("试算不能签发。"), _("请先终算。"), code="wrong_step")
    if found.state != Run.State.DONE or found.verified_at is None:
        raise Refused(_("还没有算完并复算验证，不能签发。"), code="not_done")
    if found.created_by_id == actor.pk:
        raise Refused(_("谁算的谁不能签发。"), _("请由另一人签发。"), status=403, code="same_person")
    check_seal(found)
    moment = now(at)
    _give_grades(held, found, moment)
    found.signed_by, found.signed_at = actor, moment
    found.save()
    move(held, State.SIGNED, chosen=found)
    record(
        actor,
        "evaluation.sign",
        found,
        seal=found.seal,
        grades=(found.summary or {}).get("grades"),
        replaces=found.replaces.number if found.replaces else None,
        reason=found.reason,
    )
    return held


def check_seal(run: Run) -> None:
    """Raises Refused where the stored bundle is not the one that was computed."""
    try:
        with zipfile.ZipFile(folder_path(run.results) / BUNDLE) as bundle:
            seal = hashlib.sha256(bundle.read(MANIFEST)).hexdigest()
    except (OSError, KeyError, zipfile.BadZipFile):
        seal = ""
    if seal != run.seal:
        raise Refused(
            _("封存的文件和计算时的不一样，不能签发。"),
            _("请联系系统管理员，查清后重新终算。"),
            code="broken_seal",
        )


def _give_grades(evaluation: Evaluation, run: Run, at: datetime) -> None:
    """Write what every enterprise got, and end what a replaced run gave."""
    touched = [run.pk]
    if run.replaces is not None:
        GradeRecord.objects.filter(run=run.replaces.pk, ended_at=None).update(ended_at=at)
        touched.append(run.replaces.pk)
    grades = read_grades(run.results)
    numbers = dict(Enterprise.objects.values_list("code", "pk").iterator(chunk_size=20_000))
    live = GradeRecord.objects.filter(year=evaluation.year, ended_at=None)
    held = set(live.values_list("enterprise_id", flat=True).iterator(chunk_size=20_000))
    rows = []
    for code, standing, score, place, grade in grades.select(
        CODE, p.STANDING, p.TOTAL, p.PLACE, p.GRADE
    ).iter_rows():
        number = numbers.get(code)
        if number is None:
            continue
        if number in held:
            other = live.filter(enterprise=number).values_list("enterprise__name", flat=True)[0]
            raise Refused(
                _("%(name)s等企业 %(year)s 年已有另一次评价签发的等级。")
                % {"name": other, "year": evaluation.year},
                _("同一年一户只能有一个等级；请把它们移出名单，重新终算。"),
                code="graded_already",
            )
        rows.append((number, grade or "", standing or "", score or "", place))
    names = ("enterprise_id", "grade", "standing", "score", "place")
    insert_rows(GradeRecord, names, rows, year=evaluation.year, run=run.pk, given_at=at)
    newest = (
        GradeRecord.objects.filter(enterprise=OuterRef("pk"), ended_at=None)
        .order_by("-year")
        .values("grade")[:1]
    )
    concerned = GradeRecord.objects.filter(run__in=touched).values("enterprise")
    now_held = Coalesce(Subquery(newest), Value(""))
    # Most keep their grade, and PostgreSQL writes a row that is set to what it was anew, with all its indexes.
    Enterprise.objects.filter(pk__in=concerned).exclude(grade=now_held).update(grade=now_held)
