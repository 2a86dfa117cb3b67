"""Cases for programs: the same types, lists, histories and deeds as the pages, with the same rights."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from django.http import FileResponse, Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, File, Form, Header, Query, Router, Schema, Status
from ninja.files import UploadedFile

from muheng.casework.clock_standing import ClockStanding, Mark
from muheng.casework.document import MOST_DAYS, MOST_HOURS, CaseType
from muheng.casework.history import built_ins
from muheng.casework.standing import CHINA, Standing, offers
from muheng.web.api_description import FILE, XLSX
from muheng.web.casework import actions, bulk, exports, listing, queries, story, templates
from muheng.web.casework.actions import Attachment, NewChild
from muheng.web.casework.changes import name_of_act
from muheng.web.casework.duplicates import find_duplicates
from muheng.web.casework.kinds import case_types, find_type
from muheng.web.casework.mirror import mirror
from muheng.web.casework.models import AnswerTemplate, Case, CaseFile
from muheng.web.casework.opening_once import open_once
from muheng.web.casework.pages.lists import require_official
from muheng.web.casework.wording import say_kind, say_state
from muheng.web.files.actions import store
from muheng.web.files.attachments import check_attachments
from muheng.web.files.models import StoredFile
from muheng.web.files.pages import download
from muheng.web.paging import Listed, Part, answer_list, answer_part
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds, posts_of
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.queries import find_enterprise
from muheng.web.request import Request

PREFIX = "cases"
router = Router(tags=["事项"])
_LARGEST = 2**31 - 1
Number = Annotated[int, Field(ge=1, le=_LARGEST)]
Word = Annotated[str, Field(max_length=40)]
Text = Annotated[str, Field(max_length=20_000)]
Whole = Annotated[int, Field(ge=-(10**15), le=10**15)]
Values = dict[Word, Text | bool | Whole | None]


# -- what is answered -------------------------------------------------------------------------------------


class Named(Schema):
    id: str
    name: str


class FieldShown(Schema):
    """What a case of the type is asked for."""

    id: str
    name: str
    type: str = Field(description="text、long、choice、date、number、money（万元）或 flag。")
    choices: list[str]
    unit: str
    opening: str = Field(description="登记时：required 必填，optional 可填，none 不问。")
    kinds: list[str] = Field(description="只对这些类别；空为全部。")
    personal: bool = Field(description="个人信息，到期抹去。")


class ActShown(Schema):
    """An act of the type: from where to where, by whom, with what."""

    id: str
    name: str
    by: list[str]
    from_states: list[str]
    to: str
    note: str = Field(description="required 必填，optional 可填，none 不问。")
    reasons: list[str]
    fields: list[str] = Field(description="必填的内容。")
    optional: list[str]
    attachments: list[str]
    assigns: str
    opens: list[str] = Field(description="引出哪些类型的下级事项。")
    bulk: bool


class ClockKind(Schema):
    id: str
    name: str
    nature: str = Field(description="legal 法定，promised 承诺。")
    unit: str = Field(description="working 工作日，calendar 自然日，hour 小时。")
    days: int | None = Field(description="按日的时限。")
    hours: int | None = Field(description="按小时的时限。")
    by_kind: dict[str, int]


class TypeShown(Schema):
    """A type of cases, as its file declares it."""

    id: str
    name: str
    prefix: str
    subject: str
    kinds: list[Named]
    states: list[Named]
    labels: list[str] = Field(description="附件的种类。")
    fields: list[FieldShown]
    acts: list[ActShown]
    clocks: list[ClockKind]


class Titled(Schema):
    id: int
    name: str


class Owner(Schema):
    code: str
    name: str


class CaseLine(Schema):
    """A case in a list."""

    number: str
    type: str
    type_name: str
    kind: str
    kind_name: str
    title: str
    enterprise: Owner | None
    county: Titled | None
    organisation: Titled = Field(description="现在由哪个单位办。")
    handler: Titled | None
    state: str
    state_name: str
    phase: str = Field(description="open 在办，answered 已答复，closed 办结，void 已撤并。")
    waits_for: str = Field(description="等谁办；已结束的为空。")
    opened_at: datetime
    closed_at: datetime | None
    due: date | None = Field(description="最先到期的时限；没有在计的为 null。")
    due_at: datetime | None = Field(description="按小时的时限到哪一刻；按日的为 null，到 due 当天结束。")
    due_clock: str
    provisional: bool = Field(description="期限超出已公布的放假安排，公布后会重算。")
    paused: bool
    overdue: bool
    level: int = Field(description="已上报到第几级。")
    late: bool = Field(description="有时限是超期才停的。")
    rating: int | None
    reopened: int
    version: int = Field(description="第几版；办理时作为 seen 带回。")


class ClockShown(Schema):
    """One run of a clock."""

    id: str
    name: str
    nature: str
    unit: str
    started_on: date
    started_at: datetime | None = Field(description="按小时的时限从哪一刻起；due_at、stopped_at 同。")
    limit: int = Field(description="天数或小时数，见 unit。")
    spent: int | float = Field(description="净用时，天数或小时数。")
    due: date | None
    due_at: datetime | None
    provisional: bool
    paused: bool
    stopped_on: date | None
    stopped_at: datetime | None
    late: bool
    pauses: list[dict[str, Any]]
    extensions: list[dict[str, Any]]


class NextAct(Schema):
    """An act that the person may do now."""

    id: str
    name: str
    missing: list[str] = Field(description="还差什么；空为现在就能办。")


class FileShown(Schema):
    id: int
    name: str
    label: str
    internal: bool
    event: int = Field(description="哪一步附上的。")


class EventShown(Schema):
    """One step of the history."""

    number: int
    at: datetime
    who: str
    part: str
    act: str
    note: str
    internal: bool
    lines: list[list[str]] = Field(description="这一步写明的其他内容：名称和内容。")
    cases: list[str]


class CaseShown(CaseLine):
    """A case with its history, newest first."""

    fields: dict[str, Any]
    hidden: list[str] = Field(description="有，但您不能看的个人信息。")
    clocks: list[ClockShown]
    acts: list[NextAct]
    files: list[FileShown]
    history: list[EventShown]
    parent: str | None
    thread: str | None = Field(description="整条线从哪一件开始。")
    children: list[Named] = Field(description="编号和标题。")
    merged_into: str | None


# -- what is given --------------------------------------------------------------------------------------------


class WhichCases(Schema):
    """Which cases are asked for."""

    q: str = Field("", max_length=100, description="编号、标题或企业名称的一部分。")
    type: str = Field("", max_length=40, description="类型，见 types。")
    kind: str = Field("", max_length=40, description="类别。")
    county: Number | None = Field(None, description="县区的编号。")
    office: Number | None = Field(None, description="承办单位的编号。")
    handler: Number | None = Field(None, description="承办人的编号。")
    state: str = Field("", max_length=40, description="状态。")
    phase: Literal["", "open", "answered", "closed", "void"] = Field("", description="阶段。")
    overdue: bool = Field(False, description="只要超期未办结的，最先到期的在前。")
    since: date | None = Field(None, description="从哪天起登记的。")
    until: date | None = Field(None, description="到哪天为止登记的，含当天。")
    enterprise: str = Field("", max_length=18, description="统一社会信用代码。")


class FileGiven(Schema):
    file: Number = Field(description="上传后得到的编号，只能用自己上传的。")
    label: Word = Field("", description="附件的种类。")


class CaseOpening(Schema):
    """A case to be opened."""

    type: Word
    title: str = Field(max_length=200)
    enterprise: str = Field("", max_length=18, description="统一社会信用代码。")
    place: Number | None = Field(None, description="没有企业的事项：县区或镇街的编号。")
    kind: Word = ""
    fields: Values = {}
    files: list[FileGiven] = Field([], max_length=20)
    note: Text = ""
    organisation: Number | None = None
    handler: Number | None = None
    parent: str = Field("", max_length=30, description="由哪一件引出。")


class ChildGiven(Schema):
    """A case that an act opens below the one that it is done to."""

    type: Word
    title: str = Field(max_length=200)
    kind: Word = ""
    fields: Values = {}
    files: list[FileGiven] = Field([], max_length=20)
    note: Text = ""
    organisation: Number | None = None
    handler: Number | None = None


class ActGiven(Schema):
    """An act: of the type, or ``note``, ``attach``, ``assign``, ``urge``, ``erase``, which every type has."""

    act: Word
    seen: Number | None = Field(None, description="您看到的版本；之间别人办过，答 409 并列出。")
    note: Text = ""
    reason: str = Field("", max_length=200)
    fields: Values = {}
    files: list[FileGiven] = Field([], max_length=20)
    organisation: Number | None = None
    handler: Number | None = None
    kind: Word = ""
    rating: int | None = Field(None, ge=1, le=5, description="1 至 5，5 为非常满意。")
    clock: Word = ""
    days: int | None = Field(None, ge=1, le=MOST_DAYS, description="延长按日的时限。")
    hours: int | None = Field(None, ge=1, le=MOST_HOURS, description="延长按小时的时限。")
    internal: bool = Field(False, description="备注只给工作人员看。")
    children: list[ChildGiven] = Field([], max_length=20)


class Merging(Schema):
    into: str = Field(max_length=30, description="并入哪一件；并入后不能再分开。")
    seen: Number | None = None
    note: Text = ""


class PartGiven(Schema):
    title: str = Field(max_length=200)
    kind: Word = ""
    fields: Values = {}
    note: Text = ""


class Splitting(Schema):
    parts: list[PartGiven] = Field(min_length=1, max_length=20)
    seen: Number | None = None
    note: Text = ""


class Bulk(Schema):
    """One act for many cases."""

    numbers: list[Annotated[str, Field(max_length=30)]] = Field(max_length=bulk.MOST)
    act: Word
    type: Word = Field("", description="只办这个类型的。")
    seen: dict[Annotated[str, Field(max_length=30)], Number] = Field({}, description="编号 → 看到的版本。")
    dry: bool = Field(False, description="只看会怎样，什么也不改。")
    note: Text = ""
    reason: str = Field("", max_length=200)
    kind: Word = ""
    organisation: Number | None = None
    handler: Number | None = None


class DoneShown(Schema):
    number: str
    title: str
    before: str = Field(description="办之前的状态。")
    after: str


class NotDoneShown(Schema):
    number: str
    title: str
    why: str
    fix: str


class BulkShown(Schema):
    dry: bool
    done: list[DoneShown]
    not_done: list[NotDoneShown]


class SimilarShown(CaseLine):
    likeness: int = Field(description="相似度，百分比。")


class Uploaded(Schema):
    id: int
    name: str
    size: int
    sha256: str


class TemplateGiven(Schema):
    """A text to answer with."""

    organisation: Number
    type: Word
    kind: Word = Field("", description="只用于这个类别；空为全部。")
    title: str = Field(max_length=60)
    text: str = Field(max_length=templates.MOST_LETTERS)


class TemplateShown(Schema):
    id: int
    organisation: Titled
    type: str
    kind: str
    title: str
    text: str


class Removed(Schema):
    removed: int


# -- types and templates -------------------------------------------------------------------------------------


@router.get("/types", response=Listed[TypeShown], summary="事项类型")
def list_types(request: Request, part: Query[Part]) -> HttpResponse:
    """本市用到的类型：类别、要填的内容、状态、动作和时限。"""
    return answer_list(request, list(case_types().values()), part, _type)


@router.get("/templates", response=Listed[TemplateShown], summary="答复模板")
def list_templates(request: Request, part: Query[Part]) -> HttpResponse:
    """由您维护的各单位的模板。"""
    return answer_list(request, templates.templates_of(request.user), part, _template)


@router.post("/templates", response={201: TemplateShown}, summary="新建答复模板")
def write_template(request: Request, given: TemplateGiven) -> Status[dict[str, Any]]:
    """给一个单位添一份。"""
    made = templates.write_template(
        request.user,
        _organisation(given.organisation),
        given.type,
        given.title,
        given.text,
        given.kind,
    )
    return Status(201, _template(made))


@router.put("/templates/{template}", response=TemplateShown, summary="修改答复模板")
def change_template(request: Request, template: int, given: TemplateGiven) -> dict[str, Any]:
    """改名称、文本和类别；已经作出的答复不变。"""
    found = templates.find_template(request.user, _small(template))
    templates.change_template(request.user, found, given.title, given.text, given.kind)
    return _template(found)


@router.delete("/templates/{template}", response=Removed, summary="删除答复模板")
def remove_template(request: Request, template: int) -> dict[str, int]:
    """已经作出的答复不变。"""
    templates.remove_template(request.user, templates.find_template(request.user, _small(template)))
    return {"removed": template}


# -- cases ------------------------------------------------------------------------------------------------------


@router.get("/", response=Listed[CaseLine], summary="事项列表")
def list_cases(request: Request, which: Query[WhichCases], part: Query[Part]) -> HttpResponse:
    """您能看到的事项，新登记的在前。"""
    asked = listing.Question(tab="all", **which.dict())
    now = timezone.now()
    keys = listing.find_numbers(request.user, asked, part.offset, part.limit, now)
    rows = _related(Case.objects.filter(pk__in=keys)).in_bulk()
    lines = [_line(request.user, rows[key], now) for key in keys if key in rows]
    return answer_part(request, lines, part, listing.count_all(request.user, asked, now))


@router.post("/", response={200: CaseShown, 201: CaseShown}, summary="登记一件事项")
def open_case(
    request: Request,
    given: CaseOpening,
    key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            description="这一次登记的名字，自己定；重发同样的内容不会再登记一件，答 200 和先前那一件。",
        ),
    ] = "",
) -> Status[dict[str, Any]]:
    """企业提出自己的，工作人员按权限登记。"""
    user = request.user

    def opening() -> Case:
        return actions.open_case(
            user,
            given.type,
            given.title,
            enterprise=find_enterprise(user, given.enterprise) if given.enterprise else None,
            place=_organisation(given.place) if given.place is not None else None,
            kind=given.kind,
            fields=given.fields,
            files=_attachments(user, given.files),
            note=given.note,
            organisation=_organisation(given.organisation) if given.organisation is not None else None,
            handler=_person(given.handler),
            parent=queries.find_case(user, given.parent) if given.parent else None,
        )

    case, new = open_once(user, key, given.dict(), opening)
    if not new:
        case = queries.find_case(user, case.number)  # they may not look after it any more
    return Status(201 if new else 200, _show(request, case))


@router.post("/uploads", response={201: list[Uploaded]}, summary="上传附件")
def upload(request: Request, files: File[list[UploadedFile]]) -> Status[list[dict[str, Any]]]:
    """先上传，再在登记或办理时写上编号；一天之内用。"""
    _check_uploader(request.user)
    kept = [store(each.chunks(), name, request.user) for name, each in check_attachments(files)]
    return Status(
        201, [{"id": each.pk, "name": each.name, "size": each.size, "sha256": each.sha256} for each in kept]
    )


@router.post("/bulk", response=BulkShown, summary="成批办理")
def act_on_many(request: Request, given: Bulk) -> dict[str, Any]:
    """对许多件做同一个动作：每件各自成败，逐件说明；dry 时只看会怎样。"""
    deed = bulk.preview_many if given.dry else bulk.act_on_many
    chosen: dict[str, Any] = {"note": given.note, "reason": given.reason, "kind": given.kind}
    if given.organisation is not None:
        chosen["organisation"] = _organisation(given.organisation)
    if given.handler is not None:
        chosen["handler"] = _person(given.handler)
    found = deed(request.user, given.numbers, given.act, type_id=given.type, seen=given.seen, **chosen)
    return {
        "dry": given.dry,
        "done": [
            {"number": each.case.number, "title": each.case.title, "before": each.before, "after": each.after}
            for each in found.done
        ],
        "not_done": [
            {"number": each.number, "title": each.title, "why": each.why, "fix": each.fix}
            for each in found.not_done
        ],
    }


class CaseListAsked(Schema):
    job: int = Field(description="后台任务的编号，进度见 /api/jobs/{job}。")


@router.post("/export", response={202: CaseListAsked}, summary="列表导成 xlsx")
def export(request: Request, which: Query[WhichCases]) -> Status[dict[str, int]]:
    """在后台写，条件与列表相同；不含联系人和电话。任务完成后到 export/{job} 取。"""
    require_official(request.user)
    given = {name: value for name, value in which.dict().items() if value not in ("", None, False)}
    return Status(202, {"job": exports.ask(request.user, urlencode({"tab": "all", **given})).pk})


@router.get("/export/{job}", response={200: None}, openapi_extra=XLSX, summary="取导出的 xlsx")
def show_export(request: Request, job: int) -> FileResponse:
    """只有请求导出的人能取。"""
    return download(exports.find(request.user, _small(job)))


class Moment(Schema):
    at: datetime | None = Field(None, description="那一刻的样子，带时区；不写为现在。")


@router.get("/{number}", response=CaseShown, summary="一件事项")
def show(request: Request, number: str, moment: Query[Moment]) -> dict[str, Any]:
    """现在（或过去某一刻）的状态、时限、能办的动作、附件和全部经过。"""
    return _show(request, queries.find_case(request.user, number), moment.at)


@router.post("/{number}/acts", response=CaseShown, summary="办理")
def act(request: Request, number: str, given: ActGiven) -> dict[str, Any]:
    """做一个动作；各类型都有的：note 备注，attach 附上材料，assign 指派，urge 催办，erase 抹去个人信息。"""
    user = request.user
    case = queries.find_case(user, number)
    actions.act(
        user,
        case,
        given.act,
        seen=given.seen,
        note=given.note,
        reason=given.reason,
        fields=given.fields,
        files=_attachments(user, given.files),
        organisation=_organisation(given.organisation) if given.organisation is not None else None,
        handler=_person(given.handler),
        kind=given.kind,
        rating=given.rating,
        clock=given.clock,
        days=given.days,
        hours=given.hours,
        internal=given.internal,
        children=[_child(user, each) for each in given.children],
    )
    return _show(request, case)


@router.get("/{number}/similar", response=Listed[SimilarShown], summary="可能重复的")
def list_similar(request: Request, number: str, part: Query[Part]) -> HttpResponse:
    """同一家企业近期说法相近的在办事项，供合并时参考。"""
    case = queries.find_case(request.user, number)
    found = find_duplicates(request.user, case, 20) if queries.sees_inside(request.user, case) else []
    now = timezone.now()
    rows = _related(Case.objects.filter(pk__in=[each.case.pk for each in found])).in_bulk()
    lines = [
        {**_line(request.user, rows[each.case.pk], now), "likeness": round(each.likeness * 100)}
        for each in found
    ]
    return answer_list(request, lines, part)


@router.post("/{number}/merge", response=CaseShown, summary="并入另一件")
def merge(request: Request, number: str, given: Merging) -> dict[str, Any]:
    """并入后不能再分开；两件的经过都保留。"""
    user = request.user
    case, into = queries.find_case(user, number), queries.find_case(user, given.into)
    actions.merge(user, case, into, given.note, seen=given.seen)
    return _show(request, queries.find_case(user, into.number))


class SplitShown(Schema):
    made: list[CaseLine]


@router.post("/{number}/split", response=SplitShown, summary="拆分")
def split(request: Request, number: str, given: Splitting) -> dict[str, Any]:
    """拆出几件另行办理，原件继续。"""
    user = request.user
    parts = [
        NewChild("", each.title, kind=each.kind, fields=each.fields, note=each.note) for each in given.parts
    ]
    made = actions.split(user, queries.find_case(user, number), parts, given.note, seen=given.seen)
    rows = _related(Case.objects.filter(pk__in=[each.pk for each in made])).in_bulk()
    now = timezone.now()
    return {"made": [_line(request.user, rows[each.pk], now) for each in made]}


class Attaching(Schema):
    label: Word = Field("", description="附件的种类。")
    note: Text = ""
    internal: bool = Field(False, description="只给工作人员看。")


@router.post("/{number}/files", response={201: CaseShown}, summary="附上材料")
def attach(
    request: Request, number: str, given: Form[Attaching], files: File[list[UploadedFile]]
) -> Status[dict[str, Any]]:
    """上传并附上；写了 internal 的作为内部备注的附件。"""
    user = request.user
    case = queries.find_case(user, number)
    kept = [
        Attachment(store(each.chunks(), name, user), given.label) for name, each in check_attachments(files)
    ]
    note = given.note.strip() or (_("附上材料") if given.internal else "")
    deed = "note" if given.internal else "attach"
    actions.act(user, case, deed, note=note, files=kept, internal=given.internal)
    return Status(201, _show(request, queries.find_case(user, number)))


@router.get("/{number}/files/{file}", response={200: None}, openapi_extra=FILE, summary="下载附件")
def show_file(request: Request, number: str, file: int) -> FileResponse:
    """内部备注的附件只有工作人员能下载。"""
    case = queries.find_case(request.user, number)
    found = CaseFile.objects.filter(pk=_small(file), case=case).select_related("stored").first()
    if found is None or (found.internal and not queries.sees_inside(request.user, case)):
        raise Http404
    return download(found.stored)


# -- how it is said -----------------------------------------------------------------------------------------------


def _related(rows: Any) -> Any:
    return rows.select_related("enterprise", "county", "organisation", "handler")


def _line(user: User, case: Case, now: datetime) -> dict[str, Any]:
    """A case as lists have it. An enterprise is told the office, not the person in it, nor how far up it was raised."""
    inside = queries.sees_inside(user, case)
    case_type = find_type(case.type)
    return {
        "number": case.number,
        "type": case.type,
        "type_name": case_type.title(language()),
        "kind": case.kind,
        "kind_name": say_kind(case_type, case.kind),
        "title": case.title,
        "enterprise": {"code": case.enterprise.code, "name": case.enterprise.name}
        if case.enterprise is not None
        else None,
        "county": _place(case.county),
        "organisation": _place(case.organisation),
        "handler": {"id": case.handler.pk, "name": case.handler.name}
        if case.handler is not None and inside
        else None,
        "state": case.state,
        "state_name": say_state(case_type, case.state),
        "phase": case.phase,
        "waits_for": case.waits_for,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "due": case.due,
        "due_at": case.due_at,
        "due_clock": case.due_clock,
        "provisional": case.provisional,
        "paused": case.paused,
        "overdue": case.is_overdue(now),
        "level": case.level if inside else 0,
        "late": case.late,
        "rating": case.rating,
        "reopened": case.reopened,
        "version": case.version,
    }


def _show(request: Request, case: Case, at: datetime | None = None) -> dict[str, Any]:
    user = request.user
    case = _related(Case.objects.filter(pk=case.pk)).select_related("parent", "thread", "merged_into").get()
    case_type, now = find_type(case.type), timezone.now()
    if at is not None and timezone.is_naive(at):
        at = at.replace(tzinfo=CHINA)
    if at is not None and at < case.opened_at:
        raise Http404
    events = actions.events_of(case)
    standing = actions.standing_of(case, at)
    if at is not None and standing.version < case.version:
        mirror(case, standing)
        now = at
    inside, personal = queries.sees_inside(user, case), queries.sees_personal(user, case)
    files = story.list_files(case, inside, standing.version)
    history = story.tell(case_type, events[: standing.version], files, inside, personal)
    fields, hidden = _fields(case_type, case, standing, personal)
    parts = queries.parts_of(user, case) if at is None else ()
    return {
        **_line(request.user, case, now),
        "fields": fields,
        "hidden": hidden,
        "clocks": [_clock(case_type, run, now) for run in standing.runs],
        "acts": [
            *(
                {
                    "id": each.act.id,
                    "name": each.act.title(language()),
                    "missing": [message.render(language()) for message in each.missing],
                }
                for each in offers(case_type, standing, parts, timezone.now())
            ),
            *(
                {"id": name, "name": name_of_act(case_type, name), "missing": []}
                for name in built_ins(standing, parts)
                if name in _EVERYWHERE
            ),
        ],
        "files": [
            {
                "id": each.number,
                "name": each.name,
                "label": each.label,
                "internal": each.internal,
                "event": each.by,
            }
            for each in files
        ],
        "history": [
            {
                "number": each.number,
                "at": each.at,
                "who": each.who,
                "part": each.part,
                "act": each.act,
                "note": each.note,
                "internal": each.internal,
                "lines": [list(line) for line in each.lines],
                "cases": list(each.cases),
            }
            for each in history
        ],
        "parent": _number(user, case.parent),
        "thread": _number(user, case.thread),
        "children": [
            {"id": each.number, "name": each.title}
            for each in queries.visible_cases(user).filter(parent=case).order_by("pk")
        ],
        "merged_into": _number(user, case.merged_into),
    }


_EVERYWHERE = ("note", "attach", "assign", "urge", "merge", "split", "erase")


def _number(user: User, case: Case | None) -> str | None:
    """The number of another case, where the person sees it."""
    if case is None or not queries.visible_cases(user).filter(pk=case.pk).exists():
        return None
    return case.number


def _fields(
    case_type: CaseType, case: Case, standing: Standing, personal: bool
) -> tuple[dict[str, Any], list[str]]:
    """Values by field, and the fields that are there but hidden."""
    kept = {each.field: each.value for each in case.personal.all()} if personal else {}
    fields: dict[str, Any] = {}
    hidden = []
    for declared in case_type.fields:  # databases keep an order of their own
        name = declared.id
        if name not in standing.fields:
            continue
        if not declared.personal:
            fields[name] = standing.fields[name]
        elif name in kept:
            fields[name] = kept[name]
        else:
            hidden.append(name)
    return fields, hidden


def _clock(case_type: CaseType, run: ClockStanding, now: datetime) -> dict[str, Any]:
    declared = case_type.clock(run.id)
    return {
        "id": run.id,
        "name": declared.title(language()) if declared is not None else run.id,
        "nature": declared.nature if declared is not None else "",
        "unit": run.unit,
        "started_on": run.day(run.started_on),
        "started_at": _moment(run.started_on),
        "limit": run.limit,
        "spent": float(run.spent(now)) if run.unit == "hour" else run.spent(now),
        "due": _day(run, run.due),
        "due_at": _moment(run.due),
        "provisional": run.provisional,
        "paused": run.paused,
        "stopped_on": _day(run, run.stopped_on),
        "stopped_at": _moment(run.stopped_on),
        "late": run.is_late(now),
        "pauses": [
            {"from": each.paused_on, "until": each.resumed_on, "reason": each.reason} for each in run.pauses
        ],
        "extensions": [
            {
                "on": each.extended_on,
                "hours" if run.unit == "hour" else "days": each.amount,
                "reason": each.reason,
            }
            for each in run.extensions
        ],
    }


def _day(run: ClockStanding, mark: Mark | None) -> date | None:
    return None if mark is None else run.day(mark)


def _moment(mark: Mark | None) -> datetime | None:
    return mark if isinstance(mark, datetime) else None


def _type(case_type: CaseType) -> dict[str, Any]:
    lang = language()
    return {
        "id": case_type.id,
        "name": case_type.title(lang),
        "prefix": case_type.prefix,
        "subject": case_type.subject,
        "kinds": [{"id": each.id, "name": each.title(lang)} for each in case_type.kinds],
        "states": [{"id": each.id, "name": each.title(lang)} for each in case_type.states],
        "labels": list(case_type.labels),
        "fields": [
            {
                "id": each.id,
                "name": each.title(lang),
                "type": each.type,
                "choices": list(each.choices),
                "unit": each.unit or "",
                "opening": each.opening,
                "kinds": list(each.kinds),
                "personal": each.personal,
            }
            for each in case_type.fields
        ],
        "acts": [
            {
                "id": each.id,
                "name": each.title(lang),
                "by": list(each.by),
                "from_states": list(each.from_states),
                "to": each.to or "",
                "note": each.note,
                "reasons": list(each.reasons),
                "fields": list(each.fields),
                "optional": list(each.optional),
                "attachments": list(each.attachments),
                "assigns": each.assigns,
                "opens": list(each.opens),
                "bulk": each.bulk,
            }
            for each in case_type.acts
        ],
        "clocks": [
            {
                "id": each.id,
                "name": each.title(lang),
                "nature": each.nature,
                "unit": each.unit,
                "days": each.days,
                "hours": each.hours,
                "by_kind": each.by_kind,
            }
            for each in case_type.clocks
        ],
    }


def _template(template: AnswerTemplate) -> dict[str, Any]:
    return {
        "id": template.pk,
        "organisation": _place(template.organisation),
        "type": template.type,
        "kind": template.kind,
        "title": template.title,
        "text": template.text,
    }


def _place(place: Organisation | None) -> dict[str, Any] | None:
    return {"id": place.pk, "name": place.title} if place is not None else None


# -- what is meant ------------------------------------------------------------------------------------------------


def _child(user: User, given: ChildGiven) -> NewChild:
    return NewChild(
        given.type,
        given.title,
        kind=given.kind,
        fields=given.fields,
        files=_attachments(user, given.files),
        note=given.note,
        organisation=_organisation(given.organisation) if given.organisation is not None else None,
        handler=_person(given.handler),
    )


def _attachments(user: User, given: Sequence[FileGiven]) -> list[Attachment]:
    """The files that a person uploaded; of others' they know nothing."""
    found = StoredFile.objects.filter(pk__in=[each.file for each in given], created_by=user).in_bulk()
    lacking = [each.file for each in given if each.file not in found]
    if lacking:
        raise Refused(
            _("没有编号为 %(file)s 的上传文件。") % {"file": lacking[0]},
            _("先上传，再写上得到的编号。"),
            status=422,
            code="invalid",
            at="files",
        )
    return [Attachment(found[each.file], each.label) for each in given]


def _organisation(number: int) -> Organisation:
    found = Organisation.objects.filter(pk=number).first()
    if found is None:
        raise Refused(_("没有这个单位。"), status=422, code="invalid", at="organisation")
    return found


def _person(number: int | None) -> User | None:
    if number is None:
        return None
    found = User.objects.filter(pk=number, is_active=True).first()
    if found is None:
        raise Refused(_("没有这个人。"), status=422, code="invalid", at="handler")
    return found


def _check_uploader(user: User) -> None:
    """Files are for cases: of who may open or handle some."""
    if not (posts_of(user) or holds(user, "own.case")):
        raise Refused(_("您没有可以附材料的事项。"), status=403, code="forbidden")


def _small(number: int) -> int:
    """A number that databases keep; others are nobody's. Raises Http404."""
    if not 0 < number <= _LARGEST:
        raise Http404
    return number
