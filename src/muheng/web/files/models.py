"""Files that were handed in or made: kept under the digest of what is in them, never changed."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models


class StoredFile(models.Model):
    """One file as somebody named it; the same content is kept once."""

    sha256 = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        """Where its bytes are."""
        return content_path(self.sha256)


def content_path(sha256: str) -> Path:
    """The place of a content in the store."""
    return Path(settings.MEDIA_ROOT) / sha256[:2] / sha256
