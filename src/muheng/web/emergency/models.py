"""When the air turns bad: the emergency list, plans for it, forecasts, alerts, and the orders that come of them.

The list and a plan's figures are stored folders (``muheng.emergency.inventory.keeping``); rows are there for what people
search, answer and do. What was issued is not changed: a later step is another row.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from muheng.web.refusal import Refused


class Level(models.TextChoices):
    YELLOW = "yellow", _("黄色")
    ORANGE = "orange", _("橙色")
    RED = "red", _("红色")


class EmergencyList(models.Model):
    """A version of the emergency list (应急减排清单) of a place."""

    class State(models.TextChoices):
        READING = "reading", _("读取中")
        WRONG = "wrong", _("有错误，未收")
        DRAFT = "draft", _("修订中")
        IN_FORCE = "in_force", _("执行中")
        REPLACED = "replaced", _("已替换")

    organisation = models.ForeignKey("people.Organisation", models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)
    season = models.CharField(max_length=20, default="", blank=True)
    """2025-2026"""
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    folder = models.CharField(max_length=64, default="", blank=True)
    """Digest of the stored list; empty while it is read, and where nothing was taken."""
    file = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, related_name="+")
    """The workbook as it was handed in."""
    marked = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, related_name="+")
    """The same with its problems marked."""
    job = models.ForeignKey("jobs.Job", models.SET_NULL, null=True, related_name="+")
    before = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    """The list that was in force when it was handed in: what it is compared with."""
    problems = models.JSONField(default=list)
    """What is wrong in the workbook: ``[{"severity", "sheet", "cell", "found", "zh", "en", "fix_zh", "fix_en"}]``, the
    first thousand; ``figures["errors"]`` counts all."""
    firms = models.IntegerField(default=0)
    lines = models.IntegerField(default=0)
    findings = models.JSONField(default=list)
    """What the check found: ``[{"severity", "at", "zh", "en"}]``."""
    figures = models.JSONField(default=dict)
    """Totals (g a day) of the list and the base, ratios of the filed measures, errors and warnings of the workbook."""
    made_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    in_force_from = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-made_at", "-pk")

    def __str__(self) -> str:
        return self.title


class ListedFirm(models.Model):
    """An enterprise on a list; its lines are in the stored list."""

    inventory = models.ForeignKey(EmergencyList, models.CASCADE, related_name="listed")
    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, null=True, related_name="listed")
    """None where the registry does not know the code."""
    code = models.CharField(max_length=18)
    name = models.CharField(max_length=200)
    county = models.ForeignKey("people.Organisation", models.PROTECT, null=True, related_name="+")
    trade = models.CharField(max_length=60, default="", blank=True)
    grade = models.CharField(max_length=10, default="", blank=True)
    guarantee = models.CharField(max_length=40, default="", blank=True)
    guarantee_level = models.CharField(max_length=8, default="", blank=True)
    stopped = models.BooleanField(default=False)
    """长期停产"""
    lines = models.IntegerField(default=0)
    so2 = models.BigIntegerField(default=0)
    """g a day, as the other three."""
    nox = models.BigIntegerField(default=0)
    pm = models.BigIntegerField(default=0)
    voc = models.BigIntegerField(default=0)

    class Meta:
        ordering = ("code",)
        constraints = (models.UniqueConstraint(fields=("inventory", "code"), name="one_listing"),)

    def __str__(self) -> str:
        return self.name


class Plan(models.Model):
    """A proposal for the list: for each line a measure at each level, with settings, figures and proof."""

    class State(models.TextChoices):
        WORKING = "working", _("计算中")
        FAILED = "failed", _("未算成")
        PROPOSED = "proposed", _("建议方案")
        ADOPTED = "adopted", _("已采用")
        REPLACED = "replaced", _("已替换")
        WITHDRAWN = "withdrawn", _("已撤回")

    inventory = models.ForeignKey(EmergencyList, models.PROTECT, related_name="plans")
    title = models.CharField(max_length=200)
    settings = models.TextField()
    """The text of the settings that it was made with."""
    gap = models.CharField(max_length=12, default="1/1000")
    """The asked gap, as a fraction."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.WORKING)
    job = models.ForeignKey("jobs.Job", models.SET_NULL, null=True, related_name="+")
    folder = models.CharField(max_length=64, default="", blank=True)
    """Digest of the stored problem, choices and explanation."""
    figures = models.JSONField(default=dict)
    """By level: loss, bound, gap, reductions, need, shortfall, prices; the uniform cut beside it; who bears it."""
    trouble = models.JSONField(default=list)
    """Why it could not be made: ``[{"zh", "en"}]``."""
    made_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    adopted_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    adopted_at = models.DateTimeField(null=True)
    adopted_note = models.CharField(max_length=500, default="", blank=True)
    withdrawn_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_note = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        ordering = ("-made_at", "-pk")

    def __str__(self) -> str:
        return self.title


