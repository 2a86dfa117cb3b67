"""Evaluations for programs: the pages' queries and actions under ``/api/evaluations/``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, File, Form, Query, Router, Schema
from ninja.files import UploadedFile

from muheng.web.api_description import FILE, ZIP
from muheng.web.entrance import read_number
from muheng.web.evaluation import results_api, run_api
from muheng.web.evaluation.actions import confirmation as confirming
from muheng.web.evaluation.actions import objections as objecting
from muheng.web.evaluation.actions import review as reviewing
from muheng.web.evaluation.actions import roster as rostering
from muheng.web.evaluation.actions import running, signing
from muheng.web.evaluation.models import Confirmation, Evaluation, Objection, Participant, Run
from muheng.web.evaluation.pages.procedure import bundle as send_bundle
from muheng.web.evaluation.queries import disputes, procedure, publicity, rosters, sheets, trials
from muheng.web.files.pages import download
from muheng.web.paging import Listed, Part, answer_list
from muheng.web.people.models import Organisation
from muheng.web.people.rights import require
from muheng.web.people.scope import scope_of
from muheng.web.policy.models import PolicyVersion
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.request import Request

PREFIX = "evaluations"
router = Router(tags=["评价"])
_FILES: Any = File([])  # type: ignore[type-arg]


class EvaluationLine(Schema):
    """Where an evaluation stands."""

    id: int
    year: int
    title: str
    organisation: str
    policy: str = Field(description="办法和版本，如 zj-huangyan-2022@1。")
    state: str = Field(description="roster confirmation trial review publicity answers final signed")
    confirm_from: date | None
    confirm_until: date | None
    publicity_from: date | None
    publicity_until: date | None
    provisional: bool = Field(description="有期限超出已公布的放假安排。")
    answer_days: int
    chosen: int | None = Field(description="送审、公示或签发的是第几次计算。")


class EvaluationFull(EvaluationLine):
    """With its numbers and what comes next."""

    rated: int
    exempt: int
    out: int
    sheets: dict[str, int]
    objections: dict[str, int]
    late: int = Field(description="逾期未答复的异议。")
    problems: list[dict[str, str]]
    next: dict[str, Any] | None


class Opening(Schema):
    """A new evaluation."""

    year: int
    title: str
    organisation: int = Field(description="组织单位的编号。")
    policy: str = Field(description="定稿的办法和版本，如 zj-huangyan-2022@1。")
    answer_days: int = Field(5, ge=1, le=60)


class RosterFilter(Schema):
    show: Literal["", "rated", "exempt", "out"] = ""
    q: str = ""


class RosterLine(Schema):
    code: str
    name: str
    included: bool
    reason: str
    grouping: str
    standing: str
    ground: str


class Chosen(Schema):
    """Enterprises by code."""

    codes: list[str] = Field(max_length=20_000)
    reason: str = ""


class Days(Schema):
    working_days: int
    first: date | None = None
    reason: str = ""


class SheetLine(Schema):
    code: str
    name: str
    state: str = Field(description="waiting confirmed disputed settled silent")
    answered_at: datetime | None
    note: str


class SheetFull(SheetLine):
    until: date | None
    figures: list[dict[str, Any]]


class Note(Schema):
    note: str = Field("", description="代录时依据的书面材料。")


class Dispute(Schema):
    item: str
    claimed: str
    text: str
    note: str = ""


class Raise(Schema):
    """An objection to the published result."""

    code: str
    text: str
    item: str = ""
    claimed: str = ""
    party: Literal["own", "other", "public"] = "own"
    who: str = ""
    note: str = ""


class ObjectionFilter(Schema):
    state: str = Field(
        "",
        description="状态：open 待答复，late 逾期，upheld 采纳，partly 部分采纳，rejected 不采纳，withdrawn 撤回。",
    )
    stage: Literal["", "confirmation", "publicity"] = ""


class ObjectionLine(Schema):
    id: int
    evaluation: int
    code: str
    name: str
    stage: str
    party: str
    who: str
    state: str
    item: str
    shown: str
    claimed: str
    settled: str
    unit: str
    text: str
    raised_at: datetime
    due: date
    answer: str
    answered_at: datetime | None
    evidence: list[dict[str, Any]]


class AnswerGiven(Schema):
    outcome: Literal["upheld", "partly", "rejected"]
    text: str
    settled: str = Field("", description="部分采纳时改为多少。")


class Asking(Schema):
    """A run that is asked for."""

    kind: Literal["trial", "final", "correction"] = "trial"
    title: str = ""
    policy: str = Field("", description="试算用的办法和版本；不写用本次评价的。")
    text: str = Field("", description="试算用的改动过的规则全文。")
    basis: Literal["current", "shown", "claimed"] = "current"
    reason: str = Field("", description="试什么；更正时必填，为什么更正。")


class RunLine(Schema):
    number: int
    kind: str
    state: str = Field(description="waiting done failed")
    title: str
    reason: str
    policy: str
    official: bool = Field(description="用的是定稿的原文。")
    basis: str
    seal: str
    summary: dict[str, Any] | None
    problems: list[dict[str, str]]
    replaces: int | None
    created_at: datetime
    created_by: str
    verified_at: datetime | None
    signed_at: datetime | None
    signed_by: str
    job: int | None


class Opinion(Schema):
    agreed: bool
    note: str = ""


def method_of(version: PolicyVersion) -> str:
    """A version as the API calls it: slug@number."""
    return f"{version.document.slug}@{version.number}"


def find_version(text: str) -> PolicyVersion:
    """Raises Refused for one that is not there."""
    slug, _at, number = text.partition("@")
    rows = PolicyVersion.objects.select_related("document").filter(document__slug=slug)
    found = rows.filter(number=read_number(number) or 0).first()
    if found is None:
        raise Refused(
            _("没有这一版办法：%(policy)s。") % {"policy": text}, status=422, code="invalid", at="policy"
        )
    return found


def describe(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "id": evaluation.pk,
        "year": evaluation.year,
        "title": evaluation.title,
        "organisation": evaluation.organisation.title,
        "policy": method_of(evaluation.policy),
        "state": evaluation.state,
        "confirm_from": evaluation.confirm_from,
        "confirm_until": evaluation.confirm_until,
        "publicity_from": evaluation.publicity_from,
        "publicity_until": evaluation.publicity_until,
        "provisional": evaluation.provisional,
        "answer_days": evaluation.answer_days,
        "chosen": evaluation.chosen.number if evaluation.chosen else None,
    }


def describe_whole(user: Any, evaluation: Evaluation) -> dict[str, Any]:
    roster = rosters.count_roster(user, evaluation)
    objections = disputes.count_objections(user, evaluation)
    deed = procedure.next_deed(user, evaluation)
    return {
        **describe(evaluation),
        "rated": roster.rated,
        "exempt": roster.exempt,
        "out": roster.out,
        "sheets": sheets.count_sheets(user, evaluation).counts,
        "objections": objections.states,
        "late": objections.late,
        "problems": evaluation.roster_problems if procedure.may(user, "evaluation.view", evaluation) else [],
        "next": None
        if deed is None
        else {"title": deed.title, "missing": list(deed.missing), "late": deed.late, "mine": deed.mine},
    }


def describe_run(user: Any, run: Run) -> dict[str, Any]:
    """Counts and names that are cut to nobody's place only for who looks after all of it."""
    whole = procedure.may(user, "evaluation.view", run.evaluation)
    return {
        "number": run.number,
        "kind": run.kind,
        "state": run.state,
        "title": run.title,
        "reason": run.reason,
        "policy": method_of(run.policy),
        "official": run.official,
        "basis": run.basis,
        "seal": run.seal,
        "summary": run.summary if whole else None,
        "problems": run.problems if whole else [],
        "replaces": run.replaces.number if run.replaces else None,
        "created_at": run.created_at,
        "created_by": run.created_by.name if run.created_by else "",
        "verified_at": run.verified_at,
        "signed_at": run.signed_at,
        "signed_by": run.signed_by.name if run.signed_by else "",
        "job": run.job_id,
    }


