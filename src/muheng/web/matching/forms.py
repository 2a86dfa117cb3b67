"""Forms of matching: texts to the values that the deeds take; the deeds check what they say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.documents.message import Message, Refusal
from muheng.intake.numbers import parse_number
from muheng.matching.money import in_wan, read_money
from muheng.standards.rounding import format_trimmed
from muheng.standards.units import parse_unit
from muheng.web.matching.actions.needs import NeedTerms
from muheng.web.matching.actions.suppliers import OfferTerms
from muheng.web.matching.models import Credit, Gathering, Kind, Material, Need, Offer, Supplier, Tag
from muheng.web.people.models import Organisation
from muheng.web.reading import language
from muheng.web.refusal import Refused

_PLACES = (Organisation.Kind.COUNTY, Organisation.Kind.PARK, Organisation.Kind.TOWNSHIP)


class MoneyField(forms.CharField):
    """A sum: 500 is 万元; 2.5亿元 and 1234.56元 are read too. Gives fen."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", gettext_lazy("单位万元；也可以写成 2.5亿元、1234.56元"))
        super().__init__(max_length=40, **options)
        self.widget.attrs["inputmode"] = "decimal"

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        try:
            return read_money(text)
        except Refusal as refusal:
            fix = refusal.fix.render(language()) if refusal.fix is not None else ""
            raise ValidationError(f"{refusal.what.render(language())} {fix}") from refusal


class RateField(forms.CharField):
    """A yearly rate in percent, at most two decimals. Gives hundredths of a percent."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", gettext_lazy("年利率，%，例如 3.85"))
        super().__init__(max_length=12, **options)
        self.widget.attrs["inputmode"] = "decimal"

    def clean(self, value: Any) -> int | None:
        text = super().clean(value).strip().removesuffix("%").removesuffix("％")
        if not text:
            return None
        number = parse_number(text, parse_unit("元"))
        if isinstance(number, Message) or number is None:
            raise ValidationError(_("“%(found)s”不是利率，请写成 3.85 的样子。") % {"found": text})
        if (number * 100).denominator != 1:
            raise ValidationError(_("利率最多两位小数。"))
        return int(number * 100)


class WordsField(forms.CharField):
    """Words with commas or blanks between them."""

    def clean(self, value: Any) -> tuple[str, ...]:
        text = super().clean(value)
        for mark in "，、；;,":
            text = text.replace(mark, " ")
        return tuple(dict.fromkeys(text.split()))


class Place(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A place by county and name."""

    def label_from_instance(self, obj: Any) -> str:
        above = obj.parent if obj.kind != Organisation.Kind.COUNTY else None
        return f"{above.title} {obj.title}" if above is not None else str(obj.title)


def _day(label: Any, required: bool = True) -> forms.DateField:
    return forms.DateField(
        label=label, required=required, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


def _text(label: Any, most: int, *, required: bool = True, rows: int = 0, hint: Any = "") -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput()
    return forms.CharField(label=label, max_length=most, required=required, widget=widget, help_text=hint)


def _whole(label: Any, hint: Any = "", required: bool = False) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=required, min_value=0, help_text=hint)


def _amount(kind: str, label: Any, required: bool = False) -> forms.Field:
    if kind == Kind.LABOUR:
        return forms.IntegerField(label=label, required=required, min_value=1, help_text=gettext_lazy("人"))
    return MoneyField(label=label, required=required)


def _tags(kind: str, label: Any) -> forms.MultipleChoiceField:
    names = [(name, name) for name in Tag.objects.filter(kind=kind).values_list("name", flat=True)]
    return forms.MultipleChoiceField(
        label=label, choices=names, required=False, widget=forms.CheckboxSelectMultiple
    )


def shown_amount(value: int | None, kind: str) -> str:
    """An amount as its field has it."""
    if value is None:
        return ""
    return str(value) if kind == Kind.LABOUR else in_wan(value)


def shown_rate(value: int | None) -> str:
    return "" if value is None else format_trimmed(value, 2)


def put_refusal(form: forms.Form, refused: Refused) -> None:
    """A deed's refusal at the field that it is about."""
    at = refused.at if refused.at in form.fields else None
    form.add_error(at, f"{refused.what} {refused.fix}".strip())