class GradeSheet(models.Model):
    """What an enterprise, or an officer, states about the conditions of a grade (绩效分级自评): kept as it was stated."""

    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="grade_sheets")
    table = models.CharField(max_length=60)
    """Id of the grade table of its trade."""
    facts = models.JSONField(default=dict)
    grade = models.CharField(max_length=10, default="", blank=True)
    """What the table gave then."""
    by_official = models.BooleanField(default=False)
    made_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-made_at", "-pk")


class Measure(models.Model):
    """What a line does at a level by an adopted plan: what orders are written from."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="measures")
    firm = models.ForeignKey(ListedFirm, models.PROTECT, related_name="measures")
    line = models.CharField(max_length=80)
    line_name = models.CharField(max_length=200)
    level = models.CharField(max_length=8, choices=Level.choices)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, default="", blank=True)
    part = models.IntegerField(default=0)
    """Thousandths of the production given up."""
    count_by = models.CharField(max_length=20, default="", blank=True)
    evidence = models.CharField(max_length=20, default="", blank=True)
    meter = models.CharField(max_length=60, default="", blank=True)
    outlet = models.CharField(max_length=60, default="", blank=True)
    text = models.TextField(default="", blank=True)
    """In words, Chinese: which unit stops, until what load."""
    text_english = models.TextField(default="", blank=True)
    loss = models.BigIntegerField(default=0)
    """Fen a day."""
    cut = models.JSONField(default=list)
    """g a day."""

    class Meta:
        ordering = ("firm_id", "line", "pk")
        constraints = (models.UniqueConstraint(fields=("plan", "line", "level"), name="one_measure"),)
        indexes = (models.Index(fields=("plan", "level", "firm")),)


class Forecast(models.Model):
    """A forecast of air quality as it was issued: never changed, the next one is another row."""

    organisation = models.ForeignKey("people.Organisation", models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
    source = models.CharField(max_length=200)
    series = models.JSONField(default=dict)
    """As ``muheng.emergency.forecast`` writes it."""
    judgement = models.JSONField(default=dict)
    """What the rules in force then made of it, in words."""
    note = models.CharField(max_length=500, default="", blank=True)
    entered_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    entered_at = models.DateTimeField()

    class Meta:
        ordering = ("-issued_at", "-pk")


class Alert(models.Model):
    """An episode from proposal to its end; how its level moved is in ``steps``."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待签发")
        ISSUED = "issued", _("响应中")
        LIFTED = "lifted", _("已解除")
        WITHDRAWN = "withdrawn", _("未启动")

    class Cause(models.TextChoices):
        PM25 = "pm25", _("细颗粒物")
        OZONE = "ozone", _("臭氧")
        DUST = "dust", _("沙尘")
        WILDFIRE = "wildfire", _("山火")
        TRANSBOUNDARY = "transboundary", _("境外传输")
        OTHER = "other", _("其他污染物")

    organisation = models.ForeignKey("people.Organisation", models.PROTECT, related_name="+")
    number = models.CharField(max_length=60, default="", blank=True)
    """文号"""
    title = models.CharField(max_length=200)
    level = models.CharField(max_length=8, choices=Level.choices)
    """The level now, or the last one."""
    cause = models.CharField(max_length=14, choices=Cause.choices, default=Cause.PM25)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    rules = models.CharField(max_length=40)
    """Id of the rule set."""
    forecast = models.ForeignKey(Forecast, models.PROTECT, null=True, related_name="alerts")
    plan = models.ForeignKey(Plan, models.PROTECT, null=True, related_name="alerts")
    """The adopted plan that its orders are written from; None where the cause calls for no cuts."""
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    """Planned; ``lifted_at`` is when it really ended."""
    reason = models.TextField()
    proposed_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    issued_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    issued_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    job = models.ForeignKey("jobs.Job", models.SET_NULL, null=True, related_name="+")
    """The work on its orders or its report."""

    class Meta:
        ordering = ("-starts_at", "-pk")

    def __str__(self) -> str:
        return self.title