def describe_objection(objection: Objection) -> dict[str, Any]:
    return {
        "id": objection.pk,
        "evaluation": objection.evaluation_id,
        "code": objection.enterprise.code,
        "name": objection.enterprise.name,
        **{
            name: getattr(objection, name)
            for name in (
                "stage", "party", "who", "state", "item", "shown", "claimed", "settled", "unit", "text",
                "raised_at", "due", "answer", "answered_at",
            )
        },
        "evidence": [
            {"id": file.pk, "name": file.name, "size": file.size, "sha256": file.sha256}
            for file in objection.evidence.all()
        ],
    }  # fmt: skip


def describe_sheet(sheet: Confirmation) -> dict[str, Any]:
    return {
        "code": sheet.enterprise.code,
        "name": sheet.enterprise.name,
        "state": sheet.state,
        "answered_at": sheet.answered_at,
        "note": sheet.note,
    }


def _participant(row: Participant) -> dict[str, Any]:
    return {
        "code": row.enterprise.code,
        "name": row.enterprise.name,
        "included": row.included,
        "reason": row.reason,
        "grouping": row.grouping,
        "standing": row.standing,
        "ground": row.ground,
    }


# -- evaluations and rosters -----------------------------------------------------------------------


class SideLine(Schema):
    code: str
    name: str
    grades: list[str | None]