class NeedForm(forms.Form):
    """What an enterprise looks for; its fields are those of the kind."""

    title = _text(gettext_lazy("需要什么"), 120, hint=gettext_lazy("一句话说清楚"))
    text = _text(gettext_lazy("说明"), 2000, required=False, rows=4)
    wanted_by = _day(gettext_lazy("最晚什么时候要"), required=False)

    def __init__(self, kind: str, *args: Any, need: Need | None = None, **options: Any) -> None:
        if need is not None:
            options["initial"] = {
                "title": need.title,
                "text": need.text,
                "wanted_by": need.wanted_by,
                "amount": shown_amount(need.amount, kind),
                "months": need.months,
                "rate": shown_rate(need.rate),
                "tags": [tag.name for tag in need.tags.all()],
                "must": [tag.name for tag in need.must.all()],
            }
        super().__init__(*args, **options)
        titles = {
            Kind.FINANCE: gettext_lazy("金额"),
            Kind.TECHNOLOGY: gettext_lazy("预算"),
            Kind.LABOUR: gettext_lazy("人数"),
        }
        self.fields["amount"] = _amount(kind, titles[Kind(kind)])
        if kind != Kind.TECHNOLOGY:
            self.fields["months"] = _whole(gettext_lazy("期限（月）"))
        if kind == Kind.FINANCE:
            self.fields["rate"] = RateField(label=gettext_lazy("能接受的最高年利率"), required=False)
        self.fields["tags"] = _tags(kind, gettext_lazy("标签"))
        self.fields["must"] = _tags(kind, gettext_lazy("必须有的"))

    def terms(self) -> NeedTerms:
        given = self.cleaned_data
        return NeedTerms(
            given["title"],
            given["text"],
            given["amount"],
            given.get("months"),
            given.get("rate"),
            given["wanted_by"],
            tuple(given["tags"]),
            tuple(given["must"]),
        )


class OfferForm(forms.Form):
    """What a supplier gives; its fields are those of the kind."""

    title = _text(gettext_lazy("名称"), 120)
    text = _text(gettext_lazy("说明"), 2000, required=False, rows=4)

    def __init__(self, kind: str, *args: Any, offer: Offer | None = None, **options: Any) -> None:
        if offer is not None:
            options["initial"] = {
                "title": offer.title,
                "text": offer.text,
                "least": shown_amount(offer.least, kind),
                "most": shown_amount(offer.most, kind),
                "capacity": shown_amount(offer.capacity, kind),
                "months": offer.months,
                "rate": shown_rate(offer.rate),
                "lead_days": offer.lead_days,
                "since": offer.since,
                "until": offer.until,
                "regions": [each.pk for each in offer.regions.all()],
                "industries": "、".join(offer.industries),
                "grades": "、".join(offer.grades),
                "statuses": "、".join(offer.statuses),
                "tags": [tag.name for tag in offer.tags.all()],
            }
        super().__init__(*args, **options)
        self.fields["least"] = _amount(kind, gettext_lazy("每家最少"))
        self.fields["most"] = _amount(kind, gettext_lazy("每家最多"))
        if kind != Kind.TECHNOLOGY:
            self.fields["capacity"] = _amount(kind, gettext_lazy("总量"))
            self.fields["months"] = _whole(gettext_lazy("最长期限（月）"))
        if kind == Kind.FINANCE:
            self.fields["rate"] = RateField(label=gettext_lazy("年利率"), required=False)
        self.fields["lead_days"] = _whole(gettext_lazy("几天能办好"))
        self.fields["since"] = _day(gettext_lazy("有效期自"), required=False)
        self.fields["until"] = _day(gettext_lazy("有效期至"), required=False)
        counties = Organisation.objects.filter(kind__in=(Organisation.Kind.COUNTY, Organisation.Kind.PARK))
        self.fields["regions"] = forms.ModelMultipleChoiceField(
            counties.order_by("path"),
            label=gettext_lazy("服务区域"),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text=gettext_lazy("不选就是不限"),
        )
        hint = gettext_lazy("不写就是不限；几个之间用顿号")
        self.fields["industries"] = WordsField(
            label=gettext_lazy("只对行业"),
            required=False,
            max_length=300,
            help_text=gettext_lazy("代码，如 C34、26；不写就是不限"),
        )
        self.fields["grades"] = WordsField(
            label=gettext_lazy("只对评价等级"), required=False, max_length=60, help_text=hint
        )
        self.fields["statuses"] = WordsField(
            label=gettext_lazy("须有称号之一"), required=False, max_length=300, help_text=hint
        )
        self.fields["tags"] = _tags(kind, gettext_lazy("标签"))

    def terms(self) -> OfferTerms:
        given = self.cleaned_data
        return OfferTerms(
            title=given["title"],
            text=given["text"],
            least=given["least"],
            most=given["most"],
            capacity=given.get("capacity"),
            months=given.get("months"),
            rate=given.get("rate"),
            lead_days=given["lead_days"],
            since=given["since"],
            until=given["until"],
            regions=tuple(given["regions"]),
            industries=given["industries"],
            grades=given["grades"],
            statuses=given["statuses"],
            tags=tuple(given["tags"]),
        )


