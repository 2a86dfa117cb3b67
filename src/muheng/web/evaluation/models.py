"""An evaluation as a procedure: who is in, what each confirms, trial runs, review, publicity, objections, signing.

A run that has ended is never changed: a correction is another run that says why.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from muheng.web.refusal import Refused


class Evaluation(models.Model):
    """The evaluation of one year in one place by one version of a method."""

    class State(models.TextChoices):
        ROSTER = "roster", _("名单")
        CONFIRMATION = "confirmation", _("企业确认")
        TRIAL = "trial", _("试算")
        REVIEW = "review", _("内部审核")
        PUBLICITY = "publicity", _("公示")
        ANSWERS = "answers", _("异议办理")
        FINAL = "final", _("终算签发")
        SIGNED = "signed", _("已签发")

    year = models.IntegerField()
    title = models.CharField(max_length=200)
    organisation = models.ForeignKey("people.Organisation", models.PROTECT, related_name="+")
    policy = models.ForeignKey("policy.PolicyVersion", models.PROTECT, related_name="evaluations")
    state = models.CharField(max_length=14, choices=State.choices, default=State.ROSTER)
    confirm_from = models.DateField(null=True, blank=True)
    confirm_until = models.DateField(null=True, blank=True)
    publicity_from = models.DateField(null=True, blank=True)
    publicity_until = models.DateField(null=True, blank=True)
    provisional = models.BooleanField(default=False)
    """A deadline lies beyond the last published calendar."""
    chosen = models.ForeignKey("Run", models.PROTECT, null=True, blank=True, related_name="+")
    """The run under review, in publicity, or signed."""
    answer_days = models.IntegerField(default=5)
    """Working days in which an objection is to be answered."""
    roster_panel = models.CharField(max_length=64, default="", blank=True)
    """The facts that the roster was taken from; empty until it has been taken."""
    roster_problems = models.JSONField(default=list)
    """Why the method could not be tried on those facts: ``[{"zh", "en"}]``."""
    job = models.ForeignKey("jobs.Job", models.SET_NULL, null=True, blank=True, related_name="+")
    """The work on the roster or the sheets."""
    created_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-year", "-pk")

    def __str__(self) -> str:
        return self.title


class Participant(models.Model):
    """An enterprise on the roster; one that was taken out by hand says why.

    ``grouping``, ``standing`` and ``ground`` are what the method makes of it (类别, 评价状态, 状态理由), by the facts
    that the roster was taken from. The method's own exemptions leave an enterprise in: it is the method that decides.
    """

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="participants")
    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="participations")
    included = models.BooleanField(default=True)
    reason = models.CharField(max_length=200, default="", blank=True)
    grouping = models.CharField(max_length=40, default="", blank=True)
    standing = models.CharField(max_length=20, default="", blank=True)
    ground = models.CharField(max_length=200, default="", blank=True)
    decided_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("evaluation", "enterprise"), name="once_on_a_roster"),)
        indexes = (models.Index(fields=("evaluation", "included", "standing", "ground")),)


class Confirmation(models.Model):
    """One sheet for one enterprise (一企一单): its figures, to be confirmed or disputed by a deadline."""

    class State(models.TextChoices):
        WAITING = "waiting", _("待确认")
        CONFIRMED = "confirmed", _("已确认")
        DISPUTED = "disputed", _("有异议")
        SETTLED = "settled", _("异议已处理")
        SILENT = "silent", _("逾期未回复")

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="confirmations")
    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="confirmations")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING, db_index=True)
    folder = models.CharField(max_length=64)
    """The panel whose figures were shown."""
    answered_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, default="", blank=True)
    """Where an official wrote the answer down: the paper that it stands on."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("evaluation", "enterprise"), name="one_sheet_each"),)
        indexes = (models.Index(fields=("evaluation", "state")),)


class Objection(models.Model):
    """An enterprise says that something is wrong: a figure on its sheet, or its result in publicity.

    For a figure: ``item``, what was ``shown`` and what is ``claimed`` in ``unit``. Upheld, it becomes a layer of facts.
    """

    class Stage(models.TextChoices):
        CONFIRMATION = "confirmation", _("数据确认")
        PUBLICITY = "publicity", _("公示")

    class State(models.TextChoices):
        OPEN = "open", _("待答复")
        UPHELD = "upheld", _("采纳")
        PARTLY = "partly", _("部分采纳")
        REJECTED = "rejected", _("不采纳")
        WITHDRAWN = "withdrawn", _("已撤回")

    class Party(models.TextChoices):
        OWN = "own", _("本企业")
        OTHER = "other", _("其他企业")
        PUBLIC = "public", _("公众")

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="objections")
    enterprise = models.ForeignKey("registry.Enterprise", models.PROTECT, related_name="objections")
    stage = models.CharField(max_length=14, choices=Stage.choices)
    run = models.ForeignKey("Run", models.PROTECT, null=True, blank=True, related_name="objections")
    party = models.CharField(max_length=8, choices=Party.choices, default=Party.OWN)
    who = models.CharField(max_length=100, default="", blank=True)
    """Who objects, where it is not the enterprise itself."""
    item = models.CharField(max_length=60, default="", blank=True)
    shown = models.CharField(max_length=40, default="", blank=True)
    claimed = models.CharField(max_length=40, default="", blank=True)
    settled = models.CharField(max_length=40, default="", blank=True)
    """The figure that the answer sets."""
    unit = models.CharField(max_length=20, default="", blank=True)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN, db_index=True)
    raised_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    raised_at = models.DateTimeField()
    due = models.DateField()
    answer = models.TextField(default="", blank=True)
    answered_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    layer = models.ForeignKey("registry.Layer", models.PROTECT, null=True, blank=True, related_name="+")
    evidence = models.ManyToManyField("files.StoredFile", related_name="+", blank=True)

    class Meta:
        ordering = ("state", "due", "pk")


