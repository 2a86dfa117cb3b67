"""Work that takes longer than a page may: its state and progress, for whoever asked for it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    """One piece of background work. ``beat`` is renewed while a worker has it; one that stops is taken up again."""

    class State(models.TextChoices):
        WAITING = "waiting", _("等待")
        RUNNING = "running", _("进行中")
        DONE = "done", _("完成")
        FAILED = "failed", _("没有完成")
        CANCELLED = "cancelled", _("已取消")

    kind = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    arguments = models.JSONField(default=dict)
    owner = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="jobs")
    language = models.CharField(max_length=10, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    note = models.CharField(max_length=300, default="")
    result = models.JSONField(null=True)
    error = models.TextField(default="")
    fix = models.TextField(default="")
    attempts = models.IntegerField(default=0)
    cancel_asked = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    not_before = models.DateTimeField(null=True)
    """Work that was put off: a delivery that is tried again later."""
    started_at = models.DateTimeField(null=True)
    beat = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("state", "id")),)

    def __str__(self) -> str:
        return self.title

    @property
    def ended(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED, self.State.CANCELLED)

    @property
    def percent(self) -> int:
        """Of the work, as far as it is known."""
        return min(100, self.done * 100 // self.total) if self.total else 0


class Round(models.Model):
    """When work that comes round by itself was last asked for."""

    kind = models.CharField(max_length=60, primary_key=True)
    asked_at = models.DateTimeField()
