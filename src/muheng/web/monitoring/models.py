"""Outlets that are watched: their devices, the recent window of what came from them, what was made of it, and who did what.

Raw frames and all values are files of the receiver's store; rows are what people look at, search, answer and do. Limits
and rules say what a value means, so events and suspicions are found anew when late data come; what people did stays.
"""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class Point(models.Model):
    """A monitored outlet (监测点位).

    ``limits``: ``[{"factor", "most", "least", "basis", "converted", "from", "until"}]``, numbers as text in the factor's
    unit, days as ISO dates; what is None or left out is as ``judgement.outlet.Limit`` has it.
    """

    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="points")
    outlet = models.OneToOneField("registry.Outlet", models.PROTECT, related_name="point")
    name = models.CharField(max_length=160)
    """As lists show it: 1号锅炉排口."""
    kind = models.CharField(max_length=30)
    """A kind of ``limits.toml``: stack, incinerator, dust, water."""
    reference_oxygen = models.DecimalField(
        max_digits=4, decimal_places=1, null=True, blank=True, help_text="%"
    )
    trade = models.CharField(max_length=60, default="", blank=True)
    key = models.BooleanField(default=False)
    """重点单位: shorter times."""
    limits = models.JSONField(default=list)
    watched_from = models.DateField()
    watched_until = models.DateField(null=True, blank=True)
    """The first day on which it is no longer watched."""
    judged_until = models.DateTimeField(null=True)
    """Hours before this have been judged."""
    stale = models.BooleanField(default=True)
    """Hours, marks or limits changed since."""

    class Meta:
        ordering = ("enterprise_id", "outlet__code")
        indexes = (models.Index(fields=("id",), name="stale_point", condition=models.Q(stale=True)),)

    def __str__(self) -> str:
        return self.name


class LimitChange(models.Model):
    """A limit that was changed (限值改动), by whom, why, and from which day on. Kept as it was done; never changed.

    ``before``: the rows of ``Point.limits`` that held from that day on until then. ``after``: the row that holds instead;
    None: no limit. With an empty ``factor`` both are what all factors of the point are judged by: reference oxygen, trade.
    """

    point = models.ForeignKey(Point, models.PROTECT, related_name="limit_changes")
    factor = models.CharField(max_length=20)
    since = models.DateField()
    before = models.JSONField(default=list)
    after = models.JSONField(null=True)
    back = models.BooleanField()
    """From a day that had passed: its hours are judged again."""
    reason = models.CharField(max_length=200, default="", blank=True)
    by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    judged_at = models.DateTimeField(null=True)
    """When hours were judged by it for the first time; what came or went then, did so because of it."""

    class Meta:
        ordering = ("-at", "-pk")
        indexes = (
            models.Index(fields=("point", "-at"), name="limit_change_of_point"),
            models.Index(
                fields=("point",), name="limit_change_to_judge", condition=models.Q(judged_at__isnull=True)
            ),
        )


class Device(models.Model):
    """A data logger (数采仪) that may speak to the receiver. A point has one at a time; earlier ones are kept."""

    mn = models.CharField(max_length=24, unique=True)
    point = models.ForeignKey(Point, models.PROTECT, related_name="devices")
    edition = models.PositiveSmallIntegerField(default=2017)
    """2005, 2017 or 2025: what it is asked in; what it says tells its own edition."""
    sealed_password = models.TextField(default="", blank=True)
    sealed_key = models.TextField(default="", blank=True)
    """SM4, 32 hex digits; empty where it sends in plain text."""
    realtime_seconds = models.PositiveIntegerField(default=60)
    minute_interval = models.PositiveSmallIntegerField(default=10)
    allowed = models.BooleanField(default=True)
    added_at = models.DateTimeField()

    class Meta:
        ordering = ("mn",)

    def __str__(self) -> str:
        return self.mn


class Latest(models.Model):
    """The newest of a point. ``values``: ``{factor: {"value", "converted", "flag", "ratio"}}``, of ``time``."""

    point = models.OneToOneField(Point, models.CASCADE, primary_key=True, related_name="latest")
    time = models.DateTimeField(null=True)
    """DataTime of the newest real-time (or minute) data."""
    values = models.JSONField(default=dict)
    hour = models.DateTimeField(null=True)
    """Beginning of the newest hour with data."""
    seen_at = models.DateTimeField(null=True, db_index=True)
    """When anything last came from it."""
    worst = models.FloatField(null=True)
    """Largest value ÷ limit of ``values``."""