class SideBySide(Schema):
    """The same enterprises in several runs."""

    runs: list[int]
    counts: dict[str, list[int]] = Field(description="等级 → 各次的户数。")
    differing: int = Field(description="等级不同的户数。")
    items: list[SideLine] = Field(description="等级不同的，最多 200 户。")


class PublishedLine(Schema):
    name: str
    code: str
    grade: str


@router.get("", summary="评价列表", response=Listed[EvaluationLine])
def list_evaluations(request: Request, part: Query[Part]) -> HttpResponse:
    """The evaluations that the person may see, the newest first."""
    require(request.user, "evaluation.view")
    return answer_list(request, procedure.evaluations_for(request.user), part, describe)


@router.post("", summary="新建评价", response=EvaluationFull)
def open_evaluation(request: Request, given: Opening) -> dict[str, Any]:
    """Its roster is taken by background work."""
    place = get_object_or_404(Organisation, pk=given.organisation)
    made = rostering.open_evaluation(
        request.user,
        given.year,
        given.title,
        place,
        find_version(given.policy),
        answer_days=given.answer_days,
    )
    return describe_whole(request.user, made)


@router.get("/{int:number}", summary="一次评价", response=EvaluationFull)
def show_evaluation(request: Request, number: int) -> dict[str, Any]:
    return describe_whole(request.user, procedure.find_evaluation(request.user, number))


@router.get("/{int:number}/roster", summary="名单", response=Listed[RosterLine])
def list_roster(
    request: Request, number: int, filters: Query[RosterFilter], part: Query[Part]
) -> HttpResponse:
    evaluation = procedure.find_evaluation(request.user, number)
    rows = rosters.filter_roster(rosters.participants_for(request.user, evaluation), filters.q, filters.show)
    return answer_list(request, rows, part, _participant)


@router.post("/{int:number}/roster/take", summary="重新整理名单", response=dict[str, int])
def take_roster(request: Request, number: int) -> dict[str, int]:
    """By background work; gives its number."""
    evaluation = procedure.find_evaluation(request.user, number)
    return {"job": rostering.ask_roster(request.user, evaluation).pk}


