"""The book of what was done: append-only, each row carrying the digest of the one before."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """One deed. ``digest`` covers everything else in the row and ``previous``, the digest of the row before."""

    number = models.BigIntegerField(unique=True)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=150)
    verb = models.CharField(max_length=60, db_index=True)
    kind = models.CharField(max_length=60)
    target = models.CharField(max_length=80)
    title = models.CharField(max_length=300)
    detail = models.JSONField()
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ("number",)
        indexes = (models.Index(fields=("kind", "target", "number")),)