class SupplierForm(forms.Form):
    """A bank, a technology supplier or a labour agency."""

    name = _text(gettext_lazy("名称"), 120)
    about = _text(gettext_lazy("简介"), 1000, required=False, rows=3)
    place = Place(
        Organisation.objects.filter(kind__in=_PLACES).select_related("parent").order_by("path"),
        label=gettext_lazy("所在地"),
        required=False,
        help_text=gettext_lazy("在外地的不选"),
    )
    contact = _text(gettext_lazy("联系人"), 60, required=False)
    phone = _text(gettext_lazy("电话"), 30, required=False)

    def __init__(self, *args: Any, supplier: Supplier | None = None, **options: Any) -> None:
        if supplier is not None:
            options["initial"] = {
                "name": supplier.name,
                "about": supplier.about,
                "place": supplier.place_id,
                "contact": supplier.contact,
                "phone": supplier.phone,
            }
        super().__init__(*args, **options)


class NewSupplierForm(SupplierForm):
    kind = forms.ChoiceField(label=gettext_lazy("种类"), choices=Kind.choices)
    field_order = ("kind", "name")


class StepForm(forms.Form):
    """What came of an introduction."""

    on = _day(gettext_lazy("日期"), required=False)
    note = _text(gettext_lazy("情况或原因"), 500, required=False, rows=2)

    def __init__(self, kind: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = _amount(kind, gettext_lazy("达成数额"))


class CreditForm(forms.Form):
    """Credit that a bank granted."""

    code = _text(gettext_lazy("企业的统一社会信用代码"), 30)
    bank = forms.ModelChoiceField(Supplier.objects.filter(kind=Kind.FINANCE), label=gettext_lazy("银行"))
    granted = MoneyField(label=gettext_lazy("授信金额"))
    since = _day(gettext_lazy("授信日期"))
    until = _day(gettext_lazy("到期日"), required=False)
    document = _text(gettext_lazy("授信文件"), 200, hint=gettext_lazy("合同或批复的名称和编号"))
    revolving = forms.BooleanField(label=gettext_lazy("循环额度，还了可以再借"), required=False)


class LineForm(forms.Form):
    """A loan, or a repayment of one."""

    act = forms.ChoiceField(
        label=gettext_lazy("记什么"),
        choices=[("lend", gettext_lazy("放款")), ("repay", gettext_lazy("还款"))],
    )
    amount = MoneyField(label=gettext_lazy("金额"))
    on = _day(gettext_lazy("日期"))
    of = forms.TypedChoiceField(
        label=gettext_lazy("归还哪一笔放款"), required=False, coerce=int, empty_value=None
    )
    document = _text(gettext_lazy("凭证"), 200, required=False)
    reason = _text(gettext_lazy("原因"), 300, required=False, hint=gettext_lazy("超出授信、过期放款时写明"))

    def __init__(self, credit: Credit, loans: list[tuple[int, str]], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["of"].choices = [("", "—"), *loans]  # type: ignore[attr-defined]


class GatheringForm(forms.Form):
    """A gathering: what, when and where."""

    kind = forms.ChoiceField(label=gettext_lazy("种类"), choices=Gathering.Kind.choices)
    title = _text(gettext_lazy("名称"), 120)
    on = _day(gettext_lazy("日期"))
    place = _text(gettext_lazy("地点"), 120)


class HeldForm(forms.Form):
    """It took place."""

    heads = _whole(gettext_lazy("到场人数"), required=True)
    summary = _text(gettext_lazy("小结"), 1000, required=False, rows=3)


class MaterialForm(forms.Form):
    """What was handed out."""

    kind = forms.ChoiceField(label=gettext_lazy("资料种类"), choices=Material.Kind.choices)
    title = _text(gettext_lazy("资料名称"), 120)
    count = _whole(gettext_lazy("份数"), required=True)


class CodesForm(forms.Form):
    """Enterprises by their codes, one a line or with blanks between."""

    codes = _text(
        gettext_lazy("统一社会信用代码"), 20_000, rows=4, hint=gettext_lazy("一行一个，可以一次粘贴多个")
    )

    def clean_codes(self) -> list[str]:
        text = self.cleaned_data["codes"]
        for mark in "，、；;,":
            text = text.replace(mark, " ")
        return list(dict.fromkeys(text.upper().split()))
