"""Forms that follow from a case's type: what an act or an opening asks for, and what somebody typed into it.

Nothing typed is lost: what came is kept as :class:`Typed` and shown again beside a refusal; files that were taken are
kept in the store and named in the form by sealed names, so that only who brought them can use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext as _

from muheng.casework.document import Act, Asked, CaseType, FieldOf, Unit
from muheng.casework.standing import Standing, extendable
from muheng.documents.message import Message
from muheng.web.casework.actions import Attachment, NewChild
from muheng.web.casework.hands import Group, read_hand
from muheng.web.casework.kinds import find_type
from muheng.web.casework.wording import say_amount, say_size
from muheng.web.entrance import read_number
from muheng.web.files.actions import store
from muheng.web.files.attachments import MOST, check_attachments
from muheng.web.files.models import StoredFile
from muheng.web.people.models import User
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.request import Request

_SALT = "casework.kept"
_KEPT_FOR = 24 * 60 * 60
_LONGEST = 20_000
_FLAG = {"yes": True, "no": False}


# -- what was typed ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """A file that was taken with a form which was not accepted yet; ``token`` names it in the form."""

    stored: StoredFile
    label: str
    token: str

    @property
    def size(self) -> str:
        return say_size(self.stored.size)


@dataclass(frozen=True)
class Typed:
    """What somebody filled in, as it was typed."""

    note: str = ""
    reason: str = ""
    title: str = ""
    kind: str = ""
    to: str = ""
    rating: str = ""
    clock: str = ""
    days: str = ""
    internal: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[Kept, ...] = ()

    @property
    def attachments(self) -> list[Attachment]:
        return [Attachment(each.stored, each.label) for each in self.kept]


def read_typed(data: QueryDict, prefix: str = "") -> Typed:
    """The form as it came, without its files."""

    def text(name: str, most: int = 200) -> str:
        return data.get(prefix + name, "")[:most]

    start = f"{prefix}field-"
    fields = {
        name.removeprefix(start): data.get(name, "")[:_LONGEST] for name in data if name.startswith(start)
    }
    return Typed(
        note=text("note", _LONGEST),
        reason=text("reason"),
        title=text("title", 400),
        kind=text("kind"),
        to=text("to"),
        rating=text("rating"),
        clock=text("clock"),
        days=text("days"),
        internal=bool(text("internal")),
        fields=fields,
    )


def take_files(request: Request, typed: Typed, labels: tuple[str, ...]) -> tuple[Typed, Refused | None]:
    """What was typed with its files: those kept from before that were not taken out, and those that came now.

    Each input of the form is named by the number of its label; ``file`` goes with the label that was chosen for it. Files
    that cannot be taken are told in the refusal, the others are kept.
    """
    kept = [found for token in request.POST.getlist("kept")[:MOST] if (found := _unseal(token, request.user))]
    wrong: list[Refused] = []
    for name in request.FILES:
        label = _label_of(name, request.POST.get("file-label", ""), labels)
        for upload in request.FILES.getlist(name):
            if not isinstance(upload, UploadedFile):
                continue
            try:
                ((clean, _same),) = check_attachments([upload], len(kept))
            except Refused as refused:
                wrong.append(refused)
                continue
            kept.append(seal(store(upload.chunks(), clean, request.user), label, request.user))
    taken = replace(typed, kept=tuple(kept))
    if not wrong:
        return taken, None
    what = " ".join(dict.fromkeys(each.what for each in wrong))
    return taken, Refused(what, wrong[0].fix, status=wrong[0].status, code=wrong[0].code, at="files")


def _label_of(name: str, chosen: str, labels: tuple[str, ...]) -> str:
    number = read_number(name.removeprefix("file-"))
    if number is not None and number < len(labels):
        return labels[number]
    return chosen if chosen in labels else ""


def seal(stored: StoredFile, label: str, user: User) -> Kept:
    """A stored file under a name that only this person can use."""
    return Kept(stored, label, signing.dumps([stored.pk, label, user.pk], salt=_SALT, compress=True))


def _unseal(token: str, user: User) -> Kept | None:
    try:
        number, label, owner = signing.loads(token, salt=_SALT, max_age=_KEPT_FOR)
    except (signing.BadSignature, ValueError):
        return None
    stored = StoredFile.objects.filter(pk=number).first() if owner == user.pk else None
    return Kept(stored, label, token) if stored is not None else None


# -- what is asked ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Input:
    """One thing that a form asks for."""

    id: str
    title: str
    type: str
    value: str = ""
    required: bool = False
    note: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    personal: bool = False


@dataclass(frozen=True)
class FileInput:
    """A kind of attachment; ``held``: one is there already."""

    number: int
    label: str
    required: bool
    held: bool = False


@dataclass(frozen=True)
class ClockChoice:
    """A clock that may be extended, and by how many days, or hours, at most."""

    id: str
    title: str
    said: str
    unit: Unit


@dataclass(frozen=True)
class ChildSheet:
    """The case that an act opens: its type, and what its opening asks for. ``others``: types that may be chosen instead."""

    type: str
    title: str
    inputs: tuple[Input, ...]
    kinds: tuple[tuple[str, str], ...]
    typed: Typed
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A form: everything that its template draws, with what was typed."""

    act: str
    title: str
    note: Asked = "none"
    reasons: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    files: tuple[FileInput, ...] = ()
    labels: tuple[str, ...] = ()
    takes_files: bool = True
    assigns: Asked = "none"
    groups: tuple[Group, ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    rating: bool = False
    clocks: tuple[ClockChoice, ...] = ()
    child: ChildSheet | None = None
    internal: bool = False
    """Whether it may be kept from the enterprise."""
    kept_inside: bool = False
    """It is kept from the enterprise, as the case's type says."""
    missing: tuple[Message, ...] = ()
    typed: Typed = Typed()

    @property
    def counting(self) -> set[Unit]:
        """How the clocks count that may be extended: the one that was chosen, or all of them."""
        chosen = [clock for clock in self.clocks if clock.id == self.typed.clock] or self.clocks
        return {clock.unit for clock in chosen}

    @property
    def amount_title(self) -> str:
        """What is asked for with an extension."""
        units = {clock.unit == "hour" for clock in self.clocks}
        return (
            _("延长几天")
            if units == {False}
            else _("延长几小时")
            if units == {True}
            else _("延长多少（天或小时）")
        )

    @property
    def must_assign(self) -> bool:
        return self.assigns == "required"


def ask_act(
    case_type: CaseType,
    standing: Standing,
    act: Act,
    *,
    groups: tuple[Group, ...] = (),
    personal: Mapping[str, str] | None = None,
    child: str = "",
    child_typed: Typed | None = None,
    typed: Typed | None = None,
    missing: tuple[Message, ...] = (),
) -> Sheet:
    """The form of an act of the type. ``personal``: values that the person may see."""
    shown = typed or Typed(kind=standing.kind or "")
    opened = child_sheet(act, child, child_typed) if act.opens else None
    labels = find_type(opened.type).labels if opened is not None else case_type.labels
    held = {file.label for file in standing.files if file.number >= standing.round_from}
    wanted = act.attachments if opened is None else find_type(opened.type).opening.attachments
    return Sheet(
        act=act.id,
        title=act.title(language()),
        note=act.note,
        reasons=act.reasons,
        inputs=tuple(
            _input(declared, _known(declared, standing, personal or {}), shown.fields, name in act.fields)
            for name in (*act.fields, *act.optional)
            if (declared := case_type.field(name)) is not None and declared.is_for(standing.kind)
        ),
        files=tuple(
            FileInput(labels.index(label), label, label not in held, label in held)
            for label in wanted
            if label in labels
        ),
        labels=labels,
        assigns=act.assigns,
        groups=groups,
        kinds=name_kinds(case_type) if act.kind else (),
        rating=act.asks_rating,
        clocks=_clock_choices(case_type, standing, act) if act.extends else (),
        child=opened,
        kept_inside=act.internal,
        missing=missing,
        typed=shown,
    )


def child_sheet(act: Act, asked: str, typed: Typed | None) -> ChildSheet:
    """The part of a form that opens another case."""
    chosen = find_type(asked if asked in act.opens else act.opens[0])
    shown = typed or Typed()
    others = tuple((each, find_type(each).title(language())) for each in act.opens if each != chosen.id)
    return ChildSheet(
        chosen.id, chosen.title(language()), ask_opening(chosen, shown), name_kinds(chosen), shown, others
    )


def ask_opening(
    case_type: CaseType, typed: Typed, known: Mapping[str, str] | None = None
) -> tuple[Input, ...]:
    """What the opening of a case asks for, of every kind; the page shows those of the kind that is chosen."""
    return tuple(
        _input(declared, (known or {}).get(declared.id, ""), typed.fields, declared.opening == "required")
        for declared in case_type.fields
        if declared.opening != "none"
    )


def name_kinds(case_type: CaseType) -> tuple[tuple[str, str], ...]:
    return tuple((kind.id, kind.title(language())) for kind in case_type.kinds)


def _input(declared: FieldOf, known: str, typed: Mapping[str, str], required: bool) -> Input:
    return Input(
        id=declared.id,
        title=declared.title(language()),
        type=declared.type,
        value=typed.get(declared.id, known),
        required=required,
        note=declared.note or "",
        unit=_("万元") if declared.type == "money" else declared.unit or "",
        choices=declared.choices,
        kinds=declared.kinds,
        personal=declared.personal,
    )


def _known(declared: FieldOf, standing: Standing, personal: Mapping[str, str]) -> str:
    """What is known of a field already, as the form writes it."""
    if declared.personal:
        return personal.get(declared.id, "")
    value = standing.fields.get(declared.id)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _clock_choices(case_type: CaseType, standing: Standing, act: Act) -> tuple[ClockChoice, ...]:
    found = []
    for clock in extendable(act, standing, case_type):
        declared = case_type.clock(clock.id)
        if declared is not None and declared.extension is not None:
            most = say_amount(declared.extension.most, declared.unit)
            found.append(ClockChoice(clock.id, declared.title(language()), most, declared.unit))
    return tuple(found)


# -- what an action is given ------------------------------------------------------------------------------


def read_fields(
    case_type: CaseType, typed: Typed, names: tuple[str, ...], known: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Values for an action: what was filled in and is not known already."""
    values: dict[str, Any] = {}
    for name in names:
        declared = case_type.field(name)
        text = typed.fields.get(name, "").replace("\r\n", "\n")
        if declared is None or not text.strip() or text == (known or {}).get(name):
            continue
        values[name] = _FLAG.get(text) if declared.type == "flag" else text
    return values


def read_act(
    case_type: CaseType,
    standing: Standing,
    act: Act,
    sheet: Sheet,
    personal: Mapping[str, str],
) -> dict[str, Any]:
    """What ``actions.act`` is given for an act of the type. Raises Refused."""
    typed = sheet.typed
    known = {
        each.id: _known(each, standing, personal)
        for each in case_type.fields
        if each.id in standing.fields or each.personal
    }
    given: dict[str, Any] = {
        "fields": read_fields(case_type, typed, tuple(each.id for each in sheet.inputs), known),
        "rating": read_number(typed.rating) if act.asks_rating else None,
    }
    if act.note != "none":
        given["note"] = typed.note
    if act.reasons:
        given["reason"] = typed.reason
    if act.kind:
        given["kind"] = typed.kind
    if act.assigns != "none":
        given["organisation"], given["handler"] = read_hand(typed.to, list(sheet.groups))
    if act.extends:
        given["clock"] = typed.clock
        given["hours" if sheet.counting == {"hour"} else "days"] = read_number(typed.days)
    if sheet.child is not None:
        given["children"] = [read_child(sheet.child, typed, list(sheet.groups))]
    else:
        given["files"] = typed.attachments
    return given


def read_child(sheet: ChildSheet, whole: Typed, groups: list[Group]) -> NewChild:
    """The case that an act opens; the files of the form are its own."""
    case_type, typed = find_type(sheet.type), sheet.typed
    names = tuple(each.id for each in case_type.fields_at_opening(typed.kind or None))
    office, person = read_hand(typed.to, groups)
    fields = read_fields(case_type, typed, names)
    return NewChild(
        type=sheet.type,
        title=str(fields.get("title", "")),
        kind=typed.kind,
        fields=fields,
        files=whole.attachments,
        note=typed.note.strip(),
        organisation=office,
        handler=person,
    )
