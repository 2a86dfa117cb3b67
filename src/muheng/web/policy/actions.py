"""What is done with methods: taken from a city pack, copied, drafted, made final, taken out of use.

``actor`` is the person; None is the site itself.
"""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.cities.pack import Pack
from muheng.documents.message import Refusal
from muheng.documents.toml_file import read_toml
from muheng.policy.copying import copy_text
from muheng.reports.words import render
from muheng.web.audit.actions import record
from muheng.web.people.rights import require
from muheng.web.policy.documents import check_text, clean_text, digest_of, tell_differences
from muheng.web.policy.models import PolicyDocument, PolicyVersion, Saving
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_RESERVED = frozenset({"compare", "check"})  # addresses of their own


class ChangedMeanwhile(Refused):
    """Somebody else saved the draft since it was opened; says who, when and what."""

    def __init__(self, version: PolicyVersion, seen: str) -> None:
        self.version = version
        last = version.savings.select_related("author").first()
        self.author = last.author if last is not None else version.author
        self.at_time = last.at if last is not None else version.changed_at
        base = version.savings.filter(sha256=seen).first()
        self.changes: tuple[str, ...] = ()
        if base is not None:
            told = tell_differences(base.text, version.text)
            self.changes = tuple(render(said, language()) for said in told)
        super().__init__(
            _("您打开以后，%(name)s 保存过这份草稿，您的修改还没有保存。")
            % {"name": self.author or _("系统")},
            _("请看对方改了什么，再决定是否用您的文本。"),
            code="changed_meanwhile",
            at="text",
        )

    def body(self) -> dict[str, object]:
        found = super().body()
        return {**found, "changes": list(self.changes), "sha256": self.version.sha256}


@transaction.atomic
def take_shipped(pack: Pack, actor: Any = None) -> list[PolicyVersion]:
    """The methods of a city pack as final versions. A text that is there already is left; one that has changed since
    becomes the next version. Gives what was added."""
    added = []
    for file in pack.policies:
        text = file.read_text(encoding="utf-8")
        title = _title_of(text) or file.stem
        document, made = PolicyDocument.objects.get_or_create(
            slug=file.stem, defaults={"title": title, "city": pack.id, "shipped": True}
        )
        if not document.shipped:
            continue  # a method of the place's own has this number; it is not touched
        newest = document.versions.first()
        if newest is not None and newest.sha256 == digest_of(text):
            continue
        if not made and document.title != title:
            document.title = title
            document.save(update_fields=("title",))
        version = PolicyVersion.objects.create(
            document=document,
            number=newest.number + 1 if newest else 1,
            text=text,
            sha256=digest_of(text),
            base=newest,
            state=PolicyVersion.State.FINAL,
            author=actor,
            finalised_at=timezone.now(),
            finalised_by=actor,
        )
        record(actor, "policy.take_shipped", version, sha256=version.sha256)
        added.append(version)
    return added


@transaction.atomic
def copy_policy(base: PolicyVersion, actor: Any, slug: str = "", title: str = "") -> PolicyVersion:
    """A method of the place's own, its first draft the text of ``base`` under another number and name."""
    require(actor, "policy.edit")
    slug = slug.strip() or _free_slug(base.document.slug)
    title = " ".join(title.split())[:200] or _("%(title)s（副本）") % {"title": base.document.title[:190]}
    if not _SLUG.fullmatch(slug) or slug in _RESERVED:
        raise Refused(
            _("编号“%(slug)s”不能用。") % {"slug": slug[:80]},
            _("请用小写字母、数字和短横，如 %(example)s。") % {"example": _free_slug(base.document.slug)},
            status=422,
            code="invalid",
            at="slug",
        )
    try:
        text = copy_text(base.text, slug, title)
    except Refusal as refusal:
        raise refused_by(refusal, language()) from refusal
    if PolicyDocument.objects.filter(slug=slug).exists():
        raise _number_taken(slug)
    try:
        with transaction.atomic():
            document = PolicyDocument.objects.create(slug=slug, title=title, city=base.document.city)
    except IntegrityError as error:
        raise _number_taken(slug) from error
    version = _new_draft(document, 1, text, base, actor)
    record(actor, "policy.copy", version, base=base.label)
    return version


@transaction.atomic
def start_draft(base: PolicyVersion, actor: Any) -> PolicyVersion:
    """The next version of a method of the place's own, to be worked on; its draft where there is one already."""
    require(actor, "policy.edit")
    document = PolicyDocument.objects.select_for_update().get(pk=base.document_id)
    if document.shipped:
        raise Refused(_("随软件带来的办法不能直接修改。"), _("请另起一份，在副本上修改。"), code="shipped")
    _refuse_retired(document)
    draft = document.versions.filter(state=PolicyVersion.State.DRAFT).first()
    if draft is not None:
        return draft
    newest = document.versions.first()
    version = _new_draft(document, newest.number + 1 if newest else 1, base.text, base, actor)
    record(actor, "policy.start_draft", version, base=base.label)
    return version


