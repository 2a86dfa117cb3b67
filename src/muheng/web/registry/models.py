"""One file for each enterprise (一企一档): who it is and was, what it holds, and what it reported.

What changes has a history: rows with ``since`` and ``until`` (exclusive; null is still so) and a source. The yearly
figures of all enterprises are stored folders of ``Facts`` (see ``panels``); only what people edit one by one has rows.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Enterprise(models.Model):
    """An enterprise. One that was merged stays, pointing to the one that it went into."""

    code = models.CharField(max_length=18, unique=True)
    name = models.CharField(max_length=200)
    scale = models.CharField(max_length=20, default="", blank=True)
    industry = models.CharField(max_length=8, default="", blank=True, db_index=True)
    industry_group = models.CharField(max_length=60, default="", blank=True)
    county = models.ForeignKey("people.Organisation", models.PROTECT, null=True, blank=True, related_name="+")
    township = models.ForeignKey(
        "people.Organisation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    parks = models.ManyToManyField("people.Organisation", related_name="+", blank=True)
    state = models.CharField(max_length=20, default="", blank=True)
    address = models.CharField(max_length=200, default="", blank=True)
    legal_person = models.CharField(max_length=60, default="", blank=True)
    longitude = models.FloatField(null=True, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    registered_on = models.DateField(null=True, blank=True)
    started_on = models.DateField(null=True, blank=True)
    agreed_on = models.DateField(null=True, blank=True)
    grade = models.CharField(max_length=8, default="", blank=True, db_index=True)
    """The grade of the newest signed evaluation, kept here for lists; its history is in ``grades``."""
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("code",)
        # Lists leave out what was merged away, and count what is left.
        indexes = (
            models.Index(fields=("merged_into", "code")),
            models.Index(fields=("merged_into", "county", "code")),
            models.Index(fields=("merged_into", "township", "code")),
            models.Index(fields=("merged_into", "name", "code")),
            models.Index(fields=("merged_into", "grade", "code")),
            models.Index(fields=("merged_into", "industry_group", "code")),
            models.Index(fields=("name",)),
        )

    def __str__(self) -> str:
        return self.name


class SearchEntry(models.Model):
    """What an enterprise is found by: its code, names, former names and the initials of their pinyin, by lines."""

    enterprise = models.OneToOneField(Enterprise, models.CASCADE, primary_key=True, related_name="search")
    text = models.TextField()


class Dated(models.Model):
    """Something that was so from a day until another."""

    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        abstract = True


class NameRecord(Dated):
    """A name that the enterprise bears or bore."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="names")
    name = models.CharField(max_length=200)

    class Meta:
        ordering = ("since", "pk")


class AttributeRecord(Dated):
    """What an attribute of the enterprise (scale, industry, township, park, state …) was."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="attributes")
    attribute = models.CharField(max_length=30)
    value = models.CharField(max_length=200)

    class Meta:
        ordering = ("attribute", "since", "pk")


class StatusRecord(Dated):
    """A recognised status (高新技术企业, 专精特新, 绿色工厂 …) with its level and the document that grants it."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="statuses")
    status = models.CharField(max_length=60, db_index=True)
    level = models.CharField(max_length=30, default="", blank=True)
    issuer = models.CharField(max_length=120, default="", blank=True)

    class Meta:
        ordering = ("status", "since", "pk")


class Parcel(models.Model):
    """A piece of land. ``geometry`` is GeoJSON in CGCS2000 degrees; the box is its extent.

    Several enterprises may stand on one number; each has its ``part`` then.
    """

    class State(models.TextChoices):
        IN_USE = "in_use", _("在用")
        IDLE = "idle", _("闲置")
        INEFFICIENT = "inefficient", _("低效")
        CLEARED = "cleared", _("已腾退")
        RELET = "relet", _("已盘活")

    number = models.CharField(max_length=60)
    part = models.PositiveSmallIntegerField(default=1)
    area = models.DecimalField(max_digits=14, decimal_places=2, help_text="m²")
    use = models.CharField(max_length=60, default="", blank=True)
    place = models.CharField(max_length=200, default="", blank=True)
    township = models.ForeignKey(
        "people.Organisation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.IN_USE)
    geometry = models.JSONField(null=True, blank=True)
    west = models.FloatField(null=True, blank=True)
    south = models.FloatField(null=True, blank=True)
    east = models.FloatField(null=True, blank=True)
    north = models.FloatField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=("west", "east")), models.Index(fields=("township",)))
        constraints = (models.UniqueConstraint(fields=("number", "part"), name="one_parcel"),)

    def __str__(self) -> str:
        return self.number