class AlertStep(models.Model):
    """Something that happened to an alert: issued, raised, lowered, extended, lifted. Never changed."""

    class Kind(models.TextChoices):
        PROPOSED = "proposed", _("提出预警")
        ISSUED = "issued", _("签发启动")
        RAISED = "raised", _("预警升级")
        LOWERED = "lowered", _("预警降级")
        EXTENDED = "extended", _("延长响应")
        LIFTED = "lifted", _("解除响应")
        WITHDRAWN = "withdrawn", _("不启动")

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    level = models.CharField(max_length=8, choices=Level.choices)
    at = models.DateTimeField()
    """From when it counts."""
    ends_at = models.DateTimeField(null=True)
    number = models.CharField(max_length=60, default="", blank=True)
    """文号 of the paper that gave it."""
    reason = models.TextField(default="", blank=True)
    departs = models.BooleanField(default=False)
    """It is not what the rules make of the forecast; ``reason`` says why it was done."""
    done_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    done_at = models.DateTimeField()

    class Meta:
        ordering = ("done_at", "pk")

    def save(self, *args: object, **kwargs: object) -> None:
        """Once written it stays."""
        if self.pk is not None:
            raise Refused(gettext("已发生的预警步骤不能修改。"), code="conflict", status=409)
        super().save(*args, **kwargs)


class Order(models.Model):
    """What an enterprise is told to do at a level of an alert (一厂一策 order)."""

    alert = models.ForeignKey(Alert, models.PROTECT, related_name="orders")
    step = models.ForeignKey(AlertStep, models.PROTECT, related_name="orders")
    """The step that gave it; a change of level gives new orders."""
    firm = models.ForeignKey(ListedFirm, models.PROTECT, related_name="orders")
    enterprise = models.ForeignKey(
        "registry.Enterprise", models.PROTECT, null=True, related_name="emergency_orders"
    )
    level = models.CharField(max_length=8, choices=Level.choices)
    content = models.JSONField(default=dict)
    """What it says, fixed when it was sent (``muheng.reports.order.PlantOrder``); the papers are written from it."""
    file = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, related_name="+")
    """The docx; None until somebody asked for it."""
    board = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, related_name="+")
    """The notice for the factory gate (一厂一策公示牌); likewise."""
    lines = models.IntegerField(default=0)
    """How many lines have something to do."""
    due_at = models.DateTimeField()
    """When its measures have to be in place."""
    sent_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    reminded_at = models.DateTimeField(null=True)
    """When it was reminded that nobody has acknowledged."""
    passed_at = models.DateTimeField(null=True)
    """When its county was told of that."""
    done_lines = models.IntegerField(default=0)
    """How many of its lines are shown to do what they should."""
    broken_lines = models.IntegerField(default=0)
    """How many are shown not to."""

    class Meta:
        ordering = ("-sent_at", "firm_id")
        constraints = (models.UniqueConstraint(fields=("step", "firm"), name="one_order_a_step"),)
        indexes = (
            models.Index(fields=("enterprise", "replaced_at")),
            models.Index(fields=("alert", "replaced_at")),
        )


class CheckIn(models.Model):
    """What shows that a line does as ordered: a meter, a monitor, a photograph, an officer's look. Never changed."""

    class Kind(models.TextChoices):
        POWER = "power", _("用电")
        MONITOR = "monitor", _("在线监测")
        LEDGER = "ledger", _("台账")
        PHOTO = "photo", _("照片")
        SITE = "site", _("现场检查")

    class Verdict(models.TextChoices):
        DONE = "done", _("措施到位")
        BROKEN = "broken", _("措施不到位")
        OPEN = "open", _("待核")

    order = models.ForeignKey(Order, models.PROTECT, related_name="check_ins")
    measure = models.ForeignKey(Measure, models.PROTECT, related_name="check_ins")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    at = models.DateTimeField()
    """When it was so."""
    usual = models.DecimalField(max_digits=16, decimal_places=3, null=True)
    """What the meter or monitor shows on a usual day."""
    found = models.DecimalField(max_digits=16, decimal_places=3, null=True)
    unit = models.CharField(max_length=20, default="", blank=True)
    note = models.CharField(max_length=500, default="", blank=True)
    reference = models.CharField(max_length=80, default="", blank=True)
    """The sender's own number of it: sent twice, it is one."""
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    files = models.ManyToManyField("files.StoredFile", related_name="+", blank=True)
    by_official = models.BooleanField(default=False)
    made_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("order", "measure", "reference"),
                condition=~models.Q(reference=""),
                name="one_check_in_a_reference",
            ),
        )

    def save(self, *args: object, **kwargs: object) -> None:
        """Once written it stays."""
        if self.pk is not None:
            raise Refused(gettext("核查记录不能修改，可以再记一条。"), code="conflict", status=409)
        super().save(*args, **kwargs)


class EpisodeReport(models.Model):
    """What an episode came to, as it was issued: figures and papers; a correction is another one."""

    alert = models.ForeignKey(Alert, models.PROTECT, related_name="reports")
    figures = models.JSONField(default=dict)
    docx = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, related_name="+")
    xlsx = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, related_name="+")
    made_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ("-made_at", "-pk")
