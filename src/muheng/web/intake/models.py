"""Batches of departments' workbooks: what was handed in together, how it was read, and what became of it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Batch(models.Model):
    """Workbooks for one year that are read, looked at, and accepted or not, together.

    ``reading`` counts the readings; only the newest may write what it found. ``fixes`` are what a person decided
    about sheets (``muheng.intake.sheet_fix``). ``facts`` and ``review`` name the stored folders of the newest reading
    (see ``review``). ``changes`` says what the facts change in the year's, as it stood at ``changes_from``.
    """

    class State(models.TextChoices):
        READING = "reading", _("读取中")
        REVIEW = "review", _("待核对")
        ACCEPTED = "accepted", _("已接受")
        UNDONE = "undone", _("已撤销")
        ABANDONED = "abandoned", _("已放弃")

    year = models.IntegerField()
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.READING)
    owner = models.ForeignKey("people.User", models.PROTECT, related_name="batches")
    organisation = models.ForeignKey("people.Organisation", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    reading = models.IntegerField(default=1)
    job = models.ForeignKey("jobs.Job", models.PROTECT, null=True, related_name="+")
    fixes = models.JSONField(default=list)
    facts = models.CharField(max_length=64, default="")
    review = models.CharField(max_length=64, default="")
    counts = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)
    changes_from = models.CharField(max_length=64, default="")
    layer = models.ForeignKey("registry.Layer", models.PROTECT, null=True, related_name="+")
    roster_changes = models.JSONField(default=dict)
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    undone_why = models.TextField(default="")

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=("state", "year")),)

    def __str__(self) -> str:
        return self.title

    @property
    def open(self) -> bool:
        """Whether its files and what was decided about them may still change."""
        return self.state in (self.State.READING, self.State.REVIEW)

    @property
    def stopped(self) -> bool:
        """Its reading ended without having read it: it failed or was stopped."""
        return self.state == self.State.READING and (self.job is None or self.job.ended)

    @property
    def origin(self) -> str:
        """How the layer of its facts and the rows that it made in the registry name it."""
        return f"intake.batch:{self.pk}"

    def count(self, name: str) -> Any:
        return self.counts.get(name, 0)


class BatchFile(models.Model):
    """A file of a batch, under a name that no other file of the batch has.

    ``annotated`` is the copy with the problems marked, made from the reading ``annotated_reading``.
    """

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    stored = models.ForeignKey("files.StoredFile", models.PROTECT, related_name="+")
    annotated = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, related_name="+")
    annotated_reading = models.IntegerField(default=0)
    annotating = models.ForeignKey("jobs.Job", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("batch", "name"), name="one_file_of_a_name"),)

    def __str__(self) -> str:
        return self.name
