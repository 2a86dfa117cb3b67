"""Who files each month, what they filed, what was found in it, and every step that it took.

What registry shows as a month's figures is written from here when it is submitted, returned or accepted.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from muheng.web.filing.months import Month


class Duty(models.Model):
    """An enterprise files from a month on. ``until`` is the first month that it no longer files."""

    enterprise = models.OneToOneField("registry.Enterprise", models.CASCADE, related_name="filing_duty")
    since = models.DateField()
    until = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.enterprise)


class Filing(models.Model):
    """One month of one enterprise.

    ``values``: item → figure as text, in the item's unit; ``reasons``: item → why a figure that was questioned is
    right; ``findings``: what the checks found (see ``checks.Finding``). ``version`` grows with each change.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("草稿")
        SUBMITTED = "submitted", _("待核对")
        RETURNED = "returned", _("已退回")
        ACCEPTED = "accepted", _("已核对")

    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="filings")
    year = models.IntegerField()
    month = models.IntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    values = models.JSONField(default=dict)
    reasons = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    flagged = models.BooleanField(default=False)
    """A figure was questioned and submitted with a reason."""
    late = models.BooleanField(default=False)
    version = models.IntegerField(default=0)
    submitted_at = models.DateTimeField(null=True)
    submitted_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    answer = models.CharField(max_length=500, default="", blank=True)
    """Why it was returned."""

    class Meta:
        ordering = ("-year", "-month", "enterprise_id")
        constraints = (
            models.UniqueConstraint(fields=("enterprise", "year", "month"), name="one_filing_a_month"),
            models.CheckConstraint(
                condition=models.Q(month__gte=1, month__lte=12), name="filing_month_of_year"
            ),
        )
        indexes = (
            # Counting a month, or what waits, reads the index alone.
            models.Index(fields=("year", "month", "state", "late", "flagged"), name="filing_of_a_month"),
            models.Index(fields=("state", "year", "month", "flagged"), name="filing_that_waits"),
        )

    def __str__(self) -> str:
        return f"{self.enterprise} {self.year}-{self.month:02d}"

    @property
    def when(self) -> Month:
        return Month(self.year, self.month)


class Step(models.Model):
    """What happened to a filing, and the figures that it changed: ``{item: [before, after]}``."""

    class Verb(models.TextChoices):
        SAVE = "save", _("保存草稿")
        SUBMIT = "submit", _("提交")
        RETURN = "return", _("退回")
        ACCEPT = "accept", _("核对通过")
        TAKE = "take", _("导入历史数据")

    filing = models.ForeignKey(Filing, models.CASCADE, related_name="steps")
    verb = models.CharField(max_length=10, choices=Verb.choices)
    at = models.DateTimeField()
    by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    changes = models.JSONField(default=dict)
    note = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        ordering = ("at", "pk")