@transaction.atomic
def save_draft(
    version: PolicyVersion, actor: Any, text: str, seen: str, note: str | None = None
) -> PolicyVersion:
    """Keep a draft's text as it is now, errors and all. ``seen`` is the digest of the text that the editor started
    from. Raises ChangedMeanwhile where another has saved since.
    """
    require(actor, "policy.edit")
    held = _hold_draft(version)
    text = clean_text(text)
    if held.sha256 != seen and held.sha256 != digest_of(text):
        raise ChangedMeanwhile(held, seen)
    if held.sha256 == digest_of(text) and note in (None, held.note):
        return held
    before = held.sha256
    held.text, held.sha256 = text, digest_of(text)
    if note is not None:
        held.note = " ".join(note.split())[:300]
    held.author = actor
    held.save()
    title = _title_of(text)
    if title and title != held.document.title:
        held.document.title = title
        held.document.save(update_fields=("title",))
    if before != held.sha256:
        Saving.objects.create(version=held, sha256=held.sha256, text=text, author=actor)
    record(actor, "policy.save_draft", held, sha256=held.sha256, before=before)
    return held


@transaction.atomic
def finalise(version: PolicyVersion, actor: Any, seen: str) -> PolicyVersion:
    """Make a draft final for good. Refuses while it has errors, or when it is not the text that was ``seen``."""
    require(actor, "policy.finalise")
    held = _hold_draft(version)
    if held.sha256 != seen:
        raise ChangedMeanwhile(held, seen)
    errors = check_text(held.text, held.document.slug).errors
    if errors:
        first = errors[0]
        where = _("第 %(line)d 行：") % {"line": first.line} if first.line else ""
        raise Refused(
            _("文本有 %(count)d 个错误，不能定稿。") % {"count": len(errors)},
            f"{where}{first.what.render(language())}",
            status=422,
            code="has_errors",
            at="text",
        )
    held.state = PolicyVersion.State.FINAL
    held.finalised_at, held.finalised_by = timezone.now(), actor
    held.save()
    record(actor, "policy.finalise", held, sha256=held.sha256)
    return held


@transaction.atomic
def discard_draft(version: PolicyVersion, actor: Any) -> PolicyDocument | None:
    """Throw a draft away; a method that has no other version goes with it. Gives the method where it stays."""
    require(actor, "policy.edit")
    held = _hold_draft(version)
    document = held.document
    if PolicyVersion.objects.filter(base=held).exists():
        raise Refused(_("已有别的办法从这份草稿另起，不能放弃。"), _("可以把它停用。"), code="in_use")
    record(actor, "policy.discard_draft", held, sha256=held.sha256)
    try:
        with transaction.atomic():
            held.delete()
    except ProtectedError as error:
        raise Refused(_("已经用这份草稿试算过，不能放弃。"), _("可以把它停用。"), code="in_use") from error
    if document.versions.exists():
        return document
    document.delete()
    return None


@transaction.atomic
def retire(document: PolicyDocument, actor: Any, why: str) -> PolicyDocument:
    """Take a method out of use: nothing new is begun by it; what was evaluated by it stays."""
    require(actor, "policy.finalise")
    held = PolicyDocument.objects.select_for_update().get(pk=document.pk)
    _refuse_retired(held)
    why = " ".join(why.split())[:300]
    if not why:
        raise Refused(_("请写明停用的原因。"), status=422, code="invalid", at="why")
    held.retired_at, held.retired_by, held.retired_why = timezone.now(), actor, why
    held.save()
    record(actor, "policy.retire", held, why=why)
    return held


@transaction.atomic
def reinstate(document: PolicyDocument, actor: Any) -> PolicyDocument:
    """Take a method into use again."""
    require(actor, "policy.finalise")
    held = PolicyDocument.objects.select_for_update().get(pk=document.pk)
    if held.retired_at is None:
        return held
    held.retired_at, held.retired_by, held.retired_why = None, None, ""
    held.save()
    record(actor, "policy.reinstate", held)
    return held


def _hold_draft(version: PolicyVersion) -> PolicyVersion:
    """The draft as it now is, held until the deed is done."""
    held = PolicyVersion.objects.select_for_update().filter(pk=version.pk).first()
    if held is None:
        raise Refused(_("这份草稿已被放弃。"), _("请回到办法列表。"), code="gone", status=410)
    if held.final:
        raise Refused(_("定稿不能修改。"), _("请起草下一版。"), code="final")
    _refuse_retired(held.document)
    return held


def _refuse_retired(document: PolicyDocument) -> None:
    if document.retired_at is not None:
        raise Refused(_("这份办法已停用。"), _("需要时先恢复使用。"), code="retired")


def _new_draft(
    document: PolicyDocument, number: int, text: str, base: PolicyVersion, actor: Any
) -> PolicyVersion:
    version = PolicyVersion.objects.create(
        document=document, number=number, text=text, sha256=digest_of(text), base=base, author=actor
    )
    Saving.objects.create(version=version, sha256=version.sha256, text=text, author=actor)
    return version


def _title_of(text: str) -> str:
    """What a text calls itself, where it can be read so far."""
    file, _found = read_toml(text, "policy")
    policy = file.data.get("policy") if file is not None else None
    name = policy.get("name") if isinstance(policy, dict) else None
    return " ".join(name.split())[:200] if isinstance(name, str) else ""


def _free_slug(slug: str) -> str:
    stem = re.sub(r"-copy\d*$", "", slug)[:70]
    taken = set(PolicyDocument.objects.filter(slug__startswith=f"{stem}-copy").values_list("slug", flat=True))
    number = 1
    while (candidate := f"{stem}-copy{number}") in taken:
        number += 1
    return candidate


def _number_taken(slug: str) -> Refused:
    return Refused(
        _("编号“%(slug)s”已有办法在用。") % {"slug": slug}, _("请换一个编号。"), code="taken", at="slug"
    )
