"""Cases. What happened to one is its events, which are only ever added; the row of a case is what they say, for lists.

A case's type is a file (``muheng.casework``). The row is written by ``actions`` alone, from the standing that the library
works out of the events; ``manage check_cases`` compares the two.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Case(models.Model):
    """A case as it stands: the mirror of its events.

    ``county`` and ``township`` are those of the enterprise (or of the place that it is about) when it was opened;
    ``organisation`` is the office in whose hands it is, ``handler`` the person there, if one is named. ``due`` is that of
    the running clock that ends first. ``thread`` is the case that the whole chain began with, itself where it began it.
    """

    class Phase(models.TextChoices):
        OPEN = "open", _("在办")
        ANSWERED = "answered", _("已答复")
        CLOSED = "closed", _("办结")
        VOID = "void", _("已撤并")

    number = models.CharField(max_length=30, unique=True)
    type = models.CharField(max_length=40)
    kind = models.CharField(max_length=40, default="", blank=True)
    title = models.CharField(max_length=200)
    enterprise = models.ForeignKey(
        "registry.Enterprise", models.PROTECT, null=True, blank=True, related_name="cases"
    )
    county = models.ForeignKey("people.Organisation", models.PROTECT, null=True, blank=True, related_name="+")
    township = models.ForeignKey(
        "people.Organisation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    organisation = models.ForeignKey("people.Organisation", models.PROTECT, related_name="cases")
    handler = models.ForeignKey(
        "people.User", models.PROTECT, null=True, blank=True, related_name="handled_cases"
    )
    opener = models.ForeignKey("people.User", models.PROTECT, null=True, blank=True, related_name="+")
    shown_to_enterprise = models.BooleanField(default=True)
    fields = models.JSONField(default=dict)

    state = models.CharField(max_length=40)
    phase = models.CharField(max_length=10, choices=Phase.choices)
    live = models.BooleanField(default=True)
    """Open or answered: something is still to be done."""
    version = models.IntegerField()
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)

    due = models.DateField(null=True, blank=True)
    due_clock = models.CharField(max_length=40, default="", blank=True)
    provisional = models.BooleanField(default=False)
    paused = models.BooleanField(default=False)
    level = models.SmallIntegerField(default=0)
    """How many steps up the tree it has been escalated."""
    late = models.BooleanField(default=False)
    """Some clock was stopped after its due date."""
    net_days = models.IntegerField(null=True, blank=True)
    """Working days from opening to closing without those that its clocks were paused."""
    gross_days = models.IntegerField(null=True, blank=True)
    """Working days from opening to closing."""
    rating = models.SmallIntegerField(null=True, blank=True)
    reopened = models.SmallIntegerField(default=0)

    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    thread = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="links")
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="absorbed")
    source = models.CharField(max_length=60, default="", blank=True)
    """What of another room it follows, ``evaluation.objection:12``; that room moves it."""
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-opened_at", "-pk")
        indexes = (
            # Inboxes: what is live, of an office or a person, the next due first.
            models.Index(fields=("live", "organisation", "due", "id"), name="case_of_office"),
            models.Index(fields=("live", "handler", "due", "id"), name="case_of_handler"),
            models.Index(fields=("live", "due", "id"), name="case_by_due"),
            models.Index(fields=("live", "county", "due", "id"), name="case_of_county_by_due"),
            models.Index(fields=("enterprise", "-opened_at"), name="case_of_enterprise"),
            models.Index(fields=("-opened_at", "-id"), name="case_by_opening"),
            models.Index(fields=("county", "-opened_at", "-id"), name="case_of_county"),
            models.Index(fields=("organisation", "-opened_at", "-id"), name="case_of_office_by_opening"),
            models.Index(fields=("source",), name="case_by_source"),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


class CaseEvent(models.Model):
    """One thing that happened to a case. ``part`` is who the person was to the case; see ``muheng.casework``."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="events")
    number = models.IntegerField()
    at = models.DateTimeField()
    act = models.CharField(max_length=40)
    part = models.CharField(max_length=12)
    actor = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    actor_name = models.CharField(max_length=60, default="", blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("case_id", "number")
        # Two who act on the same version cannot both be next.
        constraints = (models.UniqueConstraint(fields=("case", "number"), name="one_event_a_number"),)


class CaseFile(models.Model):
    """A file that belongs to a case, by the event that brought it."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="files")
    event = models.ForeignKey(CaseEvent, models.CASCADE, related_name="files")
    stored = models.ForeignKey("files.StoredFile", models.PROTECT, related_name="+")
    label = models.CharField(max_length=60, default="", blank=True)
    internal = models.BooleanField(default=False)

    class Meta:
        ordering = ("pk",)


class PersonalValue(models.Model):
    """A value that names a person (contact, telephone). Kept beside the events, so that it can be erased by law."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="personal")
    field = models.CharField(max_length=40)
    value = models.CharField(max_length=200)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("case", "field"), name="one_personal_value"),)


class Numbering(models.Model):
    """The last number given out for a prefix in a year."""

    prefix = models.CharField(max_length=12)
    year = models.IntegerField()
    last = models.IntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("prefix", "year"), name="one_numbering"),)


class AnswerTemplate(models.Model):
    """A text that an office answers with often. ``kind`` empty: for every kind of the type."""

    organisation = models.ForeignKey("people.Organisation", models.CASCADE, related_name="+")
    type = models.CharField(max_length=40)
    kind = models.CharField(max_length=40, default="", blank=True)
    title = models.CharField(max_length=60)
    text = models.TextField(max_length=5000)

    class Meta:
        ordering = ("title", "pk")

    def __str__(self) -> str:
        return self.title


class SavedList(models.Model):
    """A filter of the case list that a person named."""

    user = models.ForeignKey("people.User", models.CASCADE, related_name="saved_case_lists")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="one_saved_case_list"),)
