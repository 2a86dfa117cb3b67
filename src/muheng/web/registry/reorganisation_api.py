"""Merging and splitting enterprises for programs: what would move, the deed, those that were done, and undoing one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.db.models import Q
from django.http import Http404, HttpResponse
from ninja import Field, Query, Router, Schema

from muheng.web.paging import Listed, Part, answer, answer_list
from muheng.web.registry import actions, reorganisation
from muheng.web.registry.models import Enterprise, Reorganisation
from muheng.web.registry.pieces_api import find_other
from muheng.web.registry.queries import find_enterprise
from muheng.web.request import Request

router = Router()
_TARGET = "并入哪家企业：统一社会信用代码。"
_DAY = "生效日期，不晚于今天。"
_BASIS = "依据：文件和文号。"
_CHOSEN = "种类 → 要移动的编号，编号见预览。"


class MergeAsked(Schema):
    """A merge to look at first."""

    target: str = Field(max_length=30, description=_TARGET)
    day: date = Field(description=_DAY)


class SplitAsked(Schema):
    """A split to look at first."""

    day: date = Field(description=_DAY)


class MergeGiven(MergeAsked):
    """A merge."""

    basis: str = Field(max_length=200, description=_BASIS)
    chosen: dict[str, list[int]] | None = Field(
        None, max_length=20, description=f"{_CHOSEN}不写为能移动的全部。"
    )


class SplitGiven(SplitAsked):
    """A split: the new enterprise, and what goes with it."""

    code: str = Field(max_length=30, description="新企业的统一社会信用代码。")
    name: str = Field(max_length=200, description="新企业的名称。")
    basis: str = Field(max_length=200, description=_BASIS)
    chosen: dict[str, list[int]] = Field(max_length=20, description=_CHOSEN)


class PieceShown(Schema):
    """One thing that may move."""

    number: int
    label: str
    stays: str = Field(description="为什么不能移动；能移动则为空。")
    note: str


class GroupShown(Schema):
    """The things of one kind."""

    kind: str
    title: str
    pieces: list[PieceShown]


class PreviewShown(Schema):
    """What could move. ``years``: of these the yearly figures stay under the old code."""

    source: str
    target: str | None
    day: date
    groups: list[GroupShown]
    years: list[int]


class Deed(Schema):
    """A merge or split that was done."""

    id: int
    kind: Literal["merge", "split"]
    source: str = Field(description="被并入或被分立的企业。")
    target: str = Field(description="并入的或新设的企业。")
    day: date
    basis: str
    moved: dict[str, int] = Field(description="种类 → 移动了多少项。")
    done_at: datetime
    undone_at: datetime | None


class Why(Schema):
    why: str = Field(max_length=200, description="撤销理由。")


@router.post("/{code}/merge/preview", response=PreviewShown, summary="合并：先看会移动什么")
def preview_merge(request: Request, code: str, given: MergeAsked) -> HttpResponse:
    """Changes nothing."""
    source = find_enterprise(request.user, code)
    actions.allow(request.user, reorganisation.RIGHT, source)
    target = find_other(request.user, given.target, "target")
    return answer(_preview(reorganisation.preview(request.user, source, given.day, target)))


@router.post("/{code}/merge", response=Deed, summary="合并")
def merge(request: Request, code: str, given: MergeGiven) -> HttpResponse:
    """The enterprise goes into another; both files stay."""
    source = find_enterprise(request.user, code)
    actions.allow(request.user, reorganisation.RIGHT, source)
    target = find_other(request.user, given.target, "target")
    chosen = None if given.chosen is None else _chosen(given.chosen)
    return answer(_deed(reorganisation.merge(request.user, source, target, given.day, given.basis, chosen)))


@router.post("/{code}/split/preview", response=PreviewShown, summary="分立：先看能移动什么")
def preview_split(request: Request, code: str, given: SplitAsked) -> HttpResponse:
    """Changes nothing."""
    source = find_enterprise(request.user, code)
    return answer(_preview(reorganisation.preview(request.user, source, given.day)))


@router.post("/{code}/split", response=Deed, summary="分立")
def split(request: Request, code: str, given: SplitGiven) -> HttpResponse:
    """A part of the enterprise becomes one of its own; what is chosen goes with it."""
    source, fields = find_enterprise(request.user, code), given.dict()
    chosen = _chosen(fields.pop("chosen"))
    return answer(_deed(reorganisation.split(request.user, source, **fields, chosen=chosen)))


@router.get("/{code}/reorganisations", response=Listed[Deed], summary="合并和分立")
def list_reorganisations(request: Request, code: str, part: Query[Part]) -> HttpResponse:
    """Those that the enterprise was in, the newest first."""
    enterprise = find_enterprise(request.user, code)
    actions.allow(request.user, reorganisation.RIGHT, enterprise)
    return answer_list(request, _deeds(enterprise).order_by("-day", "-pk"), part, _deed)


@router.post("/{code}/reorganisations/{int:deed}/undo", response=Deed, summary="撤销合并或分立")
def undo(request: Request, code: str, deed: int, given: Why) -> HttpResponse:
    """Everything that moved goes back, where nothing has touched it since."""
    rows = _deeds(find_enterprise(request.user, code))
    found = rows.filter(pk=deed).first() if deed <= 2**53 else None
    if found is None:
        raise Http404
    return answer(_deed(reorganisation.undo(request.user, found, given.why)))


def _deeds(enterprise: Enterprise) -> Any:
    rows = Reorganisation.objects.filter(Q(source=enterprise) | Q(target=enterprise))
    return rows.select_related("source", "target")


def _chosen(given: dict[str, list[int]]) -> dict[str, set[int]]:
    return {kind: set(numbers) for kind, numbers in given.items()}


def _preview(planned: reorganisation.Preview) -> dict[str, Any]:
    return {
        "source": planned.source.code,
        "target": planned.target.code if planned.target is not None else None,
        "day": planned.day,
        "groups": [
            {
                "kind": group.key,
                "title": str(group.title),
                "pieces": [
                    {"number": piece.number, "label": piece.label, "stays": piece.stays, "note": piece.note}
                    for piece in group.pieces
                ],
            }
            for group in planned.groups
        ],
        "years": list(planned.years),
    }


def _deed(deed: Reorganisation) -> dict[str, Any]:
    return {
        "id": deed.pk,
        "kind": deed.kind,
        "source": deed.source.code,
        "target": deed.target.code,
        "day": deed.day,
        "basis": deed.basis,
        "moved": {kind: len(rows) for kind, rows in deed.moved.items() if rows and kind != "ended"},
        "done_at": deed.done_at,
        "undone_at": deed.undone_at,
    }