@router.post("/{int:number}/roster/exclude", summary="移出名单", response=dict[str, int])
def exclude(request: Request, number: int, given: Chosen) -> dict[str, int]:
    evaluation = procedure.find_evaluation(request.user, number)
    rows = _enterprises(request, given.codes)
    return {"count": rostering.exclude(request.user, evaluation, rows, given.reason)}


@router.post("/{int:number}/roster/include", summary="放回名单", response=dict[str, int])
def include(request: Request, number: int, given: Chosen) -> dict[str, int]:
    evaluation = procedure.find_evaluation(request.user, number)
    return {"count": rostering.include(request.user, evaluation, _enterprises(request, given.codes))}


def _enterprises(request: Request, codes: list[str]) -> list[Enterprise]:
    return rosters.find_enterprises(request.user, codes)


# -- sheets ----------------------------------------------------------------------------------------


@router.post("/{int:number}/confirmation", summary="发确认单", response=EvaluationFull)
def open_confirmation(request: Request, number: int, given: Days) -> dict[str, Any]:
    evaluation = procedure.find_evaluation(request.user, number)
    confirming.open_confirmation(request.user, evaluation, given.working_days)
    return show_evaluation(request, number)


@router.post("/{int:number}/confirmation/extend", summary="延长确认期限", response=EvaluationFull)
def extend_confirmation(request: Request, number: int, given: Days) -> dict[str, Any]:
    evaluation = procedure.find_evaluation(request.user, number)
    confirming.extend_confirmation(request.user, evaluation, given.working_days, given.reason)
    return show_evaluation(request, number)


@router.post("/{int:number}/confirmation/close", summary="结束确认", response=EvaluationFull)
def close_confirmation(request: Request, number: int) -> dict[str, Any]:
    evaluation = procedure.find_evaluation(request.user, number)
    confirming.close_confirmation(request.user, evaluation)
    return show_evaluation(request, number)


@router.get("/{int:number}/sheets", summary="确认单列表", response=Listed[SheetLine])
def list_sheets(
    request: Request, number: int, part: Query[Part], state: str = "", q: str = ""
) -> HttpResponse:
    evaluation = procedure.find_evaluation(request.user, number)
    rows = sheets.filter_sheets(sheets.sheets_for(request.user, evaluation), q, state)
    return answer_list(request, rows, part, describe_sheet)


@router.get("/{int:number}/sheets/{code}", summary="一张确认单", response=SheetFull)
def show_sheet(request: Request, number: int, code: str) -> dict[str, Any]:
    """The figures as they were sent, with unit and source; the enterprise's own account may ask for its sheet."""
    found = sheets.read_sheet(request.user, number, code)
    figures = [
        {
            "item": each.item,
            "value": each.value.replace(",", "") if each.kind == "number" else each.value,
            "unit": each.unit,
            "used": each.used,
            "sources": [
                {"file": cell.file, "sheet": cell.sheet, "cell": cell.cell, "value": cell.value}
                for cell in each.cells
            ],
            "objections": [objection.pk for objection in each.objections],
        }
        for each in (*found.used, *found.others)
    ]
    until = found.evaluation.confirm_until
    return {**describe_sheet(found.confirmation), "until": until, "figures": figures}


@router.post("/{int:number}/sheets/{code}/confirm", summary="确认数据", response=SheetFull)
def confirm(request: Request, number: int, code: str, given: Note) -> dict[str, Any]:
    found = sheets.read_sheet(request.user, number, code)
    confirming.confirm(request.user, found.evaluation, found.enterprise, given.note)
    return show_sheet(request, number, code)


@router.post("/{int:number}/sheets/{code}/dispute", summary="对一个数字提异议", response=ObjectionLine)
def dispute(
    request: Request,
    number: int,
    code: str,
    given: Form[Dispute],
    evidence: list[UploadedFile] = _FILES,
) -> dict[str, Any]:
    """A form with files (multipart)."""
    found = sheets.read_sheet(request.user, number, code)
    made = confirming.dispute(
        request.user,
        found.evaluation,
        found.enterprise,
        given.item,
        given.claimed,
        given.text,
        evidence,
        given.note,
    )
    return describe_objection(made)


