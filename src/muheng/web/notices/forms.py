"""What people type about channels. What it means is checked by the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from muheng.web.notices.models import Channel, Preference
from muheng.web.notices.queries import ROOMS, places_for
from muheng.web.people.models import Organisation, User


class ChannelForm(forms.Form):
    """A channel's settings; of one that is there already, address and secret stay where they are left empty."""

    name = forms.CharField(label=_("名称"), max_length=80)
    address = forms.CharField(label=_("地址"), max_length=1000, required=False)
    secret = forms.CharField(
        label=_("签名密钥"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    rooms = forms.MultipleChoiceField(
        label=_("哪些通知"), choices=tuple(ROOMS.items()), required=False, widget=forms.CheckboxSelectMultiple
    )
    urgent_only = forms.BooleanField(label=_("只要紧急的"), required=False)
    language = forms.ChoiceField(label=_("语言"), choices=Preference.Tongue.choices)

    def values(self) -> dict[str, Any]:
        """As the actions take them."""
        return {name: self.cleaned_data[name] for name in ChannelForm.base_fields}


class NewChannelForm(ChannelForm):
    """A new channel: also its kind, and whose it is."""

    kind = forms.ChoiceField(label=_("种类"), choices=Channel.Kind.choices)
    organisation = forms.ModelChoiceField(label=_("机构"), queryset=Organisation.objects.none())
    field_order = ("kind", "organisation", "name", "address", "secret", "rooms", "urgent_only", "language")

    def __init__(self, person: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = places_for(person)  # type: ignore[attr-defined]
        self.fields["address"].required = True
