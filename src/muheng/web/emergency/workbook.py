"""The list as a download in its usual columns, with a plan's measures beside it; and the empty one."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.http import FileResponse
from django.utils.translation import gettext as _

from muheng.emergency.inventory.writing import Planned, write_inventory, write_template
from muheng.web.emergency.models import EmergencyList, Plan
from muheng.web.emergency.stored import read_list
from muheng.web.emergency.stored_plans import read_plan
from muheng.web.files.actions import clean_name
from muheng.web.reading import language

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def send_workbook(inventory: EmergencyList, plan: Plan | None) -> FileResponse:
    """The list; with ``plan`` what each line does at each level."""
    planned = None
    if plan is not None and plan.folder:
        planned = {
            (row.line, row.level): Planned(row.name, row.part, row.cut, row.loss)
            for row in read_plan(plan.folder).measures()
            if row.part or any(row.cut)
        }
    with tempfile.TemporaryDirectory(prefix="muheng-list-") as folder:
        path = Path(folder) / "list.xlsx"
        write_inventory(read_list(inventory.folder).inventory, path, planned, lang=language())
        return _send(
            path, f"{inventory.title}.xlsx" if plan is None else f"{inventory.title}-{plan.title}.xlsx"
        )


def send_template() -> FileResponse:
    """An empty list with notes and drop-downs."""
    with tempfile.TemporaryDirectory(prefix="muheng-list-") as folder:
        path = Path(folder) / "template.xlsx"
        write_template(path, lang=language())
        return _send(path, _("应急减排清单（空表）.xlsx"))


def _send(path: Path, name: str) -> FileResponse:
    """The open file outlives its name in the temporary folder."""
    return FileResponse(path.open("rb"), as_attachment=True, filename=clean_name(name), content_type=_XLSX)
