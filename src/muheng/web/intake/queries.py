"""What a person may see of batches: those handed in within the places where they may look at intake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from django.db.models import Q, QuerySet
from django.http import Http404

from muheng.web.intake.actions import facts_of
from muheng.web.intake.models import Batch, BatchFile
from muheng.web.intake.reading import current_folder, describe_change
from muheng.web.intake.review import read_problems, read_sheets
from muheng.web.people.rights import posts_of
from muheng.web.reading import language

RIGHT = "intake.view"
Sheet = Mapping[str, Any]


def batches_for(user: Any) -> QuerySet[Batch]:
    """The batches that a person may see, the newest first."""
    seen = Q(pk__in=())
    for post in posts_of(user):
        if RIGHT in post.rights:
            seen |= Q(organisation__path__startswith=post.path)
    return Batch.objects.filter(seen).select_related(
        "owner", "organisation", "accepted_by", "undone_by", "job"
    )


def find_batch(user: Any, number: int) -> Batch:
    """One batch. What the person may not see is not found: raises Http404."""
    found = batches_for(user).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def find_file(user: Any, number: int, file: int) -> BatchFile:
    """A file of a batch. Raises Http404."""
    batch = find_batch(user, number)
    found = batch.files.select_related("stored", "annotated", "annotating").filter(pk=file).first()
    if found is None:
        raise Http404
    found.batch = batch
    return found


def filter_batches(user: Any, year: int | None, state: str, owner: str) -> QuerySet[Batch]:
    """Batches by year, state, and part of the title or of the name of who handed them in."""
    rows = batches_for(user)
    if year is not None:
        rows = rows.filter(year=year)
    if state in Batch.State.values:
        rows = rows.filter(state=state)
    if owner:
        rows = rows.filter(Q(owner__name__icontains=owner) | Q(title__icontains=owner))
    return rows


def years_of(user: Any) -> list[int]:
    """The years for which there are batches, the newest first."""
    return list(batches_for(user).order_by("-year").values_list("year", flat=True).distinct())


def waiting_for(user: Any) -> QuerySet[Batch]:
    """Batches that wait to be looked at."""
    return batches_for(user).filter(state=Batch.State.REVIEW)


def sheets_of(batch: Batch) -> list[Sheet]:
    """The sheets of the newest reading, their sentences in the reader's language."""
    return [_in_language(sheet) for sheet in read_sheets(batch.review)] if batch.review else []


def sheet_of(batch: Batch, number: int) -> Sheet:
    """One sheet by its place among them, from 0. Raises Http404."""
    sheets = read_sheets(batch.review) if batch.review else []
    if not 0 <= number < len(sheets):
        raise Http404
    found: Sheet = _in_language(sheets[number])
    return found


def _in_language(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"zh", "en"}:
            return value[language()]
        return {key: _in_language(part) for key, part in value.items()}
    return [_in_language(part) for part in value] if isinstance(value, list) else value


def problems_of(
    batch: Batch, severity: str = "", kind: str = "", file: str = "", text: str = ""
) -> pl.DataFrame:
    """The problems of the newest reading that fit: severity, file, sheet, row, column, cell, found, kind, what, fix,
    enterprise, code; errors first."""
    if not batch.review:
        return pl.DataFrame(schema=dict.fromkeys((*_SHOWN, "what", "fix"), pl.String))
    rows = read_problems(batch.review)
    if severity:
        rows = rows.filter(pl.col("severity") == severity)
    if kind:
        rows = rows.filter(pl.col("kind") == kind)
    if file:
        rows = rows.filter(pl.col("file") == file)
    lang = language()
    rows = rows.select(*_SHOWN, pl.col(lang).alias("what"), pl.col(f"fix_{lang}").alias("fix"))
    if text:
        looked = [
            pl.col(name).str.contains(text, literal=True)
            for name in ("what", "found", "enterprise", "code", "cell")
        ]
        rows = rows.filter(pl.any_horizontal(looked).fill_null(False))
    return rows.sort(pl.col("severity") != "error", maintain_order=True)


_SHOWN = ("severity", "file", "sheet", "row", "column", "cell", "found", "kind", "enterprise", "code")


def kinds_of(batch: Batch) -> list[dict[str, Any]]:
    """The kinds of problems, the gravest and most frequent first: kind, severity, count, and one as an example."""
    if not batch.review:
        return []
    lang = language()
    rows = (
        read_problems(batch.review)
        .group_by("kind", "severity", maintain_order=True)
        .agg(
            pl.len().alias("count"),
            pl.col(lang).first().alias("example"),
            pl.col("file").n_unique().alias("files"),
        )
        .sort([pl.col("severity") != "error", -pl.col("count").cast(pl.Int64)], maintain_order=True)
    )
    return rows.to_dicts()


def changes_of(batch: Batch) -> dict[str, Any]:
    """What the batch changes, or changed when it was accepted. Compared anew where the year has changed since."""
    if batch.state == Batch.State.REVIEW and batch.changes_from != current_folder(batch.year):
        changes, base = describe_change(batch.year, facts_of(batch))
        Batch.objects.filter(pk=batch.pk, reading=batch.reading, state=batch.state).update(
            changes=changes, changes_from=base
        )
        return changes
    found: dict[str, Any] = batch.changes
    return found