# -- objections ------------------------------------------------------------------------------------


@router.get("/{int:number}/objections", summary="异议列表", response=Listed[ObjectionLine])
def list_objections(
    request: Request, number: int, filters: Query[ObjectionFilter], part: Query[Part]
) -> HttpResponse:
    evaluation = procedure.find_evaluation(request.user, number)
    rows = disputes.objections_for(request.user, evaluation).prefetch_related("evidence")
    rows = disputes.filter_objections(rows, filters.state, filters.stage)
    return answer_list(request, rows, part, describe_objection)


@router.post("/{int:number}/objections", summary="对公示的结果提异议", response=ObjectionLine)
def raise_objection(
    request: Request,
    number: int,
    given: Form[Raise],
    evidence: list[UploadedFile] = _FILES,
) -> dict[str, Any]:
    """A form with files (multipart); an enterprise's account for itself, an official for whoever wrote."""
    evaluation = get_object_or_404(Evaluation, pk=number)
    rows = scope_of(request.user, "evaluation.view").filter(Enterprise.objects.all())
    enterprise = get_object_or_404(rows, code=given.code.strip().upper())
    made = objecting.object_to_result(
        request.user,
        evaluation,
        enterprise,
        given.text,
        item=given.item,
        claimed=given.claimed,
        files=evidence,
        party=given.party,
        who=given.who,
        note=given.note,
    )
    return describe_objection(made)


@router.get("/objections/{int:objection}", summary="一件异议", response=ObjectionLine)
def show_objection(request: Request, objection: int) -> dict[str, Any]:
    return describe_objection(disputes.find_objection(request.user, objection))


@router.get(
    "/objections/{int:objection}/files/{int:file}",
    summary="异议的佐证文件",
    response={200: None},
    openapi_extra=FILE,
)
def download_evidence(request: Request, objection: int, file: int) -> FileResponse:
    """A file that somebody brought; its number is in the objection's ``evidence``."""
    return download(disputes.find_evidence(request.user, objection, file))


@router.post("/objections/{int:objection}/answer", summary="答复异议", response=ObjectionLine)
def answer_objection(request: Request, objection: int, given: AnswerGiven) -> dict[str, Any]:
    found = disputes.find_objection(request.user, objection)
    objecting.answer(request.user, found, given.outcome, given.text, given.settled)
    return show_objection(request, objection)


@router.post("/objections/{int:objection}/withdraw", summary="撤回异议", response=ObjectionLine)
def withdraw_objection(request: Request, objection: int, given: Note) -> dict[str, Any]:
    found = disputes.find_objection(request.user, objection)
    objecting.withdraw(request.user, found, given.note)
    return show_objection(request, objection)


# -- runs, review, publicity, signature ------------------------------------------------------------


@router.get("/{int:number}/runs", summary="各次计算", response=Listed[RunLine])
def list_runs(request: Request, number: int, part: Query[Part]) -> HttpResponse:
    evaluation = procedure.find_evaluation(request.user, number)
    rows = procedure.runs_of(evaluation).select_related("evaluation__organisation")
    return answer_list(request, rows, part, lambda run: describe_run(request.user, run))


@router.post("/{int:number}/runs", summary="试算、终算或更正", response=RunLine)
def ask_run(request: Request, number: int, given: Asking) -> dict[str, Any]:
    """It is computed by background work; ask for the run until its state is done or failed."""
    evaluation = procedure.find_evaluation(request.user, number)
    person: Any = request.user
    if given.kind == "final":
        run = running.ask_final(person, evaluation)
    elif given.kind == "correction":
        run = running.ask_correction(person, evaluation, given.reason)
    else:
        run = running.ask_trial(
            person,
            evaluation,
            given.title,
            policy=find_version(given.policy) if given.policy else None,
            text=given.text,
            basis=given.basis,
            reason=given.reason,
        )
    return describe_run(person, run)


