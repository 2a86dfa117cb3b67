"""What is done with batches: handed in, read, decided about, accepted or not, undone. Pages and the API go this way.

A batch is accepted whole: its facts become a layer of the year, its roster goes into the registry, and both can be
taken back. Rows that were withheld for an error stay out; who accepts says that they know it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.intake.facts import CODE, Facts, read_facts
from muheng.intake.sheet_fix import SheetFix, SheetKey, check_fix, fixes_from_json, fixes_json
from muheng.web.audit.actions import record
from muheng.web.entrance import clean_text
from muheng.web.files.actions import clean_name, folder_path, store
from muheng.web.intake.models import Batch, BatchFile
from muheng.web.intake.reading import city_layouts, describe_change, require_within
from muheng.web.intake.review import read_sheets
from muheng.web.intake.roster import source_of, take_back, take_roster
from muheng.web.intake.uploads import Upload, check_uploads
from muheng.web.jobs.actions import cancel, enqueue
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry import panels
from muheng.web.registry.models import Panel

YEARS = range(2001, 2100)
AT_ONCE = 5_000
"""A batch of more enterprises than these is accepted in the background: a page may not take so long."""


@transaction.atomic
def drop_workbooks(
    actor: User, year: int, uploads: Sequence[Upload], title: str = "", at: datetime | None = None
) -> Batch:
    """Hand in workbooks for a year, as one batch; it is read in the background. Refused as a whole or taken whole."""
    require(actor, "intake.upload")
    if year not in YEARS:
        raise Refused(_("年度不对：%(year)s。") % {"year": year}, status=422, code="invalid", at="year")
    named = check_uploads(uploads)
    names = "、".join(name for name, _upload in named)
    batch = Batch.objects.create(
        year=year,
        title=(clean_text(title) or names)[:200],
        owner=actor,
        organisation=_place_of(actor),
        created_at=at or timezone.now(),
    )
    _keep_files(batch, named, actor)
    record(actor, "intake.drop", batch, year=year, files=_list_files(batch))
    _start_reading(batch, actor)
    return batch


@transaction.atomic
def add_workbooks(actor: User, batch: Batch, uploads: Sequence[Upload]) -> Batch:
    """Add files to a batch, or put better ones in the place of those with the same name; it is read again."""
    batch = _hold(batch)
    _require_open(actor, batch)
    sent = {clean_name(upload.name or "") for upload in uploads}
    named = check_uploads(uploads, already=batch.files.exclude(name__in=sent).count())
    names = {name for name, _upload in named}
    replaced = batch.files.filter(name__in=names).count()
    batch.files.filter(name__in=names).delete()
    _keep_files(batch, named, actor)
    record(actor, "intake.add", batch, files=sorted(names), replaced=replaced)
    _start_reading(batch, actor)
    return batch


@transaction.atomic
def remove_file(actor: User, file: BatchFile) -> Batch:
    """Take a file out of a batch; what was decided about its sheets goes with it."""
    batch = _hold(file.batch)
    _require_open(actor, batch)
    if batch.files.count() == 1:
        raise Refused(_("这是最后一个文件。"), _("不要这一批时，请放弃它。"))
    name = file.name
    file.delete()
    fixes = {key: fix for key, fix in fixes_from_json(batch.fixes).items() if key[0] != name}
    batch.fixes = fixes_json(fixes)
    record(actor, "intake.remove_file", batch, file=name)
    _start_reading(batch, actor)
    return batch


@transaction.atomic
def fix_mapping(actor: User, batch: Batch, fixes: Mapping[SheetKey, SheetFix | None]) -> Batch:
    """Decide about sheets (None: as the program takes them); the batch is read again. Refused where it cannot be."""
    batch = _hold(batch)
    _require_open(actor, batch)
    known = (
        {(sheet["file"], sheet["sheet"]): sheet for sheet in read_sheets(batch.review)}
        if batch.review
        else {}
    )
    decided = fixes_from_json(batch.fixes)
    for key, fix in fixes.items():
        if fix is None:
            decided.pop(key, None)
            continue
        sheet = known.get(key)
        if sheet is None or sheet["sheet"] is None:
            raise Refused(
                _("没有工作表 %(file)s·%(sheet)s。") % {"file": key[0], "sheet": key[1]},
                status=404,
                code="not_found",
            )
        letters = [column["letters"] for column in sheet["columns"]]
        try:
            check_fix(fix, key, letters, sheet["height"], city_layouts())
        except Refusal as refusal:
            raise refused_by(refusal, language()) from refusal
        decided[key] = fix
    batch.fixes = fixes_json(decided)
    record(actor, "intake.fix_mapping", batch, fixes=batch.fixes)
    _start_reading(batch, actor)
    return batch


@transaction.atomic
def reread(actor: User, batch: Batch, *, forget: bool = False) -> Batch:
    """Read the batch again, as the registry and last year's facts now are. ``forget``: without decisions."""
    batch = _hold(batch)
    _require_open(actor, batch)
    if forget:
        batch.fixes = []
    record(actor, "intake.reread", batch, forget=forget)
    _start_reading(batch, actor)
    return batch


