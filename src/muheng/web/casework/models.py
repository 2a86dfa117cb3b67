"""Cases. What happened to one is its events, which are only ever added; the row of a case is what they say, for lists.

A case's type is a file (``muheng.casework``). The row is written by ``actions`` alone, from the standing that the library
works out of the events; ``manage check_cases`` compares the two.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

LIVE = models.Q(live=True)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Case(models.Model):
    """A case as it stands: the mirror of its events.

    ``county`` and ``township`` are those of the enterprise (or of the place that it is about) when it was opened;
    ``organisation`` is the office in whose hands it is, ``handler`` the person there, if one is named. ``due`` is that of
    the running clock that ends first. ``thread`` is the case that the whole chain began with, none where it
    began it.
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
    due_at = models.DateTimeField(null=True, blank=True)
    """The moment of ``due``, where that clock counts hours; one in days counts ``due`` to its end."""
    due_clock = models.CharField(max_length=40, default="", blank=True)
    provisional = models.BooleanField(default=False)
    paused = models.BooleanField(default=False)
    turn_at = models.DateTimeField(default=NEVER)
    """The moment that lists are sorted by: ``due_at`` or the last moment of ``due``, and one that never comes where no clock
    runs. Databases differ in where they put nothing. Overdue is what is live and had its turn before now."""
    waits_for = models.CharField(max_length=12, default="", blank=True)
    """The part that has the next step; empty once the case has ended."""
    assigned = models.BooleanField(default=False)
    """A person has it, not only an office."""
    dues = models.JSONField(default=dict)
    """Of a live case: when each clock that has not ended is due."""
    calendar = models.CharField(max_length=16, default="", blank=True)
    """Of a live case: the calendars that its days were counted by."""
    remind_at = models.DateTimeField(null=True, blank=True)
    """The moment from which the sweep has to look at it."""
    erase_on = models.DateField(null=True, blank=True)
    """The day on which its personal values are to be erased."""
    level = models.SmallIntegerField(default=0)
    """How many steps up the tree it has been escalated."""
    late = models.BooleanField(default=False)
    """Some clock was stopped after its due date."""
    net_days = models.IntegerField(null=True, blank=True)
    """Working days from opening to closing without those that its clocks were paused."""
    gross_days = models.IntegerField(null=True, blank=True)
    """Working days from opening to closing."""
    late_legal = models.BooleanField(null=True, blank=True)
    """Of a case that has ended: some legal clock was not kept; nothing where it never had one."""
    late_promised = models.BooleanField(null=True, blank=True)
    legal_limit = models.IntegerField(null=True, blank=True)
    """Of a case that has ended: the days that the law gave, without extensions; what it gave in hours is not in it."""
    legal_net = models.IntegerField(null=True, blank=True)
    """Days of these that were used, pauses left out."""
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
            # Inboxes: what is live, of an office or a person, the next due first. Of live cases alone: SQLite takes a
            # bare condition for no equality, and would not use an index that begins with it.
            models.Index(
                fields=("organisation", "assigned", "turn_at", "id"), name="case_of_office", condition=LIVE
            ),
            models.Index(fields=("handler", "waits_for", "turn_at", "id"), name="case_of_handler"),
            models.Index(fields=("turn_at", "id"), name="case_by_due", condition=LIVE),
            models.Index(fields=("county", "turn_at", "id"), name="case_of_county_by_due", condition=LIVE),
            models.Index(
                fields=("enterprise", "turn_at", "id"), name="case_of_enterprise_by_due", condition=LIVE
            ),
            models.Index(fields=("waits_for", "turn_at", "id"), name="case_by_part", condition=LIVE),
            models.Index(
                fields=("waits_for", "organisation", "turn_at", "id"),
                name="case_of_office_by_part",
                condition=LIVE,
            ),
            models.Index(fields=("level", "turn_at", "id"), name="case_by_level", condition=LIVE),
            models.Index(fields=("type", "-opened_at", "-id"), name="case_of_type"),
            models.Index(fields=("enterprise", "-opened_at"), name="case_of_enterprise"),
            # With the title, so that words are looked for without reading the cases.
            models.Index(fields=("-opened_at", "-id", "title"), name="case_by_opening"),
            models.Index(fields=("county", "-opened_at", "-id", "title"), name="case_of_county"),
            models.Index(
                fields=("organisation", "-opened_at", "-id", "title"), name="case_of_office_by_opening"
            ),
            models.Index(fields=("opener", "-opened_at", "-id"), name="case_of_opener"),
            models.Index(fields=("handler", "-opened_at", "-id"), name="case_of_handler_by_opening"),
            models.Index(fields=("source",), name="case_by_source"),
            # Figures: of days that make no whole month, and of what is in hand now.
            # They hold all that is added up, so that no case has to be read.
            models.Index(
                fields=(
                    *("type", "closed_on", "county", "kind", "organisation", "phase", "late", "net_days"),
                    *("gross_days", "rating", "reopened", "late_legal", "late_promised"),
                    *("legal_limit", "legal_net"),
                ),
                name="case_by_closing",
            ),
            models.Index(
                fields=("type", "county", "organisation", "kind", "handler", "turn_at", "level", "live"),
                name="case_in_hand",
                condition=LIVE,
            ),
            # What the sweep looks for: few rows of many.
            models.Index(fields=("remind_at", "id"), name="case_to_remind", condition=LIVE),
            models.Index(fields=("calendar", "id"), name="case_to_recount", condition=LIVE),
            models.Index(
                fields=("erase_on", "id"), name="case_to_erase", condition=models.Q(erase_on__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def deadline(self) -> date | None:
        """The day, or for a clock in hours the moment, of what is due first."""
        return self.due_at or self.due

    def is_overdue(self, now: datetime) -> bool:
        return self.live and self.turn_at < now


class CaseTally(models.Model):
    """How many, and in how many days, of the cases opened or ended in a month: one row of many that are added up.

    A case that changes adds a row that takes its old share out and one that puts its new share in, so that nobody
    waits for anybody; now and then rows of one key are folded into one (``tally``). Places are numbers of
    organisations, 0 where there is none.
    """

    month = models.DateField()
    type = models.CharField(max_length=40)
    kind = models.CharField(max_length=40)
    county = models.IntegerField()
    organisation = models.IntegerField()
    opened = models.IntegerField(default=0)
    closed = models.IntegerField(default=0)
    on_time = models.IntegerField(default=0)
    timed = models.IntegerField(default=0)
    net_days = models.IntegerField(default=0)
    gross_days = models.IntegerField(default=0)
    rated = models.IntegerField(default=0)
    rating = models.IntegerField(default=0)
    satisfied = models.IntegerField(default=0)
    reopened = models.IntegerField(default=0)
    legal = models.IntegerField(default=0)
    legal_kept = models.IntegerField(default=0)
    legal_limit = models.IntegerField(default=0)
    legal_net = models.IntegerField(default=0)
    promised = models.IntegerField(default=0)
    promised_kept = models.IntegerField(default=0)

    class Meta:
        indexes = (
            models.Index(fields=("month", "type", "kind", "county", "organisation"), name="tally_key"),
        )


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
    value = models.TextField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("case", "field"), name="one_personal_value"),)


