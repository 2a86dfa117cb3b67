"""Background work of this room."""

from __future__ import annotations

from muheng.web.jobs.actions import Progress, task
from muheng.web.policy.comparing import ask, keep
from muheng.web.policy.models import PolicyVersion


@task("policy.compare")
def compare_versions(progress: Progress, before: int, after: int, year: int) -> dict[str, int]:
    """Whom the one text moves against the other; the page that asked finds it by what it is made of."""
    found = PolicyVersion.objects.select_related("document")
    question = ask(progress.job.owner, found.get(pk=before), found.get(pk=after), year)
    return {"comparison": (question.find() or keep(question, progress)).pk}