class Hour(models.Model):
    """Hourly means of a point in the recent window. ``values``: ``{factor: [value, flag, minutes]}``."""

    point = models.ForeignKey(Point, models.CASCADE, related_name="hours")
    time = models.DateTimeField()
    """The beginning of the hour."""
    values = models.JSONField(default=dict)
    of_minutes = models.BooleanField(default=False)
    """Averaged here from minute data, because the device sent no hour."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("point", "time"), name="one_hour_of_point"),)
        indexes = (models.Index(fields=("time",), name="monitored_hour"),)


class SettledDay(models.Model):
    """The hours of a day that is over, of one point in one row: what judging reads instead of up to 24 rows each time.

    Made from ``Hour``, and dropped by the database itself when one of its hours changes (``settling``). ``hours``: for each
    of ``factors`` 24 values (8 bytes, NaN: none), then for each 24 flags (a letter, 0: none), then 24 counts of minutes.
    """

    point = models.ForeignKey(Point, models.CASCADE, related_name="+")
    day = models.DateField()
    factors = models.TextField(default="")
    """Codes with a blank between them; empty where nothing came that day."""
    hours = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("point", "day"), name="one_settled_day"),)


class Taken(models.Model):
    """A file of the receiver's store that the site has read: so far is everything in."""

    serial = models.PositiveIntegerField(unique=True)
    rows = models.PositiveIntegerField()
    at = models.DateTimeField()


class Outage(models.Model):
    """Hours in which next to nothing came from anybody (平台接收中断): nobody is asked why theirs are missing."""

    begin = models.DateTimeField(unique=True)
    end = models.DateTimeField()
    """The first hour in which data came again, as far as is known."""
    percent = models.PositiveSmallIntegerField()
    """Of the points, those without data, at its worst."""
    found_at = models.DateTimeField()

    class Meta:
        ordering = ("-begin",)


