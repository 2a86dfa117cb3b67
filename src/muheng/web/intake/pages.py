"""The pages of intake: batches, the drop, what was recognised, problems, changes, and the buttons that decide."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from muheng.web.entrance import read_number
from muheng.web.files.pages import download
from muheng.web.intake import actions, queries
from muheng.web.intake.forms import describe_mapping, fix_of, read_mapping
from muheng.web.intake.models import Batch
from muheng.web.intake.uploads import KINDS
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import holds, require
from muheng.web.refusal import Refused
from muheng.web.request import Request

PAGE = 50


@require_GET
def list_batches(request: Request) -> HttpResponse:
    require(request.user, queries.RIGHT)
    asked = request.GET
    year = read_number(asked.get("year", ""))
    rows = queries.filter_batches(request.user, year, asked.get("state", ""), asked.get("q", "").strip())
    page = Paginator(rows, PAGE).get_page(asked.get("page"))
    return render(
        request,
        "intake/list.html",
        {
            "page": page,
            "query": rest_of_query(request),
            "waiting": queries.waiting_for(request.user).count(),
            "years": queries.years_of(request.user),
            "year": year,
            "states": Batch.State.choices,
            "state": asked.get("state", ""),
            "q": asked.get("q", ""),
            "may_upload": holds(request.user, "intake.upload"),
        },
    )


def new_batch(request: Request) -> HttpResponse:
    """The drop: files, the year that they are for, a title."""
    require(request.user, "intake.upload")
    refused = None
    year = request.POST.get("year") or str(timezone.localdate().year - 1)
    if request.method == "POST":
        try:
            number = read_number(year)
            if number is None:
                raise Refused(
                    _("年度不对：%(year)s。") % {"year": year[:20]}, status=422, code="invalid", at="year"
                )
            files = request.FILES.getlist("files")
            batch = actions.drop_workbooks(request.user, number, files, request.POST.get("title", ""))
            return redirect("intake:show", batch.pk)
        except Refused as error:
            refused = error
    return render(
        request,
        "intake/new.html",
        {
            "refused": refused,
            "year": year,
            "title": request.POST.get("title", ""),
            "kinds": ",".join(KINDS),
        },
        status=refused.status if refused else 200,
    )


@require_GET
def show(request: Request, number: int) -> HttpResponse:
    return _show(request, queries.find_batch(request.user, number))


def _show(request: Request, batch: Batch, refused: Refused | None = None) -> HttpResponse:
    sheets = queries.sheets_of(batch)
    by_file: dict[str, dict[str, int]] = {}
    for kind in ("error", "warning"):
        for row in queries.problems_of(batch, severity=kind).group_by("file").len().iter_rows():
            by_file.setdefault(row[0], {})[kind] = row[1]
    files = [
        {"file": file, "size": _size(file.stored.size), **by_file.get(file.name, {})}
        for file in batch.files.select_related("stored", "annotated", "annotating")
    ]
    return render(
        request,
        "intake/show.html",
        {
            **_frame(request, batch, "show"),
            "sheets": sheets,
            "files": files,
            "change": queries.changes_of(batch),
            "refused": refused,
            "kinds": ",".join(KINDS),
        },
        status=refused.status if refused else 200,
    )


def _size(size: int) -> str:
    return f"{size / 1024:,.0f} KB" if size < 1 << 20 else f"{size / (1 << 20):,.1f} MB"


def _frame(request: Request, batch: Batch, tab: str) -> dict[str, Any]:
    """What every page of a batch shows."""
    user = request.user
    tabs = [
        {"address": reverse(f"intake:{name}", args=[batch.pk]), "title": title, "here": name == tab}
        for name, title in _TITLES.items()
    ]
    return {
        "batch": batch,
        "tabs": tabs if batch.review else [],
        "may_change": batch.open and holds(user, "intake.upload", batch.organisation),
        "may_accept": holds(user, "intake.accept", batch.organisation),
        "busy": batch.job is not None and not batch.job.ended,
        "own_job": batch.job is not None and batch.job.owner_id == user.pk,
    }


_TITLES = {
    "show": gettext_lazy("概况"),
    "sheets": gettext_lazy("识别"),
    "problems": gettext_lazy("问题"),
    "changes": gettext_lazy("变化"),
}


@require_GET
def show_sheets(request: Request, number: int) -> HttpResponse:
    batch = queries.find_batch(request.user, number)
    return render(
        request,
        "intake/sheets.html",
        {**_frame(request, batch, "sheets"), "sheets": queries.sheets_of(batch)},
    )


def fix_sheet(request: Request, number: int, place: int) -> HttpResponse:
    """One sheet column by column, and the form that decides what each is."""
    batch = queries.find_batch(request.user, number)
    sheet = queries.sheet_of(batch, place)
    if sheet["sheet"] is None:
        raise Http404
    key = (sheet["file"], sheet["sheet"])
    refused = None
    if request.method == "POST":
        try:
            fix = None if request.POST.get("forget") else read_mapping(request.POST.dict())
            actions.fix_mapping(request.user, batch, {key: fix})
            return redirect("intake:show", batch.pk)
        except Refused as error:
            refused = error
    kind = request.POST.get("kind") if refused else request.GET.get("kind")
    mapping = describe_mapping(sheet, fix_of(batch, key), kind)
    if refused:
        for row in mapping["rows"]:
            row["chosen"] = request.POST.get(f"column-{row['letters']}", row["chosen"])
            row["chosen_unit"] = request.POST.get(f"unit-{row['letters']}", row["chosen_unit"])
    return render(
        request,
        "intake/sheet.html",
        {
            **_frame(request, batch, "sheets"),
            "sheet": sheet,
            "place": place,
            "mapping": mapping,
            "decided": kind is not None or fix_of(batch, key) is not None,
            "refused": refused,
        },
        status=refused.status if refused else 200,
    )


@require_GET
def show_problems(request: Request, number: int) -> HttpResponse:
    batch = queries.find_batch(request.user, number)
    asked = {name: request.GET.get(name, "").strip() for name in ("severity", "kind", "file", "q")}
    rows = queries.problems_of(batch, asked["severity"], asked["kind"], asked["file"], asked["q"])
    pages = Paginator(range(rows.height), PAGE)
    page = pages.get_page(request.GET.get("page"))
    part = rows.slice((page.number - 1) * PAGE, PAGE).to_dicts()
    return render(
        request,
        "intake/problems.html",
        {
            **_frame(request, batch, "problems"),
            "page": page,
            "query": rest_of_query(request),
            "problems": part,
            "kinds": queries.kinds_of(batch),
            "files": batch.files.all(),
            "asked": asked,
        },
    )


@require_GET
def show_changes(request: Request, number: int) -> HttpResponse:
    batch = queries.find_batch(request.user, number)
    return render(
        request,
        "intake/changes.html",
        {**_frame(request, batch, "changes"), "change": queries.changes_of(batch)},
    )


@require_POST
def accept(request: Request, number: int) -> HttpResponse:
    batch = queries.find_batch(request.user, number)
    try:
        batch = actions.ask_to_accept(
            request.user,
            batch,
            reading=_whole(request.POST.get("reading", "")),
            withheld=_whole(request.POST.get("withheld", "")),
        )
    except Refused as error:
        return _show(request, queries.find_batch(request.user, number), error)
    if batch.state == Batch.State.ACCEPTED:
        messages.success(request, _("已接受，%(year)s 年的数据已更新。") % {"year": batch.year})
    return redirect("intake:show", number)


def _whole(text: str) -> int:
    return read_number(text) or 0


@require_POST
def decide(request: Request, number: int, deed: str) -> HttpResponse:
    """The smaller decisions: abandon, undo, reread, forget what was decided about sheets."""
    batch = queries.find_batch(request.user, number)
    try:
        if deed == "abandon":
            actions.abandon(request.user, batch)
            messages.success(request, _("已放弃这一批。"))
        elif deed == "undo":
            actions.undo(request.user, batch, request.POST.get("why", ""))
            messages.success(request, _("已撤销，%(year)s 年的数据恢复到接受之前。") % {"year": batch.year})
        else:
            actions.reread(request.user, batch, forget=deed == "forget")
    except Refused as error:
        return _show(request, queries.find_batch(request.user, number), error)
    return redirect("intake:show", number)


@require_POST
def add_files(request: Request, number: int) -> HttpResponse:
    batch = queries.find_batch(request.user, number)
    try:
        actions.add_workbooks(request.user, batch, request.FILES.getlist("files"))
    except Refused as error:
        return _show(request, queries.find_batch(request.user, number), error)
    return redirect("intake:show", number)


@require_POST
def remove_file(request: Request, number: int, file: int) -> HttpResponse:
    try:
        actions.remove_file(request.user, queries.find_file(request.user, number, file))
    except Refused as error:
        return _show(request, queries.find_batch(request.user, number), error)
    return redirect("intake:show", number)


@require_GET
def original(request: Request, number: int, file: int) -> FileResponse:
    found = queries.find_file(request.user, number, file)
    return download(found.stored, found.name)


@require_POST
def annotate(request: Request, number: int, file: int) -> HttpResponse:
    """Have the marked copy made; the page shows how far it is, then the link."""
    actions.annotate_file(request.user, queries.find_file(request.user, number, file))
    return redirect("intake:show", number)


@require_GET
def annotated(request: HttpRequest, number: int, file: int) -> FileResponse:
    found = queries.find_file(request.user, number, file)
    if found.annotated is None or found.annotated_reading != found.batch.reading:
        raise Http404
    return download(found.annotated)