@transaction.atomic
def accept(
    actor: User,
    batch: Batch,
    *,
    reading: int,
    withheld: int = 0,
    at: datetime | None = None,
    prepared: Mapping[str, str] | None = None,
) -> Batch:
    """Accept what was read: a layer of the year's facts, and the roster into the registry.

    ``reading`` is the reading that the person looked at; ``withheld`` the number of errors that they know stay out.
    ``prepared``: see ``roster.prepare_roster``.
    """
    batch = _hold(batch)
    _check_acceptance(actor, batch, reading, withheld)
    facts = facts_of(batch)
    require_within(actor, "intake.accept", facts)
    when = at or timezone.now()
    batch.changes, batch.changes_from = describe_change(batch.year, facts)
    batch.layer = panels.add_layer(facts, batch.title, batch.origin, actor, batch.facts)
    if batch.count("roster"):
        taken = take_roster(
            facts,
            source_of(batch.pk, batch.title),
            timezone.localdate(when),
            newest=not Panel.objects.filter(year__gt=batch.year).exists(),
            prepared=prepared,
        )
        batch.roster_changes = taken.json()
    batch.state, batch.accepted_at, batch.accepted_by = Batch.State.ACCEPTED, when, actor
    batch.save()
    record(
        actor,
        "intake.accept",
        batch,
        year=batch.year,
        reading=reading,
        withheld=withheld,
        facts=batch.facts,
        figures=batch.changes["figures"],
        registered=len(batch.roster_changes.get("created", ())),
    )
    return batch


def _check_acceptance(actor: User, batch: Batch, reading: int, withheld: int) -> None:
    """What can be said against accepting before any figure is looked at."""
    require(actor, "intake.accept", at=batch.organisation)
    if batch.state == Batch.State.READING:
        raise Refused(_("这一批还没有读完。"), _("请等读完、核对后再接受。"))
    if batch.state != Batch.State.REVIEW:
        raise _not_open(batch)
    if batch.reading != reading:
        raise Refused(_("您核对的不是最新一次读取的结果。"), _("请刷新页面，核对后再接受。"), code="stale")
    errors = batch.count("errors")
    if errors != withheld:
        raise Refused(
            _("有 %(count)s 处错误，相关的行没有导入。") % {"count": errors},
            _("请改正后重新上传；或者勾选确认这些行不导入，再接受。"),
            code="unacknowledged",
            at="withheld",
        )
    if not batch.count("enterprises"):
        raise Refused(_("这一批没有可以接受的数据。"), _("请看问题清单，改正后重新上传，或放弃这一批。"))


@transaction.atomic
def ask_to_accept(actor: User, batch: Batch, *, reading: int, withheld: int = 0) -> Batch:
    """Accept a batch at once, or in the background where it is large; what speaks against it is said at once."""
    if batch.count("enterprises") <= AT_ONCE:
        return accept(actor, batch, reading=reading, withheld=withheld)
    batch = _hold(batch)
    _check_acceptance(actor, batch, reading, withheld)
    if batch.job is not None and not batch.job.ended:
        raise Refused(_("这一批正在办理。"), _("请等它办完。"))
    title = _("接受 %(title)s") % {"title": batch.title}
    batch.job = enqueue("intake.accept", actor, title, batch=batch.pk, reading=reading, withheld=withheld)
    batch.save(update_fields=("job",))
    return batch