class Mark(models.Model):
    """What an operator marked (标记). Never deleted: a mark that was wrong is withdrawn."""

    point = models.ForeignKey(Point, models.PROTECT, related_name="marks")
    mark = models.CharField(max_length=30)
    """A mark of ``limits.toml``."""
    begin = models.DateTimeField()
    end = models.DateTimeField(null=True)
    """None: it goes on."""
    note = models.TextField(default="", blank=True)
    by = models.ForeignKey("people.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    withdrawn_note = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        ordering = ("-begin", "-pk")
        indexes = (models.Index(fields=("point", "begin"), name="mark_of_point"),)


class Proof(models.Model):
    """An enterprise's daily proof that it complied (企业自证达标), as it was submitted."""

    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="proofs")
    day = models.DateField()
    content = models.JSONField(default=dict)
    """What the data said of each point when it was submitted, and what the enterprise said to it."""
    digest = models.CharField(max_length=64)
    """SHA-256 of the content."""
    statement = models.TextField(default="", blank=True)
    complied = models.BooleanField()
    """What the enterprise declares."""
    by = models.ForeignKey("people.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    files = models.ManyToManyField("files.StoredFile", related_name="+")

    class Meta:
        ordering = ("-day",)
        constraints = (models.UniqueConstraint(fields=("enterprise", "day"), name="one_proof_of_day"),)


class ProofRemark(models.Model):
    """What an enterprise added to a proof later: the proof itself is never changed."""

    proof = models.ForeignKey(Proof, models.PROTECT, related_name="remarks")
    text = models.TextField()
    by = models.ForeignKey("people.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("at", "pk")


class Tier(models.TextChoices):
    REMIND = "remind", _("提醒")
    WARN = "warn", _("预警")
    SUPERVISE = "supervise", _("督办")


class Event(models.Model):
    """One pollutant of one outlet, from the first hour to the last that belongs together (监测事件).

    ``seen``: the conditions, ``[{"tier", "kind", "percent", "hours", "days", "first", "last", "times", "known"}]``,
    times local, ``known`` when the site learnt of it: clocks run from then. The case (type
    ``alert``) carries what people do; times here are what the hours' clock of the tiers needs.
    """

    class State(models.TextChoices):
        OPEN = "open", _("待说明")
        ANSWERED = "answered", _("待核实")
        CLOSED = "closed", _("已办结")
        FIELD = "field", _("现场查处")

    number = models.CharField(max_length=24, unique=True)
    point = models.ForeignKey(Point, models.PROTECT, related_name="events")
    factor = models.CharField(max_length=20)
    begin = models.DateTimeField()
    last = models.DateTimeField()
    """The last hour that added to it."""
    over = models.BooleanField(default=False)
    """So many quiet hours have passed that nothing more comes to it."""
    peak = models.FloatField(null=True)
    seen = models.JSONField(default=list)
    gone = models.BooleanField(default=False)
    """Late data or a mark took away what it rested on. It stays, with what people did."""
    tier = models.CharField(max_length=10, choices=Tier.choices, db_index=True)
    """The highest that it came to, by its data or because nobody did what was due."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    raised_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    """When the next tier is told, unless what is due is done."""
    due_until = models.CharField(max_length=10, default="", blank=True)
    """What is due: answered or closed."""
    answered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    case = models.OneToOneField("casework.Case", models.PROTECT, null=True, related_name="monitoring_event")
    repeated = models.BooleanField(default=False)
    """So many within so many days that the rule sends somebody."""
    sealing = models.ForeignKey("jobs.Job", models.SET_NULL, null=True, related_name="+")
    """The work that locks its evidence, or last did."""

    class Meta:
        ordering = ("-last", "-pk")
        indexes = (
            models.Index(fields=("state", "-last"), name="event_by_state"),
            models.Index(fields=("point", "factor", "-last"), name="event_of_point"),
            models.Index(fields=("due_at",), name="event_due", condition=models.Q(due_at__isnull=False)),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def answer_by(self) -> datetime | None:
        """Until when the enterprise has to explain it: as its case says, or where it has none its tier."""
        due = self.case.due_at if self.case is not None else None
        return due or self.due_at


class EventStep(models.Model):
    """What happened to an event, in order; never changed. ``detail`` is as the kind needs it."""

    class Kind(models.TextChoices):
        RAISED = "raised", _("发现")
        GROWN = "grown", _("升级")
        PUSHED = "pushed", _("推送")
        ANSWERED = "answered", _("企业说明")
        PATROLLED = "patrolled", _("网上巡查")
        VERIFIED = "verified", _("核实")
        SEALED = "sealed", _("锁定证据")
        FIELD = "field", _("转现场")
        CLOSED = "closed", _("办结")
        GONE = "gone", _("不再成立")
        LIMITS = "limits", _("限值改动")

    event = models.ForeignKey(Event, models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField()
    by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    """None: by rule."""
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ("at", "pk")


class Suspicion(models.Model):
    """A sign that data may be wrong or falsified (疑点), never a verdict.

    ``seen``: the sentence in both languages, and ``cases`` where it rests on a list (``judgement.signs.MarkedAfter``).
    """

    class State(models.TextChoices):
        NEW = "new", _("待核")
        EXPLAINED = "explained", _("有合理解释")
        CONFIRMED = "confirmed", _("查实")

    point = models.ForeignKey(Point, models.PROTECT, related_name="suspicions")
    factor = models.CharField(max_length=20, default="", blank=True)
    kind = models.CharField(max_length=20)
    begin = models.DateTimeField()
    end = models.DateTimeField()
    times = models.FloatField()
    strength = models.CharField(max_length=8)
    seen = models.JSONField(default=dict)
    gone = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    found_at = models.DateTimeField()
    looked_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    looked_at = models.DateTimeField(null=True)
    note = models.TextField(default="", blank=True)

    class Meta:
        ordering = ("-begin", "-pk")
        constraints = (
            models.UniqueConstraint(fields=("point", "factor", "kind", "begin"), name="one_suspicion"),
        )


class Patrol(models.Model):
    """One look at one point from afar (网上巡查): power, video, DCS, marks beside data. Its case (type ``patrol``) has who and when."""

    class Reason(models.TextChoices):
        SAMPLED = "sampled", _("抽查")
        SUSPICION = "suspicion", _("疑点")
        EVENT = "event", _("事件")
        NO_PROOF = "no_proof", _("未自证")

    round = models.ForeignKey("monitoring.PatrolRound", models.PROTECT, null=True, related_name="patrols")
    point = models.ForeignKey(Point, models.PROTECT, related_name="patrols")
    reason = models.CharField(max_length=10, choices=Reason.choices)
    event = models.ForeignKey(Event, models.PROTECT, null=True, related_name="patrols")
    suspicion = models.ForeignKey(Suspicion, models.PROTECT, null=True, related_name="patrols")
    case = models.OneToOneField("casework.Case", models.PROTECT, null=True, related_name="monitoring_patrol")
    due = models.DateField(null=True)
    done_at = models.DateTimeField(null=True)
    finding = models.CharField(max_length=10, default="", blank=True)
    """normal, abnormal; empty until done."""

    class Meta:
        ordering = ("done_at", "due", "pk")


class PatrolRound(models.Model):
    """A plan of patrols (巡查计划): how many points, drawn how. ``seed`` and the list make the draw one that anyone can run again."""

    title = models.CharField(max_length=120)
    organisation = models.ForeignKey("people.Organisation", models.PROTECT, related_name="+")
    seed = models.CharField(max_length=64)
    drawn = models.JSONField(default=dict)
    """What the draw was made from and how."""
    made_by = models.ForeignKey("people.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-made_at",)


class Evidence(models.Model):
    """What was locked as evidence of an event (依法锁定证据): a stored folder that verifies anywhere."""

    event = models.ForeignKey(Event, models.PROTECT, related_name="evidence")
    folder = models.CharField(max_length=64)
    """Digest of the stored folder."""
    manifest = models.CharField(max_length=64)
    """SHA-256 of its manifest: what is written down and signed."""
    size = models.PositiveBigIntegerField()
    frames = models.PositiveIntegerField()
    values = models.PositiveIntegerField()
    by = models.ForeignKey("people.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    note = models.TextField(default="", blank=True)
    job = models.OneToOneField("jobs.Job", models.SET_NULL, null=True, related_name="+")
    """The work that made it, which makes no second one where it is done again."""

    class Meta:
        ordering = ("-at",)


class MonthAmount(models.Model):
    """What a point emitted of a pollutant in a month, with the hours by how they came into it."""

    point = models.ForeignKey(Point, models.PROTECT, related_name="amounts")
    factor = models.CharField(max_length=20)
    month = models.CharField(max_length=7)
    """2026-11"""
    milligrams = models.DecimalField(max_digits=24, decimal_places=0)
    measured_hours = models.PositiveIntegerField()
    replaced_hours = models.PositiveIntegerField()
    empty_hours = models.PositiveIntegerField()
    stopped_hours = models.PositiveIntegerField()
    outside_hours = models.PositiveIntegerField()
    final = models.BooleanField(default=False)
    """Settled, and handed on to the facts of the year."""

    class Meta:
        ordering = ("month", "point_id", "factor")
        constraints = (
            models.UniqueConstraint(fields=("point", "factor", "month"), name="one_amount_of_month"),
        )


class MonthCapture(models.Model):
    """How many hours of a month had valid data, of those that the plant ran (有效数据捕集率); three months are a quarter's."""

    point = models.ForeignKey(Point, models.PROTECT, related_name="captures")
    factor = models.CharField(max_length=20)
    month = models.CharField(max_length=7)
    """2026-11"""
    running = models.PositiveIntegerField()
    valid = models.PositiveIntegerField()

    class Meta:
        ordering = ("month", "point_id", "factor")
        constraints = (
            models.UniqueConstraint(fields=("month", "point", "factor"), name="one_capture_of_month"),
        )


class Ask(models.Model):
    """What a person asked a device to do (远程留样, 补传…), and what came of it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("等待设备")
        DONE = "done", _("已执行")
        REFUSED = "refused", _("设备拒绝")
        FAILED = "failed", _("没有执行")

    device = models.ForeignKey(Device, models.PROTECT, related_name="asks")
    command = models.CharField(max_length=4)
    contents = models.JSONField(default=list)
    """``[[name, value], …]``"""
    event = models.ForeignKey(Event, models.PROTECT, null=True, related_name="asks")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    answer = models.JSONField(default=dict)
    by = models.ForeignKey("people.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-at",)