class Holding(Dated):
    """An enterprise's part of a parcel; several may stand on one."""

    parcel = models.ForeignKey(Parcel, models.CASCADE, related_name="holdings")
    enterprise = models.ForeignKey(Enterprise, models.PROTECT, related_name="holdings")
    area = models.DecimalField(max_digits=14, decimal_places=2, help_text="m²")
    certificate = models.CharField(max_length=80, default="", blank=True)


class ParcelState(Dated):
    """What state a parcel was in."""

    parcel = models.ForeignKey(Parcel, models.CASCADE, related_name="states")
    state = models.CharField(max_length=12, choices=Parcel.State.choices)

    class Meta:
        ordering = ("since", "pk")


class Lease(Dated):
    """A contract for land. A party that is not an enterprise of the city has a name only."""

    lessor = models.ForeignKey(Enterprise, models.PROTECT, null=True, blank=True, related_name="leases_out")
    lessor_name = models.CharField(max_length=200)
    tenant = models.ForeignKey(Enterprise, models.PROTECT, null=True, blank=True, related_name="leases_in")
    tenant_name = models.CharField(max_length=200)
    parcel = models.ForeignKey(Parcel, models.SET_NULL, null=True, blank=True, related_name="leases")
    area = models.DecimalField(max_digits=12, decimal_places=4, help_text="亩")


class ProductionLine(Dated):
    """A production line and what it can make in a year."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="lines")
    number = models.CharField(max_length=20, default="", blank=True)
    name = models.CharField(max_length=120)
    product = models.CharField(max_length=120, default="", blank=True)
    capacity = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    unit = models.CharField(max_length=20, default="", blank=True)
    state = models.CharField(max_length=20, default="", blank=True)


class Outlet(models.Model):
    """A point of discharge, DA001 (air) or DW001 (water), with what its permit allows.

    ``limits``: ``[{"pollutant", "limit", "unit", "yearly"}]``, limit in mg/m³ or mg/L, yearly in t (text decimals).
    """

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="outlets")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=120, default="", blank=True)
    kind = models.CharField(max_length=20)
    line = models.ForeignKey(ProductionLine, models.SET_NULL, null=True, blank=True, related_name="outlets")
    limits = models.JSONField(default=list)
    height = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True, help_text="m")
    longitude = models.FloatField(null=True, blank=True)
    latitude = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ("code",)
        constraints = (models.UniqueConstraint(fields=("enterprise", "code"), name="one_outlet"),)


class Meter(models.Model):
    """A meter of electricity, water or gas by its customer number; several enterprises may share one."""

    kind = models.CharField(max_length=20)
    number = models.CharField(max_length=40)
    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="meters")
    shared = models.BooleanField(default=False)
    share = models.DecimalField(max_digits=7, decimal_places=4, null=True, blank=True, help_text="%")
    """This enterprise's part of a shared meter."""

    class Meta:
        ordering = ("kind", "number")
        constraints = (models.UniqueConstraint(fields=("enterprise", "kind", "number"), name="one_meter"),)


class Contact(models.Model):
    """Whom to call."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="contacts")
    name = models.CharField(max_length=60)
    post = models.CharField(max_length=60, default="", blank=True)
    phone = models.CharField(max_length=30, default="", blank=True)
    mobile = models.CharField(max_length=30, default="", blank=True)
    main = models.BooleanField(default=False)


class Permit(Dated):
    """A permit with the yearly amounts that it allows: ``{"item": {"limit": "12.5", "unit": "t"}}``."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="permits")
    kind = models.CharField(max_length=40)
    number = models.CharField(max_length=60)
    management = models.CharField(max_length=30, default="", blank=True)
    limits = models.JSONField(default=dict)