class OpeningKey(models.Model):
    """A program's own name for an opening, so that one sent twice makes one case."""

    user = models.ForeignKey("people.User", models.CASCADE, related_name="+")
    key = models.CharField(max_length=80)
    digest = models.CharField(max_length=64)
    """Of what was sent: the same key with something else is a mistake of the program."""
    case = models.ForeignKey(Case, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="one_opening_a_key"),)


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


class Paper(models.Model):
    """A meeting sheet or a monthly review as it was handed out. ``data`` is all that stands in it; the files are it."""

    class Kind(models.TextChoices):
        MEETING = "meeting", _("每周例会材料")
        REVIEW = "review", _("每月点评")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    place = models.ForeignKey("people.Organisation", models.PROTECT, related_name="+")
    """Whose cases it is about: the city, or a county."""
    first = models.DateField()
    last = models.DateField()
    as_of = models.DateField()
    edition = models.IntegerField()
    """Issued again for the same days, it is another edition; the one before stays."""
    title = models.CharField(max_length=200)
    data = models.JSONField()
    docx = models.ForeignKey("files.StoredFile", models.PROTECT, related_name="+")
    xlsx = models.ForeignKey("files.StoredFile", models.PROTECT, related_name="+")
    issued_by = models.ForeignKey("people.User", models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()

    class Meta:
        ordering = ("-first", "kind", "-edition")
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "place", "first", "edition"), name="one_edition_of_a_paper"
            ),
        )

    def __str__(self) -> str:
        return self.title
