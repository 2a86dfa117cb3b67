"""The list as a download in its usual columns, with a plan's measures beside it; and the empty one.

A short list is written while one waits; a long one in the background, once for all who ask for it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.http import FileResponse
from django.utils.translation import gettext as _

from muheng.emergency.inventory.writing import Planned, write_inventory, write_template
from muheng.web.emergency.models import EmergencyList, Plan
from muheng.web.emergency.stored import read_list
from muheng.web.emergency.stored_plans import read_plan
from muheng.web.files.actions import clean_name, store
from muheng.web.files.models import StoredFile
from muheng.web.files.pages import download
from muheng.web.jobs.actions import enqueue
from muheng.web.jobs.models import Job
from muheng.web.people.models import User
from muheng.web.reading import language

KIND = "emergency.write_workbook"
AT_ONCE = 1_500
"""Lines of a list that is written while one waits."""
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def find_workbook(inventory: EmergencyList, plan: Plan | None) -> FileResponse | None:
    """The workbook where it can be had at once: it is short, or was written already."""
    if inventory.lines <= AT_ONCE:
        return send_workbook(inventory, plan)
    for job in Job.objects.filter(kind=KIND, state=Job.State.DONE, arguments=_asked(inventory, plan)):
        file = StoredFile.objects.filter(pk__in=[(job.result or {}).get("file", 0)]).first()
        if file is not None:
            return download(file)
    return None


def ask_workbook(user: User, inventory: EmergencyList, plan: Plan | None) -> Job:
    """Have it written in the background; who asks twice gets the same work."""
    asked = _asked(inventory, plan)
    rows = Job.objects.filter(kind=KIND, owner=user, arguments=asked)
    job = rows.filter(state__in=(Job.State.WAITING, Job.State.RUNNING)).first()
    return job or enqueue(KIND, user, _("导出 %(title)s") % {"title": inventory.title}, **asked)


def _asked(inventory: EmergencyList, plan: Plan | None) -> dict[str, Any]:
    return {
        "inventory": inventory.pk,
        "plan": plan.pk if plan is not None else None,
        "lang": language(),
    }


def keep_workbook(user: User | None, inventory: EmergencyList, plan: Plan | None) -> StoredFile:
    """The work."""
    with tempfile.TemporaryDirectory(prefix="muheng-list-") as folder:
        path = Path(folder) / "list.xlsx"
        _write(inventory, plan, path)
        return store(path, _name(inventory, plan), user)


def send_workbook(inventory: EmergencyList, plan: Plan | None) -> FileResponse:
    """The list; with ``plan`` what each line does at each level."""
    with tempfile.TemporaryDirectory(prefix="muheng-list-") as folder:
        path = Path(folder) / "list.xlsx"
        _write(inventory, plan, path)
        return _send(path, _name(inventory, plan))


def _write(inventory: EmergencyList, plan: Plan | None, path: Path) -> None:
    planned = None
    if plan is not None and plan.folder:
        planned = {
            (row.line, row.level): Planned(row.name, row.part, row.cut, row.loss)
            for row in read_plan(plan.folder).measures()
            if not row.idle
        }
    write_inventory(read_list(inventory.folder).inventory, path, planned, lang=language())


def _name(inventory: EmergencyList, plan: Plan | None) -> str:
    title = inventory.title if plan is None else f"{inventory.title}-{plan.title}"
    return clean_name(f"{title}.xlsx")


def send_template() -> FileResponse:
    """An empty list with notes and drop-downs."""
    with tempfile.TemporaryDirectory(prefix="muheng-list-") as folder:
        path = Path(folder) / "template.xlsx"
        write_template(path, lang=language())
        return _send(path, _("应急减排清单（空表）.xlsx"))


def _send(path: Path, name: str) -> FileResponse:
    """The open file outlives its name in the temporary folder."""
    return FileResponse(path.open("rb"), as_attachment=True, filename=clean_name(name), content_type=_XLSX)
