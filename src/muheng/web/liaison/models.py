"""Who looks after which enterprise, since when and until when; and whom an officer means to visit on which day.

What was found on a visit is a case (casework), not a row here. ``SentDraft`` remembers which visits came from a phone,
so that one that is sent twice is one visit.
"""

from __future__ import annotations

from django.db import models


class Pairing(models.Model):
    """An officer looks after an enterprise from a day on; ``until`` is the first day that they no longer do.

    Rows are never taken away: who follows is another row.
    """

    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="pairings")
    officer = models.ForeignKey("people.User", models.PROTECT, related_name="pairings")
    office = models.ForeignKey("people.Organisation", models.PROTECT, related_name="pairings")
    """The office in whose name the officer goes."""
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=300, default="", blank=True)
    end_reason = models.CharField(max_length=300, default="", blank=True)
    made_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    ended_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-since", "-pk")
        indexes = (
            models.Index(fields=("until", "officer"), name="pairing_of_officer"),
            models.Index(fields=("enterprise", "since"), name="pairing_of_enterprise"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("enterprise",), condition=models.Q(until=None), name="one_officer_an_enterprise"
            ),
            models.CheckConstraint(
                condition=models.Q(until=None) | models.Q(until__gte=models.F("since")),
                name="pairing_ends_after_it_begins",
            ),
        )

    def __str__(self) -> str:
        return f"{self.enterprise} – {self.officer}"


class WeekPlan(models.Model):
    """Whom an officer means to visit in the week of a Monday. ``version`` grows with each change."""

    officer = models.ForeignKey("people.User", models.PROTECT, related_name="week_plans")
    monday = models.DateField()
    version = models.IntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("-monday", "officer_id")
        constraints = (models.UniqueConstraint(fields=("officer", "monday"), name="one_plan_a_week"),)

    def __str__(self) -> str:
        return f"{self.officer} {self.monday}"


class PlannedStop(models.Model):
    """An enterprise on a day of a week plan; ``order`` counts from 1 within the day."""

    plan = models.ForeignKey(WeekPlan, models.CASCADE, related_name="stops")
    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="+")
    day = models.DateField()
    order = models.SmallIntegerField()

    class Meta:
        ordering = ("day", "order", "pk")
        constraints = (models.UniqueConstraint(fields=("plan", "enterprise"), name="one_stop_a_week"),)


class SentDraft(models.Model):
    """A visit that came from a phone under the key that the phone gave its draft."""

    officer = models.ForeignKey("people.User", models.PROTECT, related_name="+")
    key = models.CharField(max_length=64)
    case = models.ForeignKey("casework.Case", models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("officer", "key"), name="one_visit_a_draft"),)