@router.get("/{int:number}/runs/{int:run}", summary="一次计算", response=RunLine)
def show_run(request: Request, number: int, run: int) -> dict[str, Any]:
    return describe_run(request.user, procedure.find_run(request.user, number, run))


@router.get("/{int:number}/runs/{int:run}/bundle", summary="封存包", response={200: None}, openapi_extra=ZIP)
def download_bundle(request: Request, number: int, run: int) -> FileResponse:
    """The sealed zip; ``muheng verify`` computes it anew."""
    return send_bundle(request, number, run)


@router.get("/{int:number}/side-by-side", response=SideBySide, summary="几次计算并排")
def side_by_side(request: Request, number: int, run: Query[list[int]]) -> dict[str, Any]:
    """How many got which grade in each, and the first 200 of those whose grades differ."""
    runs = [procedure.find_run(request.user, number, each) for each in run[:6]]
    if len(runs) < 2 or any(not each.results for each in runs):
        raise Refused(_("请给出至少两次已经算完的计算。"), status=422, code="invalid", at="run")
    found = trials.place_side_by_side(request.user, runs)
    return {
        "runs": [each.number for each in found.runs],
        "counts": {label: list(counts) for label, counts in found.counts},
        "differing": found.differing,
        "items": [{"code": code, "name": name, "grades": list(grades)} for code, name, grades in found.rows],
    }


@router.post("/{int:number}/runs/{int:run}/choose", summary="送审", response=EvaluationFull)
def choose(request: Request, number: int, run: int) -> dict[str, Any]:
    found = procedure.find_run(request.user, number, run)
    reviewing.choose(request.user, found.evaluation, found)
    return show_evaluation(request, number)


@router.post("/{int:number}/runs/{int:run}/review", summary="审核", response=EvaluationFull)
def review(request: Request, number: int, run: int, given: Opinion) -> dict[str, Any]:
    found = procedure.find_run(request.user, number, run)
    reviewing.review(request.user, found, given.agreed, given.note)
    return show_evaluation(request, number)


@router.post("/{int:number}/runs/{int:run}/sign", summary="签发", response=EvaluationFull)
def sign(request: Request, number: int, run: int) -> dict[str, Any]:
    signing.sign(request.user, procedure.find_run(request.user, number, run))
    return show_evaluation(request, number)


@router.post("/{int:number}/publicity", summary="公示", response=EvaluationFull)
def publish(request: Request, number: int, given: Days) -> dict[str, Any]:
    evaluation = procedure.find_evaluation(request.user, number)
    reviewing.publish(request.user, evaluation, given.working_days, given.first)
    return show_evaluation(request, number)


@router.post("/{int:number}/publicity/close", summary="结束公示", response=EvaluationFull)
def close_publicity(request: Request, number: int) -> dict[str, Any]:
    evaluation = procedure.find_evaluation(request.user, number)
    reviewing.close_publicity(request.user, evaluation)
    return show_evaluation(request, number)


@router.get("/{int:number}/publicity", response=Listed[PublishedLine], summary="公示名单")
def list_published(
    request: Request, number: int, part: Query[Part], q: str = "", grade: str = ""
) -> HttpResponse:
    """Name, code and grade of the chosen run."""
    evaluation = procedure.find_evaluation(request.user, number)
    require(request.user, "evaluation.view", evaluation.organisation)
    run = evaluation.chosen
    rows = publicity.filter_published(publicity.published(run), q, grade).rows() if run else []
    return answer_list(request, rows, part, lambda row: {"name": row[0], "code": row[1], "grade": row[2]})


for _part in (results_api, run_api):
    router.add_router("", _part.router)
