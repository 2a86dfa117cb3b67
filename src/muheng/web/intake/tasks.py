"""Background work on batches: reading them, and marking workbooks. Safe to run again: only the newest reading is kept."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from muheng.intake.annotate import annotate
from muheng.web.files.actions import store
from muheng.web.intake.actions import accept, facts_of
from muheng.web.intake.models import Batch, BatchFile
from muheng.web.intake.reading import city_layouts, describe_change, laid_out, read_batch
from muheng.web.intake.review import read_problem_values, store_review
from muheng.web.intake.roster import prepare_roster
from muheng.web.jobs.actions import Progress, task
from muheng.web.reading import language
from muheng.web.registry.panels import store_facts


@task("intake.read")
def read(progress: Progress, batch: int, reading: int) -> dict[str, Any]:
    """Read a batch's files and keep what was found, unless somebody has changed the batch meanwhile."""
    found = Batch.objects.select_related("owner").get(pk=batch)
    if found.reading != reading or found.state != Batch.State.READING:
        return {"overtaken": True}
    intake = read_batch(found, lambda what, done, total: progress(done, total, what))
    facts, review = store_facts(intake.facts), store_review(intake)
    changes, base = describe_change(found.year, intake.facts)
    rosters = {
        (layout.id, kind) for layout in city_layouts() for kind, sheet in layout.sheet.items() if sheet.roster
    }
    counts = {
        "files": len({view.file for view in intake.views}),
        "sheets": len(intake.sheets),
        "unread": sum(view.what is not None and not view.ignored for view in intake.views),
        "rows": sum(sheet.rows for sheet in intake.sheets),
        "imported": sum(sheet.imported for sheet in intake.sheets),
        "listed": sum(sheet.listed for sheet in intake.sheets),
        "skipped": sum(sheet.skipped for sheet in intake.sheets),
        "enterprises": intake.facts.frame.height,
        "errors": sum(problem.severity == "error" for problem in intake.problems),
        "warnings": sum(problem.severity == "warning" for problem in intake.problems),
        "roster": any((sheet.layout, sheet.kind) in rosters for sheet in intake.sheets),
        "departments": sorted({sheet.department for sheet in intake.sheets}),
    }
    with transaction.atomic():
        kept = Batch.objects.select_for_update().filter(pk=batch, reading=reading, state=Batch.State.READING)
        if kept.first() is None:
            return {"overtaken": True}
        kept.update(
            state=Batch.State.REVIEW,
            facts=facts,
            review=review,
            counts=counts,
            changes=changes,
            changes_from=base,
        )
    return counts


@task("intake.accept")
def take(progress: Progress, batch: int, reading: int, withheld: int) -> dict[str, Any]:
    """Accept a large batch for the person who asked for it; all of it or nothing, so it can be begun again."""
    found = Batch.objects.get(pk=batch)
    if found.state == Batch.State.ACCEPTED and found.reading == reading:
        return {"accepted": True}  # A worker before this one died after it was done.
    prepared: dict[str, str] = {}
    if found.count("roster"):
        note = _("为新企业建立检索")
        prepared = prepare_roster(facts_of(found), lambda done, total: progress(done, total, note))
    progress(1, 1, _("正在并入全年数据和企业档案，请稍候"))
    assert progress.job.owner is not None
    accept(progress.job.owner, found, reading=reading, withheld=withheld, prepared=prepared)
    return {"accepted": True}


@task("intake.annotate")
def mark(progress: Progress, file: int, reading: int) -> dict[str, Any]:
    """Write the copy of a workbook with its problems marked and listed."""
    found = BatchFile.objects.select_related("batch__owner", "stored").get(pk=file)
    batch = found.batch
    if batch.reading != reading or not batch.review:
        return {"overtaken": True}
    progress(0, 2, _("读取 %(title)s") % {"title": found.name})
    problems = read_problem_values(batch.review, found.name)
    with laid_out({found.name: found.stored.path}) as (source,), tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "marked.xlsx"
        copied = annotate(source, problems, target, language())
        progress(1, 2, _("标注 %(name)s") % {"name": found.name})
        name = _("%(name)s（已标问题）.xlsx") % {"name": Path(found.name).stem}
        stored = store(target, name, None)
    BatchFile.objects.filter(pk=file, batch__reading=reading).update(
        annotated=stored, annotated_reading=reading
    )
    return {"copied": copied}