class Representative(models.Model):
    """An account that acts for an enterprise."""

    user = models.ForeignKey("people.User", models.CASCADE, related_name="represented")
    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="representatives")
    since = models.DateField(auto_now_add=True)
    until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "enterprise"), name="one_representative"),)


class GradeRecord(models.Model):
    """The grade that a signed evaluation gave an enterprise for a year; a correction ends the one before."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="grades")
    year = models.IntegerField()
    grade = models.CharField(max_length=8, default="")
    standing = models.CharField(max_length=20, default="")
    score = models.CharField(max_length=20, default="")
    place = models.IntegerField(null=True)
    run = models.BigIntegerField()
    given_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-year", "-given_at")
        indexes = (models.Index(fields=("run", "enterprise")),)
        constraints = (
            models.UniqueConstraint(
                fields=("enterprise", "year"), condition=models.Q(ended_at=None), name="one_grade_a_year"
            ),
        )


class Layer(models.Model):
    """Facts of one year that were accepted together: a batch of workbooks, or a correction. See ``panels``."""

    year = models.IntegerField(db_index=True)
    title = models.CharField(max_length=200)
    origin = models.CharField(max_length=60)
    """Where it came from: ``intake.batch:12``, ``evaluation.correction:3``."""
    folder = models.CharField(max_length=64)
    added_at = models.DateTimeField(auto_now_add=True)
    added_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("pk",)


class Panel(models.Model):
    """The facts of one year as they now are: the layers laid over each other, as one stored folder."""

    year = models.IntegerField(primary_key=True)
    folder = models.CharField(max_length=64)
    enterprises = models.IntegerField()
    changed_at = models.DateTimeField(auto_now=True)


class MonthlyFigure(models.Model):
    """One item of one enterprise for one month, with its unit and where it came from."""

    class State(models.TextChoices):
        FILED = "filed", _("已填报")
        RETURNED = "returned", _("退回")
        CHECKED = "checked", _("已核对")

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="monthly")
    year = models.IntegerField()
    month = models.IntegerField()
    item = models.CharField(max_length=60)
    value = models.DecimalField(max_digits=20, decimal_places=4)
    unit = models.CharField(max_length=20)
    source = models.CharField(max_length=200, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.FILED)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("year", "month", "item")
        constraints = (
            models.UniqueConstraint(
                fields=("enterprise", "year", "month", "item"), name="one_monthly_figure"
            ),
            models.CheckConstraint(condition=models.Q(month__gte=1, month__lte=12), name="month_of_year"),
        )


class Reorganisation(models.Model):
    """Enterprises made one (``source`` went into ``target``), or a part made an enterprise (``target`` came out).

    ``moved`` says which rows changed hands, so that it can be undone while nothing has touched them since.
    """

    class Kind(models.TextChoices):
        MERGE = "merge", _("合并")
        SPLIT = "split", _("分立")

    kind = models.CharField(max_length=8, choices=Kind.choices)
    source = models.ForeignKey(Enterprise, models.PROTECT, related_name="reorganised_from")
    target = models.ForeignKey(Enterprise, models.PROTECT, related_name="reorganised_to")
    day = models.DateField()
    basis = models.CharField(max_length=200)
    moved = models.JSONField(default=dict)
    done_by = models.ForeignKey("people.User", models.PROTECT, null=True, related_name="+")
    done_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("day", "pk")


class ParkStatus(Dated):
    """What a park is recognised as (绿色园区)."""

    park = models.ForeignKey("people.Organisation", models.PROTECT, related_name="park_statuses")
    status = models.CharField(max_length=60)
    level = models.CharField(max_length=30, default="", blank=True)
    issuer = models.CharField(max_length=120, default="", blank=True)

    class Meta:
        ordering = ("status", "since", "pk")


class Outline(models.Model):
    """Where a county, township or park lies, roughly: the ground of maps. GeoJSON in CGCS2000 degrees."""

    organisation = models.OneToOneField("people.Organisation", models.CASCADE, related_name="outline")
    geometry = models.JSONField()
    note = models.CharField(max_length=200, default="", blank=True)
