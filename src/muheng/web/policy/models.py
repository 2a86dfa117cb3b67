"""Evaluation methods (评价办法) as texts with versions: those that came with a city pack, and a city's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from muheng.web.files.actions import folder_path


class PolicyDocument(models.Model):
    """One method through its versions. ``slug`` is the number that its text has (编号)."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    city = models.CharField(max_length=40, default="", blank=True)
    shipped = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_by = models.ForeignKey("people.User", models.PROTECT, null=True, blank=True, related_name="+")
    retired_why = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        ordering = ("-shipped", "slug")

    def __str__(self) -> str:
        return self.title


class FinalTextError(Exception):
    """Somebody tried to change or remove a final text; the site never does."""


class PolicyVersion(models.Model):
    """One text of a method. A final one is never changed, by whatever way: the database holds it too."""

    class State(models.TextChoices):
        DRAFT = "draft", _("草稿")
        FINAL = "final", _("定稿")

    document = models.ForeignKey(PolicyDocument, models.PROTECT, related_name="versions")
    number = models.IntegerField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    base = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    note = models.CharField(max_length=300, default="", blank=True)
    author = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    finalised_at = models.DateTimeField(null=True, blank=True)
    finalised_by = models.ForeignKey("people.User", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("document", "-number")
        constraints = (
            models.UniqueConstraint(fields=("document", "number"), name="one_version"),
            models.UniqueConstraint(
                fields=("document",), condition=models.Q(state="draft"), name="one_draft_of_a_document"
            ),
        )

    def __str__(self) -> str:
        return gettext("%(title)s 第 %(number)s 版") % {"title": self.document.title, "number": self.number}

    @property
    def final(self) -> bool:
        return self.state == self.State.FINAL

    @property
    def label(self) -> str:
        """How addresses name it: ``zj-huangyan-2022@1``."""
        return f"{self.document.slug}@{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises FinalTextError where what is stored is final."""
        if self.pk is not None and self._is_stored_final():
            raise FinalTextError(self.label)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises FinalTextError where what is stored is final."""
        if self._is_stored_final():
            raise FinalTextError(self.label)
        return super().delete(*args, **kwargs)

    def _is_stored_final(self) -> bool:
        return PolicyVersion.objects.filter(pk=self.pk, state=self.State.FINAL).exists()


class Saving(models.Model):
    """A draft as it was saved once: what the next editor started from, and who changed what when."""

    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="savings")
    sha256 = models.CharField(max_length=64)
    text = models.TextField()
    author = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("version", "-pk")
        indexes = (models.Index(fields=("version", "sha256")),)


class Comparison(models.Model):
    """Whom one text moves against another on the same facts. Kept by the digests of what it was made of.

    ``folder``: ``standings.parquet``, everyone's grade and total in both, with the cause of a move. ``summary``:
    causes (numbers of changes), ties.
    """

    before = models.CharField(max_length=64)
    after = models.CharField(max_length=64)
    year = models.IntegerField()
    facts = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, default="", blank=True)
    folder = models.CharField(max_length=64)
    summary = models.JSONField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("before", "after", "year", "facts", "previous"), name="one_comparison"
            ),
        )

    @property
    def path(self) -> Path:
        return folder_path(self.folder)
