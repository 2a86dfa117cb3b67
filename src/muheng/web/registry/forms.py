"""Forms by which people change a file; the deeds check what they say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from muheng.web.people.models import Organisation
from muheng.web.people.scope import Scope
from muheng.web.registry.actions import ATTRIBUTES
from muheng.web.registry.models import Enterprise, Parcel


def _day(label: Any, required: bool = True) -> forms.DateField:
    return forms.DateField(
        label=label, required=required, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


def _source() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("依据"), max_length=200, help_text=gettext_lazy("文件名称和文号")
    )


def townships_in(scope: Scope) -> Any:
    """The townships to which a person may bring an enterprise."""
    rows = Organisation.objects.filter(kind=Organisation.Kind.TOWNSHIP).select_related("parent")
    if not scope.everything:
        rows = rows.filter(parent__in=scope.counties) | rows.filter(pk__in=scope.townships)
    return rows.order_by("path")


class Township(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A township by county and name."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.parent.title} {obj.title}" if obj.parent is not None else obj.title


class RegisterForm(forms.Form):
    """A new enterprise."""

    code = forms.CharField(label=gettext_lazy("统一社会信用代码"), max_length=30)
    name = forms.CharField(label=gettext_lazy("企业名称"), max_length=200)
    township = Township(None, label=gettext_lazy("镇街"))
    scale = forms.CharField(label=gettext_lazy("规模"), max_length=20, required=False)
    industry = forms.CharField(label=gettext_lazy("行业代码"), max_length=8, required=False)
    registered_on = _day(gettext_lazy("成立日期"), required=False)
    source = _source()

    def __init__(self, scope: Scope, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["township"].queryset = townships_in(scope)  # type: ignore[attr-defined]


class RenameForm(forms.Form):
    """A new name."""

    name = forms.CharField(label=gettext_lazy("新名称"), max_length=200)
    since = _day(gettext_lazy("生效日期"))
    source = _source()


class AttributeForm(forms.Form):
    """Something of it is otherwise from a day on."""

    attribute = forms.ChoiceField(
        label=gettext_lazy("项目"),
        choices=[(key, title) for key, title in ATTRIBUTES.items() if key not in ("township", "parks")],
    )
    value = forms.CharField(label=gettext_lazy("改为"), max_length=200, required=False)
    since = _day(gettext_lazy("生效日期"))
    source = _source()


class PlaceForm(forms.Form):
    """It moves to another township or in and out of parks."""

    township = Township(None, label=gettext_lazy("镇街"))
    parks = forms.ModelMultipleChoiceField(
        Organisation.objects.filter(kind=Organisation.Kind.PARK).order_by("order", "pk"),
        label=gettext_lazy("园区"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    since = _day(gettext_lazy("生效日期"))
    source = _source()

    def __init__(self, scope: Scope, enterprise: Enterprise, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault(
            "initial", {"township": enterprise.township_id, "parks": list(enterprise.parks.all())}
        )
        super().__init__(*args, **kwargs)
        self.fields["township"].queryset = townships_in(scope)  # type: ignore[attr-defined]


class StatusForm(forms.Form):
    """A status is granted."""

    status = forms.CharField(label=gettext_lazy("称号"), max_length=60)
    level = forms.CharField(label=gettext_lazy("级别"), max_length=30, required=False)
    since = _day(gettext_lazy("认定日期"))
    until = _day(gettext_lazy("到期日期（不含）"), required=False)
    source = _source()


class ContactForm(forms.Form):
    """Whom to call."""

    name = forms.CharField(label=gettext_lazy("姓名"), max_length=60)
    post = forms.CharField(label=gettext_lazy("职务"), max_length=60, required=False)
    phone = forms.CharField(label=gettext_lazy("电话"), max_length=30, required=False)
    mobile = forms.CharField(label=gettext_lazy("手机"), max_length=30, required=False)
    main = forms.BooleanField(label=gettext_lazy("首要联系人"), required=False)


class ParcelStateForm(forms.Form):
    """A parcel of the enterprise is in another state."""

    parcel: Any = forms.ModelChoiceField(None, label=gettext_lazy("宗地"))
    state = forms.ChoiceField(label=gettext_lazy("状态"))
    since = _day(gettext_lazy("生效日期"))
    source = _source()

    def __init__(self, enterprise: Enterprise, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = Parcel.objects.filter(holdings__enterprise=enterprise).distinct()
        self.fields["parcel"].queryset = held  # type: ignore[attr-defined]
        self.fields["state"].choices = Parcel.State.choices  # type: ignore[attr-defined]


class MergeForm(forms.Form):
    """Into whom, when and by what document."""

    target = forms.CharField(
        label=gettext_lazy("并入哪家企业"), max_length=30, help_text=gettext_lazy("统一社会信用代码")
    )
    day = _day(gettext_lazy("生效日期"))
    basis = forms.CharField(label=gettext_lazy("依据"), max_length=200)


class SplitForm(forms.Form):
    """The new enterprise, when and by what document."""

    code = forms.CharField(label=gettext_lazy("新企业的统一社会信用代码"), max_length=30)
    name = forms.CharField(label=gettext_lazy("新企业的名称"), max_length=200)
    day = _day(gettext_lazy("生效日期"))
    basis = forms.CharField(label=gettext_lazy("依据"), max_length=200)


def add_refusal(form: forms.Form, what: str, fix: str, at: str) -> None:
    """Puts a refusal to the field that it is about."""
    form.add_error(at if at in form.fields else None, f"{what} {fix}".strip())
