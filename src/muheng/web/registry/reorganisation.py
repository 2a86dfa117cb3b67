"""Enterprises become one, or one becomes two: what would move, the deed itself, and its undoing.

What holds at the day ends there with one enterprise and goes on with the other, so that both histories stay true.
Outlets, meters, lines, contacts, accounts and monthly figures change hands as they are. Yearly facts keep the code
under which they were reported; nothing here touches them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.audit.actions import record
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from muheng.web.registry.actions import allow, register_enterprise
from muheng.web.registry.figures import years_of
from muheng.web.registry.models import (
    Contact,
    Enterprise,
    Holding,
    Lease,
    Meter,
    MonthlyFigure,
    Outlet,
    Permit,
    ProductionLine,
    Reorganisation,
    Representative,
    StatusRecord,
)
from muheng.web.templatetags.words import plain

RIGHT = "registry.merge"
Chosen = Mapping[str, Collection[int]]
"""By kind of thing, the numbers of the pieces that are to move."""


@dataclass(frozen=True)
class Piece:
    """One thing that may move. ``stays`` says why it cannot; ``note`` what to know about it when it does."""

    number: int
    label: str
    rows: tuple[int, ...]
    stays: str = ""
    note: str = ""


@dataclass(frozen=True)
class Group:
    """The pieces of one kind."""

    key: str
    title: Any
    pieces: tuple[Piece, ...]

    @property
    def moving(self) -> int:
        return sum(not piece.stays for piece in self.pieces)


@dataclass(frozen=True)
class Preview:
    """What a merge or a split could move. ``years``: of these the facts stay under the old code."""

    source: Enterprise
    target: Enterprise | None
    day: date
    groups: tuple[Group, ...]
    years: tuple[int, ...]

    def everything(self) -> dict[str, set[int]]:
        """All that can move."""
        return {group.key: {p.number for p in group.pieces if not p.stays} for group in self.groups}


@dataclass(frozen=True)
class _Thing:
    """A kind of row that belongs to an enterprise by ``owner``. ``dated``: what holds goes on as a new row."""

    key: str
    title: Any
    model: type[models.Model]
    owner: str
    dated: bool
    label: Callable[[Any], str]


def _mu(area: Any) -> str:
    return str(plain(area * 3 / 2000))


_THINGS = (
    _Thing(
        "holding",
        gettext_lazy("土地"),
        Holding,
        "enterprise",
        True,
        lambda row: _("宗地 %(number)s，%(area)s 亩") % {"number": row.parcel.number, "area": _mu(row.area)},
    ),
    _Thing(
        "lease_out",
        gettext_lazy("出租"),
        Lease,
        "lessor",
        True,
        lambda row: _("租给%(name)s，%(area)s 亩") % {"name": row.tenant_name, "area": plain(row.area)},
    ),
    _Thing(
        "lease_in",
        gettext_lazy("承租"),
        Lease,
        "tenant",
        True,
        lambda row: _("租自%(name)s，%(area)s 亩") % {"name": row.lessor_name, "area": plain(row.area)},
    ),
    _Thing(
        "status",
        gettext_lazy("称号"),
        StatusRecord,
        "enterprise",
        True,
        lambda row: f"{row.status} {row.level}".strip(),
    ),
    _Thing(
        "permit", gettext_lazy("许可"), Permit, "enterprise", True, lambda row: f"{row.kind} {row.number}"
    ),
    _Thing(
        "line",
        gettext_lazy("生产线"),
        ProductionLine,
        "enterprise",
        False,
        lambda row: f"{row.number} {row.name}".strip(),
    ),
    _Thing(
        "outlet", gettext_lazy("排放口"), Outlet, "enterprise", False, lambda row: f"{row.code} {row.name}"
    ),
    _Thing("meter", gettext_lazy("表计"), Meter, "enterprise", False, lambda row: f"{row.kind} {row.number}"),
    _Thing(
        "contact",
        gettext_lazy("联系人"),
        Contact,
        "enterprise",
        False,
        lambda row: f"{row.name} {row.post}".strip(),
    ),
    _Thing(
        "account",
        gettext_lazy("账号"),
        Representative,
        "enterprise",
        False,
        lambda row: f"{row.user.name}（{row.user.username}）",
    ),
)
MONTHLY = "monthly"
KINDS = (*(thing.key for thing in _THINGS), MONTHLY)
"""Of things that may move."""


def preview(actor: User | None, source: Enterprise, day: date, target: Enterprise | None = None) -> Preview:
    """What would move from ``source``: to ``target`` in a merge, to a new enterprise in a split (None)."""
    allow(actor, RIGHT, source)
    if target is not None:
        allow(actor, RIGHT, target)
    groups = [_group(thing, source, target, day) for thing in _THINGS]
    groups.append(_monthly(source, target))
    return Preview(
        source=source,
        target=target,
        day=day,
        groups=tuple(group for group in groups if group.pieces),
        years=tuple(years_of(source.code)),
    )


@transaction.atomic
def merge(
    actor: User | None,
    source: Enterprise,
    target: Enterprise,
    day: date,
    basis: str,
    chosen: Chosen | None = None,
) -> Reorganisation:
    """``source`` goes into ``target`` on a day. ``chosen``: what moves; all that can where it is not given."""
    basis = _basis(basis, day)
    source, target = _hold_both(source, target)
    if target.merged_into_id is not None or source.merged_into_id is not None:
        raise Refused(_("其中一家已经并入别的企业。"), _("请选并入后的那一家。"))
    planned = preview(actor, source, day, target)
    moved = _move(planned, target, planned.everything() if chosen is None else chosen)
    between = Q(lessor=source, tenant=target) | Q(lessor=target, tenant=source)
    ended = [
        [row.pk, row.until.isoformat() if row.until else None]
        for row in Lease.objects.filter(between).exclude(until__lte=day)
    ]
    Lease.objects.filter(pk__in=[pk for pk, _until in ended]).update(until=day)
    Enterprise.objects.filter(pk=source.pk).update(merged_into=target)
    source.merged_into = target
    return _note(actor, Reorganisation.Kind.MERGE, source, target, day, basis, {**moved, "ended": ended})


@transaction.atomic
def split(
    actor: User | None,
    source: Enterprise,
    code: str,
    name: str,
    day: date,
    basis: str,
    chosen: Chosen,
    **fields: Any,
) -> Reorganisation:
    """A part of ``source`` becomes an enterprise of its own; what is ``chosen`` goes with it."""
    basis = _basis(basis, day)
    allow(actor, RIGHT, source)
    source = Enterprise.objects.select_for_update().get(pk=source.pk)
    if source.merged_into_id is not None:
        raise Refused(_("“%(name)s”已并入其他企业，不能再分立。") % {"name": source.name})
    given = {
        "scale": source.scale,
        "industry": source.industry,
        "industry_group": source.industry_group,
        "township": source.township,
        "county": source.county,
        "parks": list(source.parks.all()),
        "state": source.state,
        "registered_on": day,
        **fields,
    }
    target = register_enterprise(None, code, name, since=day, source=basis, **given)
    planned = preview(actor, source, day)
    moved = _move(planned, target, chosen)
    return _note(actor, Reorganisation.Kind.SPLIT, source, target, day, basis, moved)


@transaction.atomic
def undo(actor: User | None, deed: Reorganisation, why: str) -> Reorganisation:
    """Give everything back. A new enterprise of a split is merged back, so that its code still leads somewhere.

    Raises Refused where something that moved has changed hands or gone since.
    """
    allow(actor, RIGHT, deed.source)
    allow(actor, RIGHT, deed.target)
    deed = Reorganisation.objects.select_for_update().get(pk=deed.pk)
    if deed.undone_at is not None:
        raise Refused(_("已经撤销过了。"), code="unchanged")
    if not why.strip():
        raise Refused(_("没有填%(title)s。") % {"title": _("撤销理由")}, status=422, code="invalid", at="why")
    later = Reorganisation.objects.filter(undone_at=None, pk__gt=deed.pk).filter(
        Q(source__in=(deed.source_id, deed.target_id)) | Q(target__in=(deed.source_id, deed.target_id))
    )
    if later.exists():
        raise Refused(_("这两家企业后来又有合并或分立。"), _("请先撤销后来的那一次。"))
    for thing in _THINGS:
        _give_back(thing, deed)
    months = deed.moved.get(MONTHLY, [])
    if MonthlyFigure.objects.filter(pk__in=months, enterprise=deed.target).count() != len(months):
        raise _changed_since(_("月度数据"))
    MonthlyFigure.objects.filter(pk__in=months).update(enterprise=deed.source)
    for number, until in deed.moved.get("ended", []):
        Lease.objects.filter(pk=number).update(until=until)
    if deed.kind == Reorganisation.Kind.MERGE:
        Enterprise.objects.filter(pk=deed.source_id).update(merged_into=None)
    else:
        Enterprise.objects.filter(pk=deed.target_id).update(merged_into=deed.source_id)
    deed.undone_at = timezone.now()
    deed.save(update_fields=("undone_at",))
    record(actor, f"registry.undo_{deed.kind}", deed.source, target=deed.target.code, why=why.strip())
    return deed


def _group(thing: _Thing, source: Enterprise, target: Enterprise | None, day: date) -> Group:
    rows: models.QuerySet[Any] = thing.model._default_manager.filter(**{thing.owner: source}).order_by("pk")
    if thing.dated:
        rows = rows.exclude(until__lte=day)
    if thing.key == "holding":
        rows = rows.select_related("parcel")
    if thing.key == "account":
        rows = rows.filter(until=None).select_related("user")
    taken = _taken(thing, target, day) if target is not None else {}
    pieces = []
    for row in rows:
        stays = ""
        if thing.key.startswith("lease") and target is not None:
            other = row.tenant_id if thing.key == "lease_out" else row.lessor_id
            if other == target.pk:
                stays = _("两家之间的租约，合并之日终止")
        elif _identity(thing, row) in taken:
            stays = _("对方已有同样的一条，留在原企业")
        pieces.append(Piece(row.pk, thing.label(row), (row.pk,), stays))
    return Group(thing.key, thing.title, tuple(pieces))


def _identity(thing: _Thing, row: Any) -> object:
    if thing.key == "outlet":
        return row.code
    if thing.key == "meter":
        return (row.kind, row.number)
    if thing.key == "status":
        return row.status
    return row.user_id if thing.key == "account" else None


def _taken(thing: _Thing, target: Enterprise, day: date) -> set[object]:
    """What the target has already, as :func:`_identity` names it."""
    rows = thing.model._default_manager.filter(**{thing.owner: target})
    if thing.dated:
        rows = rows.exclude(until__lte=day)
    return {_identity(thing, row) for row in rows} - {None}


def _monthly(source: Enterprise, target: Enterprise | None) -> Group:
    """Monthly figures by year; those that the target has too stay where they are."""
    held = set()
    if target is not None:
        held = set(MonthlyFigure.objects.filter(enterprise=target).values_list("year", "month", "item"))
    by_year: dict[int, list[tuple[int, bool]]] = {}
    for row in MonthlyFigure.objects.filter(enterprise=source):
        clash = (row.year, row.month, row.item) in held
        by_year.setdefault(row.year, []).append((row.pk, clash))
    pieces = []
    for year, rows in sorted(by_year.items()):
        free = tuple(pk for pk, clash in rows if not clash)
        label = _("%(year)s年，%(many)s 个数字") % {"year": year, "many": len(rows)}
        clashes = len(rows) - len(free)
        note = _("其中 %(many)s 个对方同月已有，留在原企业") % {"many": clashes} if clashes else ""
        stays = _("对方同月都已有，留在原企业") if not free else ""
        pieces.append(Piece(year, label, free, stays, "" if stays else note))
    return Group(MONTHLY, _("月度数据"), tuple(pieces))


def _move(planned: Preview, target: Enterprise, chosen: Chosen) -> dict[str, Any]:
    """Hand over what is chosen; gives what is needed to take it back."""
    moved: dict[str, Any] = {}
    by_key = {thing.key: thing for thing in _THINGS}
    for key, numbers in chosen.items():
        if key not in KINDS:
            raise Refused(
                _("没有“%(name)s”这一项。") % {"name": key[:40]},
                _("可以用：%(names)s。") % {"names": "、".join(KINDS)},
                status=422,
                code="invalid",
                at="chosen",
            )
        group = next((group for group in planned.groups if group.key == key), None)
        able = {piece.number: piece for piece in group.pieces if not piece.stays} if group else {}
        missing = sorted(set(numbers) - set(able))
        if missing:
            raise Refused(
                _("选中的内容里有 %(many)s 项已不能移动。") % {"many": len(missing)}, _("请重新预览再确认。")
            )
        pieces = [able[number] for number in sorted(numbers)]
        if key == MONTHLY:
            rows = [row for piece in pieces for row in piece.rows]
            MonthlyFigure.objects.filter(pk__in=rows).update(enterprise=target)
            moved[key] = rows
        else:
            moved[key] = list(_hand_over(by_key[key], pieces, target, planned.day))
    return moved


def _hand_over(thing: _Thing, pieces: list[Piece], target: Enterprise, day: date) -> Iterator[list[Any]]:
    """Number of the row, of the one that goes on with the target, and the end that the first had."""
    rows: dict[int, Any] = thing.model._default_manager.in_bulk([piece.number for piece in pieces])
    for row in rows.values():
        if thing.dated and (row.since is None or row.since < day):
            until, number = row.until, row.pk
            thing.model._default_manager.filter(pk=number).update(until=day)
            row.pk, row.since, row.until = None, day, until
            setattr(row, thing.owner, target)
            if isinstance(row, Lease):
                setattr(row, f"{thing.owner}_name", target.name)
            row.save(force_insert=True)
            yield [number, row.pk, until.isoformat() if until else None]
        else:
            thing.model._default_manager.filter(pk=row.pk).update(**{thing.owner: target})
            yield [row.pk, None, None]


def _give_back(thing: _Thing, deed: Reorganisation) -> None:
    moved = deed.moved.get(thing.key, [])
    ours = thing.model._default_manager.filter(**{thing.owner: deed.target})
    there = {gone if new is None else new for gone, new, _until in moved}
    if ours.filter(pk__in=there).count() != len(there):
        raise _changed_since(str(thing.title))
    for number, new, until in moved:
        old = thing.model._default_manager.filter(pk=number)
        if new is None:
            old.update(**{thing.owner: deed.source})
        else:
            ours.filter(pk=new).delete()
            old.update(until=until)


def _changed_since(title: str) -> Refused:
    return Refused(
        _("%(title)s在此之后又有变化，不能整体撤销。") % {"title": title},
        _("请逐项改回，或另做一次合并、分立。"),
    )


def _note(
    actor: User | None,
    kind: str,
    source: Enterprise,
    target: Enterprise,
    day: date,
    basis: str,
    moved: dict[str, Any],
) -> Reorganisation:
    deed = Reorganisation.objects.create(
        kind=kind, source=source, target=target, day=day, basis=basis, moved=moved, done_by=actor
    )
    many = {key: len(rows) for key, rows in moved.items() if rows}
    record(actor, f"registry.{kind}", source, target=target.code, day=day, basis=basis, moved=many)
    return deed


def _hold_both(source: Enterprise, target: Enterprise) -> tuple[Enterprise, Enterprise]:
    if source.pk == target.pk:
        raise Refused(_("不能把一家企业并入它自己。"), status=422, code="invalid", at="target")
    # In one order, so that two who merge crosswise wait for each other instead of blocking.
    rows = Enterprise.objects.select_for_update().filter(pk__in=(source.pk, target.pk)).order_by("pk")
    held = {row.pk: row for row in rows}
    return held[source.pk], held[target.pk]


def _basis(basis: str, day: date) -> str:
    if not basis.strip():
        raise Refused(_("没有填%(title)s。") % {"title": _("依据")}, status=422, code="invalid", at="basis")
    if day > timezone.localdate():
        raise Refused(
            _("生效日期 %(day)s 还没有到。") % {"day": day.isoformat()},
            _("请在生效当天或之后登记。"),
            status=422,
            code="invalid",
            at="day",
        )
    return basis.strip()[:200]
