"""The workbook in place of the form: made for an enterprise with its open months, and taken back as drafts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _

from muheng.web.filing import actions, queries
from muheng.web.filing.models import Filing
from muheng.web.filing.months import Month
from muheng.web.filing.workbook import BadWorkbook, make_workbook, read_workbook
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise

MOST_UPLOAD = 2 * 1024 * 1024
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def open_workbook(enterprise: Enterprise) -> HttpResponse:
    """The enterprise's own workbook with its open months and what their drafts hold. Raises Refused without any."""
    states = [month for month in queries.list_months(enterprise) if month.open]
    if not states:
        raise Refused(_("现在没有要填的月份。"), _("上月结束后再下载。"))
    drafts = {filing.when: filing.values for filing in Filing.objects.filter(enterprise=enterprise)}
    rows = {state.when: drafts.get(state.when, {}) for state in reversed(states)}
    response = HttpResponse(make_workbook(enterprise.code, enterprise.name, rows), content_type=KIND)
    response.headers["Content-Disposition"] = f'attachment; filename="muheng-{enterprise.code}.xlsx"'
    return response


@transaction.atomic
def take_workbook(actor: Any, enterprise: Enterprise, sent: UploadedFile[Any]) -> list[Month]:
    """Every month in a filled workbook becomes a draft, or none does. Raises BadWorkbook."""
    if (sent.size or 0) > MOST_UPLOAD:
        raise BadWorkbook(_("文件超过 2 MB，不像是月度填报的模板。"), _("请下载模板，在模板里填写。"))
    name = (sent.name or "").replace("\\", "/").rsplit("/", 1)[-1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"filing{Path(name).suffix.lower()[:6] or '.xlsx'}"
        with path.open("wb") as out:
            for piece in sent.chunks():
                out.write(piece)
        sheet = read_workbook(path, name)
    if sheet.code and sheet.code != enterprise.code:
        raise BadWorkbook(
            _("这是 %(code)s 的表，不是贵企业（%(own)s）的。") % {"code": sheet.code, "own": enterprise.code},
            _("请下载贵企业自己的模板。"),
        )
    for when, typed in sheet.months.items():
        try:
            filing = Filing.objects.filter(enterprise=enterprise, year=when.year, month=when.month).first()
            actions.save_draft(actor, enterprise, when, typed, filing.reasons if filing else {})
        except Refused as refused:
            raise BadWorkbook(refused.what, refused.fix) from refused
    return sorted(sheet.months)