@transaction.atomic
def abandon(actor: User, batch: Batch) -> Batch:
    """Give up a batch that was not accepted. Its files stay, as who handed in what stays known."""
    batch = _hold(batch)
    _require_open(actor, batch)
    if batch.job is not None and not batch.job.ended:
        cancel(batch.job)
    batch.state = Batch.State.ABANDONED
    batch.reading += 1
    batch.save(update_fields=("state", "reading"))
    record(actor, "intake.abandon", batch)
    return batch


@transaction.atomic
def undo(actor: User, batch: Batch, why: str, at: datetime | None = None) -> Batch:
    """Take an accepted batch back: the year's facts are as if it had not been, and so is what its roster did."""
    batch = _hold(batch)
    require(actor, "intake.accept", at=batch.organisation)
    if batch.state != Batch.State.ACCEPTED or batch.layer is None:
        raise Refused(_("这一批没有被接受，不用撤销。"))
    why = clean_text(why)
    if not why:
        raise Refused(
            _("没有写撤销的原因。"), _("请写明原因，会记入档案。"), status=422, code="invalid", at="why"
        )
    require_within(actor, "intake.accept", facts_of(batch))
    panels.remove_layer(batch.layer)
    if batch.roster_changes:
        keep: set[str] = set()
        for year in panels.list_years():
            facts = panels.current(year)
            keep |= set(facts.frame.get_column(CODE)) if facts is not None else set()
        take_back(batch.roster_changes, source_of(batch.pk, batch.title), keep)
    batch.state, batch.undone_at, batch.undone_by = Batch.State.UNDONE, at or timezone.now(), actor
    batch.undone_why = why
    batch.save(update_fields=("state", "undone_at", "undone_by", "undone_why"))
    record(actor, "intake.undo", batch, year=batch.year, why=batch.undone_why)
    return batch


@transaction.atomic
def annotate_file(actor: User, file: BatchFile) -> BatchFile:
    """Make the copy of a workbook with its problems marked, in the background."""
    require(actor, "intake.view", at=file.batch.organisation)
    if not file.batch.review:
        raise Refused(_("这一批还没有读完。"))
    if file.annotated_reading == file.batch.reading and file.annotated is not None:
        return file
    if file.annotating is None or file.annotating.ended:
        title = _("标注 %(name)s") % {"name": file.name}
        file.annotating = enqueue("intake.annotate", actor, title, file=file.pk, reading=file.batch.reading)
        file.save(update_fields=("annotating",))
    return file


def facts_of(batch: Batch) -> Facts:
    """What the newest reading of a batch gives."""
    return read_facts(folder_path(batch.facts))


def _place_of(actor: User) -> Organisation:
    """The organisation for which a person hands in: that of the post which gives the right, the highest first."""
    posts = [
        membership.organisation
        for membership in actor.memberships.select_related("role", "organisation")
        if "intake.upload" in membership.role.rights
    ]
    return min(posts, key=lambda organisation: (organisation.path.count("/"), organisation.pk))


def _keep_files(batch: Batch, named: Sequence[tuple[str, Upload]], actor: User) -> None:
    for name, upload in named:
        BatchFile.objects.create(batch=batch, name=name, stored=store(upload.chunks(), name, actor))


def _list_files(batch: Batch) -> list[dict[str, Any]]:
    return [
        {"name": file.name, "sha256": file.stored.sha256, "size": file.stored.size}
        for file in batch.files.select_related("stored")
    ]


def _start_reading(batch: Batch, actor: User) -> None:
    """Read the batch anew; a reading that is under way finds itself overtaken."""
    if batch.job is not None and not batch.job.ended:
        cancel(batch.job)
    if batch.job is not None:
        batch.reading += 1
    batch.state = Batch.State.READING
    title = _("读取 %(title)s") % {"title": batch.title}
    batch.job = enqueue("intake.read", actor, title, batch=batch.pk, reading=batch.reading)
    batch.save()


def _hold(batch: Batch) -> Batch:
    """The batch as it is now, nobody else's until this deed is done."""
    return (
        Batch.objects.select_for_update(of=("self",))
        .select_related("organisation", "job", "layer", "owner")
        .get(pk=batch.pk)
    )


def _require_open(actor: User, batch: Batch) -> None:
    require(actor, "intake.upload", at=batch.organisation)
    if not batch.open:
        raise _not_open(batch)


def _not_open(batch: Batch) -> Refused:
    return Refused(
        _("这一批%(state)s，不能再改。") % {"state": batch.get_state_display()},
        _("需要更正时，请另传一批；已接受的可以撤销。"),
    )
