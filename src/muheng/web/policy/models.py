"""Evaluation methods (评价办法) as texts with versions: those that came with a city pack, and a city's own."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PolicyDocument(models.Model):
    """One method through its versions."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    city = models.CharField(max_length=40, default="", blank=True)
    shipped = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-shipped", "slug")

    def __str__(self) -> str:
        return self.title


class PolicyVersion(models.Model):
    """One text of a method. A final one is never changed."""

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

    class Meta:
        ordering = ("document", "-number")
        constraints = (models.UniqueConstraint(fields=("document", "number"), name="one_version"),)

    def __str__(self) -> str:
        return f"{self.document.title} v{self.number}"
