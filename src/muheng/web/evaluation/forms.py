"""The forms of the procedure. What they let through is still judged by the action."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from muheng.web.evaluation.models import Objection, Run
from muheng.web.people.models import Organisation
from muheng.web.policy.models import PolicyVersion


class FilesInput(forms.ClearableFileInput):
    """Several files at once."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Gives the list of files that were handed in."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        given = data if isinstance(data, (list, tuple)) else [data] if data else []
        return [super(FilesField, self).clean(file, initial) for file in given]


class OpenForm(forms.Form):
    """A new evaluation: the year, its name, for whom, by which method."""

    year = forms.TypedChoiceField(label=_("年度"), coerce=int)
    title = forms.CharField(label=_("名称"), max_length=200)
    organisation = forms.ModelChoiceField(Organisation.objects.none(), label=_("组织单位"))
    policy = forms.ModelChoiceField(PolicyVersion.objects.none(), label=_("评价办法（定稿）"))
    answer_days = forms.IntegerField(label=_("异议答复期限（工作日）"), min_value=1, max_value=60, initial=5)

    def __init__(self, *args: Any, years: Any, organisations: Any, policies: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["year"].choices = [(year, year) for year in years]  # type: ignore[attr-defined]
        self.fields["organisation"].queryset = organisations  # type: ignore[attr-defined]
        self.fields["policy"].queryset = policies  # type: ignore[attr-defined]


class TrialForm(forms.Form):
    """A trial: what it tries, by which version, on which facts."""

    title = forms.CharField(label=_("名称"), max_length=100, required=False)
    policy = forms.ModelChoiceField(PolicyVersion.objects.none(), label=_("评价办法"))
    basis = forms.ChoiceField(label=_("数据"), choices=Run.Basis.choices)
    reason = forms.CharField(label=_("试什么"), max_length=500, required=False)

    def __init__(self, *args: Any, policies: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["policy"].queryset = policies  # type: ignore[attr-defined]


class DisputeForm(forms.Form):
    """One figure that is wrong, what it should be, and why."""

    item = forms.ChoiceField(label=_("哪一项"))
    claimed = forms.CharField(label=_("应为"), max_length=40)
    text = forms.CharField(label=_("理由"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)
    evidence = FilesField(label=_("佐证文件"), required=False, widget=FilesInput())
    note = forms.CharField(label=_("依据的书面材料"), max_length=200, required=False)

    def __init__(self, *args: Any, items: Any, official: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = items  # type: ignore[attr-defined]
        if not official:
            del self.fields["note"]


class ObjectForm(forms.Form):
    """An objection to the published result."""

    code = forms.CharField(label=_("企业的统一社会信用代码"), max_length=18)
    party = forms.ChoiceField(label=_("谁提的"), choices=Objection.Party.choices)
    who = forms.CharField(label=_("异议人（不是本企业时）"), max_length=100, required=False)
    item = forms.CharField(label=_("数据项（对数据有异议时）"), max_length=60, required=False)
    claimed = forms.CharField(label=_("应为"), max_length=40, required=False)
    text = forms.CharField(label=_("理由"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)
    evidence = FilesField(label=_("佐证文件"), required=False, widget=FilesInput())
    note = forms.CharField(label=_("依据的书面材料"), max_length=200, required=False)

    def __init__(self, *args: Any, official: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not official:
            for name in ("code", "party", "who", "note"):
                del self.fields[name]


class AnswerForm(forms.Form):
    """The answer to an objection."""

    outcome = forms.ChoiceField(
        label=_("答复"),
        choices=[
            (state.value, state.label)
            for state in (Objection.State.UPHELD, Objection.State.PARTLY, Objection.State.REJECTED)
        ],
        widget=forms.RadioSelect,
    )
    settled = forms.CharField(label=_("改为（部分采纳时）"), max_length=40, required=False)
    text = forms.CharField(label=_("答复的理由"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)

    def __init__(self, *args: Any, figure: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not figure:
            del self.fields["settled"]
