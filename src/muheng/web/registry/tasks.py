"""Background work of the registry: large lists as workbooks."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from muheng.web.jobs.actions import Progress, task
from muheng.web.registry.exports import KIND, store_list


@task(KIND)
def export(progress: Progress, query: str) -> dict[str, Any]:
    """The list that the person who asked may see now."""
    progress(0, 1, _("写表格"))
    return {"file": store_list(progress.job.owner, query).pk}
