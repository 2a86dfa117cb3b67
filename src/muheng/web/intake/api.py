"""Intake for programs: the same batches, queries and actions as the pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import FileResponse, Http404, HttpResponse
from ninja import Field, File, Form, Query, Router, Schema, Status
from ninja.files import UploadedFile

from muheng.documents.message import Refusal
from muheng.intake.sheet_fix import fixes_from_json
from muheng.web.api_description import FILE, ZIP
from muheng.web.files.pages import download
from muheng.web.intake import actions, queries, years
from muheng.web.intake.models import Batch
from muheng.web.paging import Listed, Part, answer, answer_list
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import refused_by
from muheng.web.request import Request

PREFIX = "intake"
router = Router(tags=["数据归集"])


class BatchShown(Schema):
    """A batch of workbooks. ``state``: reading, review, accepted, undone or abandoned."""

    id: int
    year: int
    title: str
    state: str
    stopped: bool = Field(description="读取中断，没有读完。")
    reading: int = Field(description="第几次读取；接受时要带上。")
    owner: str
    organisation: str
    created_at: datetime
    counts: dict[str, Any] = Field(description="行、企业、错误、提示各多少。")
    changes: dict[str, Any] = Field(description="新增、改变、相同的数各多少。")
    fixes: list[dict[str, Any]]
    files: list[dict[str, Any]]
    accepted_at: datetime | None = None
    accepted_by: str | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None
    undone_why: str
    progress: int = Field(description="读取的进度，百分比。")
    error: str = Field(description="没有读完的原因。")


class ProblemShown(Schema):
    """Something wrong in a file, at its cell."""

    severity: str
    file: str
    sheet: str | None
    row: int | None
    column: str | None
    cell: str | None
    found: str
    kind: str = Field(description="种类：说明文字的模板。")
    what: str
    fix: str | None
    enterprise: str | None
    code: str | None


class Which(Schema):
    """Which batches are asked for."""

    year: int | None = Field(None, description="年度。")
    state: str = Field("", description="状态。")
    q: str = Field("", description="标题或上传人的一部分。")


class WhichProblems(Schema):
    """Which problems are asked for."""

    severity: str = Field("", description="error 或 warning。")
    kind: str = Field("", description="种类。")
    file: str = Field("", description="文件名。")
    q: str = Field("", description="企业、单元格或内容的一部分。")


class FixGiven(Schema):
    """A decision about a sheet. Without anything but its names: as the program takes it."""

    file: str
    sheet: str
    layout: str | None = None
    kind: str | None = None
    ignore: bool = False
    header_row: int | None = Field(None, ge=0)
    columns: dict[str, str | None] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)


class Acceptance(Schema):
    """What the person who accepts has looked at."""

    reading: int = Field(description="核对的是第几次读取。")
    withheld: int = Field(0, ge=0, description="知道有多少处错误，相关的行不导入。")


class Reason(Schema):
    why: str = Field(description="原因，会记入档案。")


class Dropped(Schema):
    """What comes with the files."""

    year: int = Field(description="数据属于哪一年。")
    title: str = Field("", description="标题；不写就用文件名。")


class YearShown(Schema):
    """A year that has facts."""

    year: int
    enterprises: int = Field(description="其中您能看到的企业数。")
    changed_at: datetime


@router.get("/years", response=Listed[YearShown], summary="有数据的年度")
def list_years(request: Request, part: Query[Part]) -> HttpResponse:
    """接受过数据的年度，新的在前。"""
    return answer_list(request, years.list_years(request.user), part)


@router.get("/years/{year}/facts", response={200: None}, summary="一年的数据", openapi_extra=ZIP)
def show_facts(request: Request, year: int) -> FileResponse:
    """已接受的全部数据，每个数有出处；zip，`muheng evaluate --data` 可以直接用。只有您权限之内的企业。"""
    name = f"facts-{year}.zip"
    return FileResponse(years.pack_year(request.user, year), as_attachment=True, filename=name)


@router.get("/batches", response=Listed[BatchShown], summary="批次")
def list_batches(request: Request, which: Query[Which], part: Query[Part]) -> HttpResponse:
    """您能看到的批次，新的在前。"""
    require(request.user, queries.RIGHT)
    rows = queries.filter_batches(request.user, which.year, which.state, which.q)
    return answer_list(request, rows.prefetch_related("files__stored"), part, _shown)


@router.post("/batches", response={201: BatchShown}, summary="上传一批表格")
def drop(request: Request, dropped: Form[Dropped], files: File[list[UploadedFile]]) -> Status[dict[str, Any]]:
    """收下并在后台读取；接受之前不影响任何数据。"""
    return Status(201, _shown(actions.drop_workbooks(request.user, dropped.year, files, dropped.title)))


@router.get("/batches/{number}", response=BatchShown, summary="一批")
def show(request: Request, number: int) -> dict[str, Any]:
    """一批的状态、数量和文件。"""
    return _shown(queries.find_batch(request.user, number))


@router.get("/batches/{number}/sheets", response=Listed[dict[str, Any]], summary="各表认作什么")
def list_sheets(request: Request, number: int, part: Query[Part]) -> HttpResponse:
    """每张表读作什么，每一列认作什么、单位、依据、前几个值。"""
    return answer_list(request, queries.sheets_of(queries.find_batch(request.user, number)), part)


@router.get("/batches/{number}/problems", response=Listed[ProblemShown], summary="问题")
def list_problems(
    request: Request, number: int, which: Query[WhichProblems], part: Query[Part]
) -> HttpResponse:
    """最近一次读取的问题，错误在前，各有文件、工作表和单元格。"""
    batch = queries.find_batch(request.user, number)
    rows = queries.problems_of(batch, which.severity, which.kind, which.file, which.q)
    shown = rows.slice(part.offset, part.limit).to_dicts()
    return answer_list(request, _Shown(shown, part.offset), part, count=rows.height)


class _Shown:
    """Rows of a part that was cut already."""

    def __init__(self, rows: list[dict[str, Any]], offset: int) -> None:
        self.rows, self.offset = rows, offset

    def count(self) -> int:
        return self.offset + len(self.rows)

    def __getitem__(self, part: slice) -> list[dict[str, Any]]:
        return self.rows


@router.get("/batches/{number}/changes", response=dict[str, Any], summary="改变了什么")
def show_changes(request: Request, number: int) -> HttpResponse:
    """逐项目的新增、改变、相同，各举若干例。"""
    return answer(queries.changes_of(queries.find_batch(request.user, number)))


@router.put("/batches/{number}/fixes", response=BatchShown, summary="指定表和列")
def fix(request: Request, number: int, fixes: list[FixGiven]) -> dict[str, Any]:
    """对若干张表的决定，随后重新读取。"""
    batch = queries.find_batch(request.user, number)
    try:
        decided = fixes_from_json([each.dict() for each in fixes])
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal
    nothing = fixes_from_json([{"file": each.file, "sheet": each.sheet} for each in fixes])
    wanted = {key: None if value == nothing[key] else value for key, value in decided.items()}
    return _shown(actions.fix_mapping(request.user, batch, wanted))


@router.post("/batches/{number}/files", response=BatchShown, summary="补充或换上文件")
def add_files(request: Request, number: int, files: File[list[UploadedFile]]) -> dict[str, Any]:
    """同名的换上，其余的补充；随后重新读取。"""
    return _shown(actions.add_workbooks(request.user, queries.find_batch(request.user, number), files))


@router.delete("/batches/{number}/files/{file}", response=BatchShown, summary="去掉一个文件")
def remove_file(request: Request, number: int, file: int) -> dict[str, Any]:
    """连同对它各表的决定；随后重新读取。"""
    return _shown(actions.remove_file(request.user, queries.find_file(request.user, number, file)))


@router.post("/batches/{number}/reread", response=BatchShown, summary="重新读取")
def reread(request: Request, number: int, forget: bool = False) -> dict[str, Any]:
    """按现在的企业档案和上年数据重读；forget 时去掉对各表的决定。"""
    return _shown(actions.reread(request.user, queries.find_batch(request.user, number), forget=forget))


@router.post("/batches/{number}/accept", response=BatchShown, summary="接受")
def accept(request: Request, number: int, given: Acceptance) -> dict[str, Any]:
    """全部生效，或者一个也不生效。"""
    batch = queries.find_batch(request.user, number)
    return _shown(actions.ask_to_accept(request.user, batch, reading=given.reading, withheld=given.withheld))


@router.post("/batches/{number}/abandon", response=BatchShown, summary="放弃")
def abandon(request: Request, number: int) -> dict[str, Any]:
    """不要这一批；文件和记录保留。"""
    return _shown(actions.abandon(request.user, queries.find_batch(request.user, number)))


@router.post("/batches/{number}/undo", response=BatchShown, summary="撤销")
def undo(request: Request, number: int, given: Reason) -> dict[str, Any]:
    """把接受过的一批撤下，数据恢复到没有它的样子。"""
    return _shown(actions.undo(request.user, queries.find_batch(request.user, number), given.why))


@router.get("/batches/{number}/files/{file}", summary="下载文件", response={200: None}, openapi_extra=FILE)
def show_file(request: Request, number: int, file: int, annotated: bool = False) -> FileResponse:
    """原文件；annotated 时是标好问题的表（先要请求生成）。"""
    found = queries.find_file(request.user, number, file)
    if not annotated:
        return download(found.stored, found.name)
    if found.annotated is None or found.annotated_reading != found.batch.reading:
        raise Http404
    return download(found.annotated)


@router.post(
    "/batches/{number}/files/{file}/annotate", response={202: dict[str, bool]}, summary="生成标好问题的表"
)
def annotate(request: Request, number: int, file: int) -> Status[dict[str, bool]]:
    """在后台生成；ready 为真时可以下载。"""
    found = actions.annotate_file(request.user, queries.find_file(request.user, number, file))
    ready = found.annotated is not None and found.annotated_reading == found.batch.reading
    return Status(202, {"ready": ready})


def _shown(batch: Batch) -> dict[str, Any]:
    job = batch.job
    return {
        "id": batch.pk,
        "year": batch.year,
        "title": batch.title,
        "state": batch.state,
        "stopped": batch.stopped,
        "reading": batch.reading,
        "owner": batch.owner.name,
        "organisation": batch.organisation.title,
        "created_at": batch.created_at,
        "counts": batch.counts,
        "changes": batch.changes.get("figures", {}),
        "fixes": batch.fixes,
        "files": [
            {
                "id": file.pk,
                "name": file.name,
                "size": file.stored.size,
                "sha256": file.stored.sha256,
                "annotated": file.annotated_id is not None and file.annotated_reading == batch.reading,
            }
            for file in batch.files.all()
        ],
        "accepted_at": batch.accepted_at,
        "accepted_by": batch.accepted_by.name if batch.accepted_by else None,
        "undone_at": batch.undone_at,
        "undone_by": batch.undone_by.name if batch.undone_by else None,
        "undone_why": batch.undone_why,
        "progress": job.percent if job is not None and not job.ended else 100,
        "error": " ".join(filter(None, (job.error, job.fix))) if batch.stopped and job is not None else "",
    }
