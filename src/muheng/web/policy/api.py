"""Methods for programs: the pages' queries and actions under ``/api/policies/``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from muheng.documents.diagnostic import diagnostic_json
from muheng.reports.policy_changes import Difference
from muheng.reports.policy_text import Passage, Row
from muheng.reports.words import render
from muheng.web.jobs.models import Job
from muheng.web.paging import Listed, Part, answer, answer_list
from muheng.web.people.rights import require
from muheng.web.policy import actions, comparing, queries
from muheng.web.policy.documents import check_text, clean_text, find_differences, tell_differences
from muheng.web.policy.models import PolicyDocument, PolicyVersion
from muheng.web.reading import language
from muheng.web.refusal import Refused

PREFIX = "policies"
router = Router(tags=["policies"])


class VersionLine(Schema):
    """A version without its text."""

    number: int
    state: str = Field(description="draft 草稿，final 定稿。")
    sha256: str
    note: str
    base: str | None = Field(description="从哪一版来，如 zj-huangyan-2022@1。")
    changed_at: datetime
    finalised_at: datetime | None


class MethodLine(Schema):
    slug: str = Field(description="编号。")
    title: str
    city: str
    shipped: bool
    retired: bool
    versions: list[VersionLine]


class FindingLine(Schema):
    severity: str = Field(description="error 错误，warning 提示。")
    file: str
    line: int | None
    path: str
    what: str
    fix: str | None


class VersionText(VersionLine):
    slug: str
    title: str
    text: str
    findings: list[FindingLine]


class Findings(Schema):
    errors: int
    warnings: int
    findings: list[FindingLine]


class CopyOrder(Schema):
    slug: str = Field("", max_length=80, description="新编号；不写则自动编号。")
    title: str = Field("", max_length=200, description="新名称。")


class DraftOrder(Schema):
    text: str
    seen: str = Field(description="修改之前那份文本的 SHA-256；别人先保存了，就答 409。")
    note: str | None = Field(None, max_length=300)


class FinalOrder(Schema):
    seen: str = Field(description="要定稿的文本的 SHA-256。")


class CheckOrder(Schema):
    text: str
    slug: str = Field(max_length=80, description="这份文本的编号。")


class RetireOrder(Schema):
    why: str = Field(max_length=300)


class CompareOrder(Schema):
    before: str = Field(description="如 zj-huangyan-2021@1。")
    after: str
    year: int


class PlaceLine(Schema):
    key: str = Field(description="是哪一条。")
    text: str
    lines: list[int] | None = Field(description="在文本的第几行到第几行。")


class DifferenceLine(Schema):
    chapter: str
    before: PlaceLine | None = Field(description="新增的为 null。")
    after: PlaceLine | None = Field(description="删去的为 null。")


class WordsCompared(Schema):
    before: str
    after: str
    changes: list[str] = Field(description="改动，每处一句话。")
    differences: list[DifferenceLine] | None = Field(description="逐条对照；有一份不能成文则为 null。")


class GradePair(Schema):
    before: str | None
    after: str | None
    count: int


class CauseLine(Schema):
    number: int
    what: str
    moved: int


class MoveLine(Schema):
    code: str
    name: str
    before: str | None
    after: str | None
    score_before: str | None
    score_after: str | None
    causes: list[int] = Field(description="是哪几处改动引起的。")


class MovesCompared(Schema):
    enterprises: int
    moved: int
    matrix: list[GradePair]
    causes: list[CauseLine]
    moves: list[MoveLine]


class UnderWay(Schema):
    """Work in the background; ask again."""

    job: int
    state: str
    done: int
    total: int


class DocumentShown(Schema):
    id: str
    name: str
    illustrative: bool = Field(description="示例，不是当地现行规定。")
    chapters: list[dict[str, Any]] = Field(description="各章的标题和段、表。")


@router.get("/", response=Listed[MethodLine], summary="办法列表")
def list_methods(request: HttpRequest, part: Query[Part], retired: bool = False) -> HttpResponse:
    return answer_list(request, queries.list_documents(request.user, retired), part, _method)


@router.post("/check", response=Findings, summary="检查文本，不保存")
def check(request: HttpRequest, order: CheckOrder) -> HttpResponse:
    require(request.user, "policy.view")
    return answer(_findings(clean_text(order.text), order.slug))


@router.get("/compare", response=WordsCompared, summary="两个版本的文字有何不同")
def compare_words(request: HttpRequest, before: str, after: str) -> HttpResponse:
    old, new = _labelled(request, before), _labelled(request, after)
    found = find_differences(old.text, old.document.slug, new.text, new.document.slug)
    told = tell_differences(old.text, new.text)
    return answer(
        {
            "before": old.label,
            "after": new.label,
            "changes": [render(said, language()) for said in told],
            "differences": None if found is None else [_difference(each) for each in found],
        }
    )


@router.post("/compare", response={200: MovesCompared, 202: UnderWay}, summary="谁的等级因此变动")
def compare_moves(request: HttpRequest, order: CompareOrder, part: Query[Part]) -> HttpResponse:
    """算好了答 200 和结果；要在后台算的答 202，稍后以同样的请求再问。变动的企业分页给出，总数是 moved。"""
    before, after = _labelled(request, order.before), _labelled(request, order.after)
    found = comparing.answer(request.user, comparing.ask(request.user, before, after, order.year))
    if isinstance(found, Job):
        return answer({"job": found.pk, "state": found.state, "done": found.done, "total": found.total}, 202)
    standings = comparing.read_standings(request.user, found)
    moved = standings.filter(comparing.MOVED)
    matrix = (
        standings.group_by(comparing.BEFORE, comparing.AFTER).len().sort(comparing.BEFORE, comparing.AFTER)
    )
    return answer(
        {
            "enterprises": standings.height,
            "moved": moved.height,
            "matrix": [{"before": old, "after": new, "count": many} for old, new, many in matrix.iter_rows()],
            "causes": [
                {"number": cause.number, "what": render(cause.what, language()), "moved": cause.moved}
                for cause in comparing.tell_causes(found, before, after)
            ],
            "moves": [
                {
                    "code": row[0],
                    "name": row[1],
                    "before": row[2],
                    "after": row[3],
                    "score_before": row[4],
                    "score_after": row[5],
                    "causes": [int(number) for number in (row[6] or "").split("、") if number],
                }
                for row in moved.slice(part.offset, part.limit).iter_rows()
            ],
        }
    )


@router.get("/{slug}", response=MethodLine, summary="一份办法和它的版本")
def show_method(request: HttpRequest, slug: str) -> HttpResponse:
    return answer(_method(queries.find_document(request.user, slug)))


@router.get("/{slug}/versions/{number}", response=VersionText, summary="一个版本的文本和检查结果")
def show_version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    return answer(_version(queries.find_version(request.user, slug, number)))


@router.get("/{slug}/versions/{number}/document", response=DocumentShown, summary="成文：章、条、表")
def show_document(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    version = queries.find_version(request.user, slug, number)
    document = check_text(version.text, slug).document
    if document is None:
        raise Refused(
            _("%(label)s 还有错误，不能成文。") % {"label": version.label},
            _("请先改正。"),
            status=422,
            code="has_errors",
        )
    return answer(document.json(language()))


@router.post("/{slug}/versions/{number}/copy", response={201: VersionText}, summary="另起一份")
def copy(request: HttpRequest, slug: str, number: int, order: CopyOrder) -> HttpResponse:
    base = queries.find_version(request.user, slug, number)
    return answer(_version(actions.copy_policy(base, request.user, order.slug, order.title)), 201)


@router.post("/{slug}/versions/{number}/draft", response={201: VersionText}, summary="起草下一版")
def start_draft(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    return answer(
        _version(actions.start_draft(queries.find_version(request.user, slug, number), request.user)), 201
    )


@router.put("/{slug}/versions/{number}", response=VersionText, summary="保存草稿")
def save(request: HttpRequest, slug: str, number: int, order: DraftOrder) -> HttpResponse:
    version = queries.find_version(request.user, slug, number)
    return answer(_version(actions.save_draft(version, request.user, order.text, order.seen, order.note)))


@router.post("/{slug}/versions/{number}/finalise", response=VersionText, summary="定稿")
def finalise(request: HttpRequest, slug: str, number: int, order: FinalOrder) -> HttpResponse:
    version = queries.find_version(request.user, slug, number)
    return answer(_version(actions.finalise(version, request.user, order.seen)))


@router.delete("/{slug}/versions/{number}", response={204: None}, summary="放弃草稿")
def discard(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    actions.discard_draft(queries.find_version(request.user, slug, number), request.user)
    return HttpResponse(status=204)


@router.post("/{slug}/retire", response=MethodLine, summary="停用")
def retire(request: HttpRequest, slug: str, order: RetireOrder) -> HttpResponse:
    return answer(_method(actions.retire(queries.find_document(request.user, slug), request.user, order.why)))


@router.post("/{slug}/reinstate", response=MethodLine, summary="恢复使用")
def reinstate(request: HttpRequest, slug: str) -> HttpResponse:
    return answer(_method(actions.reinstate(queries.find_document(request.user, slug), request.user)))


def _labelled(request: HttpRequest, label: str) -> PolicyVersion:
    found = queries.find_labelled(request.user, label)
    if found is None:
        raise Refused(
            _("没有版本“%(label)s”。") % {"label": label[:100]},
            _("请写作 编号@版本，如 zj-huangyan-2022@1。"),
            status=404,
            code="not_found",
        )
    return found


def _method(document: PolicyDocument) -> dict[str, Any]:
    return {
        "slug": document.slug,
        "title": document.title,
        "city": document.city,
        "shipped": document.shipped,
        "retired": document.retired_at is not None,
        "versions": [_line(version) for version in document.versions.all()],
    }


def _line(version: PolicyVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "state": version.state,
        "sha256": version.sha256,
        "note": version.note,
        "base": version.base.label if version.base is not None else None,
        "changed_at": version.changed_at,
        "finalised_at": version.finalised_at,
    }


def _version(version: PolicyVersion) -> dict[str, Any]:
    document = version.document
    return {
        **_line(version),
        "slug": document.slug,
        "title": document.title,
        "text": version.text,
        "findings": _findings(version.text, document.slug)["findings"],
    }


def _findings(text: str, slug: str) -> dict[str, Any]:
    checked = check_text(text, slug)
    return {
        "errors": len(checked.errors),
        "warnings": len(checked.warnings),
        "findings": [diagnostic_json(found, language()) for found in checked.diagnostics],
    }


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "chapter": render(found.chapter, language()),
        "before": _place(found.before),
        "after": _place(found.after),
    }


def _place(place: Passage | Row | None) -> dict[str, Any] | None:
    if place is None:
        return None
    lines = [place.lines.first, place.lines.last] if place.lines is not None else None
    return {"key": place.key, "text": render(place.words, language()), "lines": lines}
