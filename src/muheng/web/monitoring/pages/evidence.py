"""What was locked as evidence: its manifest's digest, what is in it, the zip, and whether it is still whole."""

from __future__ import annotations

import json
import zipfile
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from muheng.monitoring.evidence import EvidenceError, Verification
from muheng.web.audit.actions import record
from muheng.web.casework.writing import deed
from muheng.web.monitoring.actions import evidence as actions
from muheng.web.monitoring.models import Evidence
from muheng.web.monitoring.queries.events import find_event
from muheng.web.monitoring.queries.scope import VIEW
from muheng.web.people.models import User
from muheng.web.people.rights import holds, require
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry.queries import official_scope
from muheng.web.request import Request

_MANIFEST = "manifest.json"
_SOURCES = {
    _MANIFEST: gettext_lazy("清单：每个文件的大小和摘要"),
    "SHA256SUMS": gettext_lazy("同样的摘要，供 sha256sum 核对"),
    "frames.jsonl": gettext_lazy("设备发来的原始报文，接收时存下的"),
    "chain/": gettext_lazy("原始报文在接收存档里的位置，逐段相连的摘要"),
    "values.csv": gettext_lazy("报文里的数值，和判定给出的限值、倍数、结论"),
    "marks.csv": gettext_lazy("标记"),
    "answers.csv": gettext_lazy("企业的说明"),
    "steps.csv": gettext_lazy("办理经过"),
    "photos/": gettext_lazy("照片和附件"),
    "verify.py": gettext_lazy("核对程序"),
    "说明.txt": gettext_lazy("有什么、怎样核对"),
}
"""What the files of an evidence are; a name with a stroke is a folder."""


def find_evidence(user: User, number: int) -> Evidence:
    """Of an event that the person sees as an official. Raises Http404."""
    rows = Evidence.objects.select_related("event__point__enterprise", "by")
    found = official_scope(user, VIEW).filter(rows, "event__point__enterprise__").filter(pk=number).first()
    if found is None:
        raise Http404(number)
    return found


@require_POST
def seal(request: Request, number: str) -> HttpResponse:
    """Have what there is about an event locked; how far it is, is on the event's page."""
    require(request.user, actions.SEAL)
    event = find_event(request.user, number)
    try:
        job = actions.ask_to_seal(request.user, event, request.POST.get("note", ""))
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        messages.error(request, f"{refused.what} {refused.fix}".strip())
        return redirect("monitoring:event", event.number)
    if job.owner != request.user:
        messages.info(request, _("别人正在锁定这件事件的证据，完成后这里会出现。"))
    return redirect(reverse("monitoring:event", args=[event.number]) + "#step-evidence")


def show(request: Request, number: int) -> HttpResponse:
    """The digest in large, the contents; asked by POST, verified now."""
    require(request.user, VIEW)
    evidence = find_evidence(request.user, number)
    found: Verification | None = None
    broken: Refused | None = None
    if request.method == "POST":
        try:
            found = actions.verify(evidence)
        except EvidenceError as error:
            broken = refused_by(error, language())
        except OSError:
            broken = Refused(_("证据文件不在了。"), _("请从备份恢复后再核对。"))
    context = {
        "evidence": evidence,
        "event": evidence.event,
        "files": _list_contents(evidence),
        "found": found,
        "broken": broken,
        "may_take": holds(request.user, actions.SEAL),
        "findings": [
            {"file": each.file, "row": each.row, "what": each.what.render(language())}
            for each in (found.findings if found is not None else ())
        ],
    }
    return render(request, "monitoring/evidence.html", context)


def _list_contents(evidence: Evidence) -> list[dict[str, Any]]:
    """The files of the zip, with what the manifest says of each. Nothing where the zip is not there or not whole."""
    try:
        with zipfile.ZipFile(actions.path_of(evidence)) as archive:
            sizes = {each.filename: each.file_size for each in archive.infolist()}
            manifest = json.loads(archive.read(_MANIFEST))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError):
        return []
    said = manifest.get("files", {})
    return [
        {"name": name, "size": size, "source": _say_source(name, said.get(name, {}).get("from", ""))}
        for name, size in sorted(sizes.items())
    ]


def _say_source(name: str, written: str) -> str:
    """In the reader's language, for files that every evidence has; else as its manifest says it."""
    known = _SOURCES.get(name) or _SOURCES.get(f"{name.partition('/')[0]}/")
    return written if known is None else str(known)


@require_GET
def download(request: Request, number: int) -> FileResponse:
    """The zip, as it was locked; who took it is written down."""
    require(request.user, actions.SEAL)
    evidence = find_evidence(request.user, number)
    _note_download(request.user, evidence)
    try:
        content = actions.path_of(evidence).open("rb")
    except OSError as error:
        raise Http404(number) from error
    name = f"{evidence.event.number}-{evidence.manifest[:8]}.zip"
    return FileResponse(
        content,
        as_attachment=True,
        filename=name,
        content_type="application/zip",
        headers={"X-Content-Type-Options": "nosniff"},
    )


@deed
def _note_download(user: User, evidence: Evidence) -> None:
    record(user, "monitoring.take_evidence", evidence.event, manifest=evidence.manifest)
