"""Needs, offers, introductions with their steps; credits with their book; gatherings and whom they reached.

Sums are whole fen, persons whole persons, rates hundredths of a percent. Steps and lines of a credit's book are only ever
added; what a row keeps besides (``state``, ``lent``) is what they say, for lists. Rules of the trade are the library's.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    FINANCE = "finance", _("资金")
    TECHNOLOGY = "technology", _("技术")
    LABOUR = "labour", _("用工")


class Tag(models.Model):
    """A word that needs and offers of a kind are marked with; the list is closed, so that they meet."""

    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=30)

    class Meta:
        ordering = ("kind", "name")
        constraints = (models.UniqueConstraint(fields=("kind", "name"), name="one_tag_a_kind"),)

    def __str__(self) -> str:
        return self.name


class Supplier(models.Model):
    """A bank, a technology supplier or a labour agency. ``keeper`` is the place whose officials keep its entry."""

    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=120)
    about = models.CharField(max_length=1000, default="", blank=True)
    contact = models.CharField(max_length=60, default="", blank=True)
    phone = models.CharField(max_length=30, default="", blank=True)
    place = models.ForeignKey("people.Organisation", models.PROTECT, null=True, blank=True, related_name="+")
    """The township, park or county where it is; empty: elsewhere."""
    keeper = models.ForeignKey("people.Organisation", models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        ordering = ("kind", "name")
        constraints = (models.UniqueConstraint(fields=("kind", "name"), name="one_supplier_a_kind"),)

    def __str__(self) -> str:
        return self.name


class Offer(models.Model):
    """What a supplier gives and to whom; an empty list or null is no limit. ``taken``: amounts agreed so far."""

    class State(models.TextChoices):
        OPEN = "open", _("有效")
        ENDED = "ended", _("已停止")

    supplier = models.ForeignKey(Supplier, models.PROTECT, related_name="offers")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    title = models.CharField(max_length=120)
    text = models.CharField(max_length=2000, default="", blank=True)
    least = models.BigIntegerField(null=True, blank=True)
    most = models.BigIntegerField(null=True, blank=True)
    capacity = models.BigIntegerField(null=True, blank=True)
    taken = models.BigIntegerField(default=0)
    months = models.IntegerField(null=True, blank=True)
    rate = models.IntegerField(null=True, blank=True)
    lead_days = models.IntegerField(null=True, blank=True)
    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    regions = models.ManyToManyField("people.Organisation", related_name="+", blank=True)
    industries = models.JSONField(default=list, blank=True)
    grades = models.JSONField(default=list, blank=True)
    statuses = models.JSONField(default=list, blank=True)
    tags = models.ManyToManyField(Tag, related_name="offers", blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    ended_reason = models.CharField(max_length=300, default="", blank=True)
    version = models.IntegerField(default=1)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ("-added_at", "-pk")
        indexes = (models.Index(fields=("kind", "state", "-added_at"), name="offer_by_kind"),)

    def __str__(self) -> str:
        return self.title

    @property
    def left(self) -> int | None:
        """What may still be agreed."""
        return None if self.capacity is None else max(self.capacity - self.taken, 0)


class Need(models.Model):
    """What an enterprise looks for. ``case`` is the demand that it came from, ``case_number`` how that was called."""

    class State(models.TextChoices):
        OPEN = "open", _("待对接")
        TALKING = "talking", _("对接中")
        MET = "met", _("已落实")
        ENDED = "ended", _("已结束")

    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="needs")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    title = models.CharField(max_length=120)
    text = models.CharField(max_length=2000, default="", blank=True)
    amount = models.BigIntegerField(null=True, blank=True)
    months = models.IntegerField(null=True, blank=True)
    rate = models.IntegerField(null=True, blank=True)
    wanted_by = models.DateField(null=True, blank=True)
    tags = models.ManyToManyField(Tag, related_name="needs", blank=True)
    must = models.ManyToManyField(Tag, related_name="+", blank=True)
    case = models.ForeignKey(
        "casework.Case", models.PROTECT, null=True, blank=True, related_name="needs", default=None
    )
    case_number = models.CharField(max_length=40, default="", blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    version = models.IntegerField(default=1)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        ordering = ("-opened_at", "-pk")
        indexes = (
            models.Index(fields=("state", "kind", "-opened_at"), name="need_by_state"),
            models.Index(fields=("enterprise", "-opened_at"), name="need_of_enterprise"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("case", "kind"), condition=models.Q(case__isnull=False), name="one_need_a_case"
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def live(self) -> bool:
        return self.state in (self.State.OPEN, self.State.TALKING)


class Introduction(models.Model):
    """A need brought together with an offer. ``reasons``: what the rules said of the pair when it was."""

    class State(models.TextChoices):
        ASKED = "asked", _("企业申请")
        INTRODUCED = "introduced", _("已推介")
        CONTACTED = "contacted", _("已接洽")
        AGREED = "agreed", _("已达成")
        FAILED = "failed", _("未达成")

    need = models.ForeignKey(Need, models.PROTECT, related_name="introductions")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="introductions")
    state = models.CharField(max_length=12, choices=State.choices)
    points = models.IntegerField()
    fits = models.BooleanField()
    reasons = models.JSONField(default=list)
    amount = models.BigIntegerField(null=True, blank=True)
    """What was agreed on."""
    introduced_at = models.DateTimeField()
    changed_on = models.DateField()
    version = models.IntegerField(default=1)

    class Meta:
        ordering = ("-introduced_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("need", "offer"), condition=~models.Q(state="failed"), name="one_live_introduction"
            ),
        )
        indexes = (models.Index(fields=("state", "-introduced_at"), name="introduction_by_state"),)

    def __str__(self) -> str:
        return f"{self.need} → {self.offer}"


class Step(models.Model):
    """What happened to an introduction: on which day, by whom."""

    introduction = models.ForeignKey(Introduction, models.CASCADE, related_name="steps")
    number = models.IntegerField()
    state = models.CharField(max_length=12, choices=Introduction.State.choices)
    on = models.DateField()
    at = models.DateTimeField()
    by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    amount = models.BigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        ordering = ("introduction_id", "number")
        constraints = (models.UniqueConstraint(fields=("introduction", "number"), name="one_step_a_number"),)


class Credit(models.Model):
    """Credit that a bank granted an enterprise. ``lent`` and ``repaid`` are what its book says.

    ``county`` is the enterprise's when it was granted, so that a ledger does not change when an enterprise moves.
    """

    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="credits")
    bank = models.ForeignKey(Supplier, models.PROTECT, related_name="credits")
    introduction = models.OneToOneField(
        Introduction, models.PROTECT, null=True, blank=True, related_name="credit"
    )
    county = models.ForeignKey("people.Organisation", models.PROTECT, null=True, blank=True, related_name="+")
    granted = models.BigIntegerField()
    lent = models.BigIntegerField(default=0)
    repaid = models.BigIntegerField(default=0)
    lines = models.IntegerField(default=0)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    revolving = models.BooleanField(default=False)
    document = models.CharField(max_length=200)
    void_reason = models.CharField(max_length=300, default="", blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ("-since", "-pk")
        indexes = (
            models.Index(fields=("voided_at", "since"), name="credit_by_day"),
            models.Index(fields=("enterprise", "-since"), name="credit_of_enterprise"),
        )

    def __str__(self) -> str:
        return f"{self.enterprise} · {self.bank}"

    @property
    def outstanding(self) -> int:
        return self.lent - self.repaid

    @property
    def left(self) -> int:
        return self.granted - (self.outstanding if self.revolving else self.lent)


class CreditLine(models.Model):
    """One line of a credit's book. ``lent`` and ``repaid`` are signed: a reversal takes away what its line gave."""

    class Act(models.TextChoices):
        LEND = "lend", _("放款")
        REPAY = "repay", _("还款")
        REVERSE = "reverse", _("冲正")

    credit = models.ForeignKey(Credit, models.PROTECT, related_name="book")
    number = models.IntegerField()
    act = models.CharField(max_length=8, choices=Act.choices)
    amount = models.BigIntegerField()
    of = models.IntegerField(null=True, blank=True)
    lent = models.BigIntegerField(default=0)
    repaid = models.BigIntegerField(default=0)
    on = models.DateField()
    document = models.CharField(max_length=200, default="", blank=True)
    reason = models.CharField(max_length=300, default="", blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ("credit_id", "number")
        constraints = (models.UniqueConstraint(fields=("credit", "number"), name="one_line_a_number"),)
        indexes = (models.Index(fields=("on",), name="credit_line_by_day"),)


class Gathering(models.Model):
    """Where officials, enterprises and suppliers meet, or where law is explained. ``heads``: who was there, by counting."""

    class Kind(models.TextChoices):
        BANKS = "banks", _("政银企对接会")
        SALON = "salon", _("企业沙龙")
        LECTURE = "lecture", _("生态环境大讲堂")
        LAW = "law", _("送法入企")
        TECHNOLOGY = "technology", _("技术对接会")
        JOBS = "jobs", _("用工对接会")
        TRAINING = "training", _("培训")

    class State(models.TextChoices):
        PLANNED = "planned", _("筹备中")
        HELD = "held", _("已举办")
        CANCELLED = "cancelled", _("已取消")

    kind = models.CharField(max_length=12, choices=Kind.choices)
    title = models.CharField(max_length=120)
    on = models.DateField()
    place = models.CharField(max_length=120)
    host = models.ForeignKey("people.Organisation", models.PROTECT, related_name="+")
    county = models.ForeignKey("people.Organisation", models.PROTECT, null=True, blank=True, related_name="+")
    """Where it is; empty: for the whole city."""
    heads = models.IntegerField(null=True, blank=True)
    summary = models.CharField(max_length=1000, default="", blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    version = models.IntegerField(default=1)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ("-on", "-pk")
        indexes = (models.Index(fields=("state", "on"), name="gathering_by_day"),)

    def __str__(self) -> str:
        return self.title


class Attendance(models.Model):
    """An enterprise at a gathering: invited, signed in, or both."""

    gathering = models.ForeignKey(Gathering, models.CASCADE, related_name="attendances")
    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="attendances")
    invited = models.BooleanField(default=False)
    signed_at = models.DateTimeField(null=True, blank=True)
    persons = models.IntegerField(default=0)

    class Meta:
        ordering = ("gathering_id", "enterprise_id")
        constraints = (models.UniqueConstraint(fields=("gathering", "enterprise"), name="one_attendance"),)


class Material(models.Model):
    """What was handed out at a gathering, and how many."""

    class Kind(models.TextChoices):
        LEAFLET = "leaflet", _("宣传单")
        BOOKLET = "booklet", _("手册")
        POLICY = "policy", _("政策清单")
        OTHER = "other", _("其他")

    gathering = models.ForeignKey(Gathering, models.CASCADE, related_name="materials")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    title = models.CharField(max_length=120)
    count = models.IntegerField()

    class Meta:
        ordering = ("gathering_id", "kind", "pk")
        constraints = (models.UniqueConstraint(fields=("gathering", "kind", "title"), name="one_material"),)

    def __str__(self) -> str:
        return self.title


def add_up(rows: Any, field: str) -> int:
    """The exact sum of a column; PostgreSQL gives decimals for it."""
    return int(rows.aggregate(total=models.Sum(field))["total"] or 0)