class Run(models.Model):
    """One computation: the text of the method and the facts that it used, and what came out, sealed.

    ``results``: stored folder with ``bundle.zip`` (sealed), ``listing.parquet`` and ``summary.json`` (see ``runs``).
    """

    class Kind(models.TextChoices):
        TRIAL = "trial", _("试算")
        FINAL = "final", _("终算")
        CORRECTION = "correction", _("更正")

    class State(models.TextChoices):
        WAITING = "waiting", _("计算中")
        DONE = "done", _("完成")
        FAILED = "failed", _("没有完成")

    class Basis(models.TextChoices):
        CURRENT = "current", _("现有数据")
        SHOWN = "shown", _("确认单上的数据")
        CLAIMED = "claimed", _("假定未答复的数据异议全部采纳")

    evaluation = models.ForeignKey(Evaluation, models.PROTECT, related_name="runs")
    number = models.IntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    title = models.CharField(max_length=120)
    reason = models.TextField(default="", blank=True)
    """Why: what a trial tries, what a correction corrects."""
    policy = models.ForeignKey("policy.PolicyVersion", models.PROTECT, related_name="+")
    policy_text = models.TextField()
    basis = models.CharField(max_length=8, choices=Basis.choices, default=Basis.CURRENT)
    facts = models.CharField(max_length=64)
    roster = models.CharField(max_length=64, default="", blank=True)
    """The digest of the credit codes that were in."""
    previous = models.CharField(max_length=64, default="", blank=True)
    results = models.CharField(max_length=64, default="", blank=True)
    seal = models.CharField(max_length=64, default="", blank=True)
    summary = models.JSONField(null=True)
    replaces = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="replaced_by")
    job = models.ForeignKey("jobs.Job", models.SET_NULL, null=True, blank=True, related_name="+")
    error = models.TextField(default="", blank=True)
    problems = models.JSONField(default=list)
    """Why nothing came out: ``[{"zh", "en"}]``, a sentence each, enterprises by name."""
    created_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    """When the sealed bundle was computed anew and agreed."""
    signed_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    signed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("evaluation", "number")
        constraints = (
            models.UniqueConstraint(fields=("evaluation", "number"), name="one_run_number"),
            models.CheckConstraint(
                condition=models.Q(signed_at=None)
                | models.Q(state="done", verified_at__isnull=False, kind__in=("final", "correction")),
                name="signed_is_final_and_verified",
            ),
        )

    def __str__(self) -> str:
        return f"{self.evaluation.title} {self.title}"

    SEALED: ClassVar[tuple[str, ...]] = (
        "evaluation_id", "number", "kind", "state", "title", "reason", "policy_id", "policy_text", "basis",
        "facts", "roster", "previous", "results", "seal", "summary", "replaces_id", "created_by_id",
        "created_at", "ended_at", "verified_at", "signed_by_id", "signed_at",
    )  # fmt: skip
    """What of a signed run is never changed; the database's own guard (see the migration) says the same."""

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises Refused where a signed run would change."""
        if self.pk is not None:
            kept = Run.objects.filter(pk=self.pk).exclude(signed_at=None).first()
            if kept is not None and any(getattr(kept, name) != getattr(self, name) for name in self.SEALED):
                raise refuse_change()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises Refused: what was signed stays."""
        if Run.objects.filter(pk=self.pk).exclude(signed_at=None).exists():
            raise refuse_change()
        return super().delete(*args, **kwargs)

    @property
    def lost(self) -> bool:
        """Whether it waits for work that was stopped, or broke off."""
        return self.state == self.State.WAITING and (self.job is None or self.job.ended)

    @property
    def official(self) -> bool:
        """Whether the text is a final version's own: what was tried out on another text is never published."""
        return self.policy.state == "final" and self.policy_text == self.policy.text


def refuse_change() -> Refused:
    """What everyone hears who would change what is signed."""
    return Refused(
        gettext("已签发的结果不能改动。"), gettext("确有错误的，请发起更正：另算一次，说明原因，另行签发。")
    )


class Review(models.Model):
    """What a reviewer said of the run that was put before them."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="reviews")
    person = models.ForeignKey("people.User", models.PROTECT, related_name="+")
    agreed = models.BooleanField()
    note = models.TextField(default="", blank=True)
    at = models.DateTimeField()


class SavedFilter(models.Model):
    """A person's own way of looking at the results: a name, and the address's question."""

    user = models.ForeignKey("people.User", models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="one_saved_name"),)
