"""A list of points and devices from a workbook: tried out first, then taken whole, or nothing of it.

Trying it out is doing it and taking it back, so that what a person agrees to is what will be done. A row is a device; its
outlet is watched from today where it was not, and a device in the place of another replaces it.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import xlsxwriter
from django.db import transaction
from django.utils.translation import gettext as _

from muheng.documents.message import Refusal
from muheng.intake.address import column_letters
from muheng.intake.tables import read_tables
from muheng.web.intake.uploads import Upload, check_uploads
from muheng.web.monitoring.actions.devices import EDIT, add_device, change_device, replace_device
from muheng.web.monitoring.actions.points import watch_outlet
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.models import Device, Point
from muheng.web.notices.sealing import Unreadable, seal, unseal
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.models import Outlet
from muheng.web.registry.queries import official_scope

MOST = 2_000
"""Rows of one file."""
MOST_FAULTS = 200
HEADS: dict[str, str] = {
    "统一社会信用代码": "code",
    "排口编号": "outlet",
    "点位名称": "name",
    "排口类型": "kind",
    "基准氧含量": "reference_oxygen",
    "MN": "mn",
    "密码": "password",
    "版本": "edition",
    "密钥": "key",
    "实时间隔": "realtime_seconds",
    "分钟间隔": "minute_interval",
}
"""As the first row has them; those of ``_NEEDED`` must be there."""
_NEEDED = ("code", "outlet", "mn", "password")
_USUAL = {"edition": "2017", "realtime_seconds": "60", "minute_interval": "10"}


@dataclass(frozen=True)
class Listed:
    """A row of the file by the fields' names."""

    row: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """One thing wrong. ``cell``: as the table program calls it."""

    cell: str
    found: str
    what: str
    fix: str


@dataclass(frozen=True)
class Deed:
    """What a row does."""

    row: int
    enterprise: str
    point: str
    mn: str
    does: str


def write_template() -> bytes:
    """The empty list. Cells are text, so that no table program takes a MN for a number."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet(_("设备"))
        bold = book.add_format({"bold": True, "bg_color": "#e4f0ec", "border": 1})
        text = book.add_format({"num_format": "@"})
        sheet.set_column(0, len(HEADS) - 1, 18, text)
        sheet.write_row(0, 0, list(HEADS), bold)
        sheet.freeze_panes(1, 0)
    return out.getvalue()


def read_list(uploads: Sequence[Upload]) -> tuple[list[Listed], dict[str, str]]:
    """The rows of a file, and in which column each field stands. Raises Refused for what is no list."""
    ((name, upload), *more) = check_uploads(uploads)
    if more:
        raise Refused(_("一次只能读一个文件。"), status=422, code="invalid", at="files")
    with tempfile.TemporaryDirectory(prefix="muheng-devices-") as folder:
        path = Path(folder) / name
        with path.open("wb") as file:
            for piece in upload.chunks():
                file.write(piece)
        try:
            tables, problems = read_tables(path)
        except (OSError, Refusal) as error:
            raise Refused(
                _("文件打不开。"), _("请另存为 .xlsx 后再上传。"), status=422, at="files"
            ) from error
    if not tables:
        lang = language()
        first = next((each for each in problems if each.severity == "error"), None)
        what = _("文件里没有数据。") if first is None else first.what.render(lang)
        fix = "" if first is None or first.fix is None else first.fix.render(lang)
        raise Refused(what, fix, status=422, code="invalid", at="files")
    rows = [
        ["" if cell is None else str(cell).strip() for cell in row] for row in tables[0].frame.iter_rows()
    ]
    at = next((at for at, row in enumerate(rows[:20]) if "MN" in row), None)
    columns = (
        {} if at is None else {HEADS[head]: place for place, head in enumerate(rows[at]) if head in HEADS}
    )
    titles = {field: head for head, field in HEADS.items()}
    missing = [titles[field] for field in _NEEDED if field not in columns]
    if at is None or missing:
        raise Refused(
            _("第一行没有“%(heads)s”。") % {"heads": "、".join(missing)},
            _("请下载空表，在空表里填写，不改动表头。"),
            status=422,
            code="invalid",
            at="files",
        )
    listed = [
        Listed(number, {field: row[place] for field, place in columns.items()})
        for number, row in enumerate(rows[at + 1 :], at + 2)
        if any(row)
    ]
    if len(listed) > MOST:
        raise Refused(
            _("一次最多 %(most)s 台设备，这里有 %(count)s 台。") % {"most": MOST, "count": len(listed)},
            _("请分成几个文件。"),
            status=422,
            code="too_many",
            at="files",
        )
    return listed, {field: column_letters(place) for field, place in columns.items()}


def try_list(
    actor: User, listed: Sequence[Listed], columns: Mapping[str, str], today: date
) -> tuple[list[Deed], list[Fault]]:
    """What the list would do, and all that is wrong with it; nothing is changed."""
    with transaction.atomic():
        deeds, faults = _go_through(actor, listed, columns, today)
        transaction.set_rollback(True)
    return deeds, faults


def take_list(actor: User, listed: Sequence[Listed], columns: Mapping[str, str], today: date) -> list[Deed]:
    """All of it. Raises Refused where something has become wrong since it was tried."""
    with transaction.atomic():
        deeds, faults = _go_through(actor, listed, columns, today)
        if faults:
            first = faults[0]
            raise Refused(f"{first.cell}：{first.what}", first.fix, status=422, code="invalid", at="files")
    return deeds


def seal_list(listed: Sequence[Listed], columns: Mapping[str, str]) -> str:
    """The rows as a page may carry them from the trial to the taking: passwords are in them."""
    return seal(json.dumps([[[each.row, dict(each.cells)] for each in listed], dict(columns)]))


def unseal_list(sealed: str) -> tuple[list[Listed], dict[str, str]]:
    """Raises Refused."""
    try:
        rows, columns = json.loads(unseal(sealed))
    except (Unreadable, ValueError, UnicodeError) as error:
        raise Refused(_("这份设备表不能用了。"), _("请重新上传。"), status=422, at="files") from error
    return [Listed(row, cells) for row, cells in rows], columns


def _go_through(
    actor: User, listed: Sequence[Listed], columns: Mapping[str, str], today: date
) -> tuple[list[Deed], list[Fault]]:
    require(actor, EDIT)
    outlets = _find_outlets(actor, listed)
    deeds: list[Deed] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    for each in listed:
        mn = each.cells["mn"]
        try:
            if mn in seen:
                raise Refused(
                    _("这台设备在第 %(row)s 行已经有了。") % {"row": seen[mn]},
                    _("一台设备只写一行。"),
                    at="mn",
                )
            seen[mn] = each.row
            with transaction.atomic():
                deeds.append(_do_row(actor, each, outlets, today))
        except Refused as refused:
            field = refused.at if refused.at in columns else "mn"
            cell = f"{columns[field]}{each.row}"
            faults.append(Fault(cell, each.cells.get(field, ""), refused.what, refused.fix))
            if len(faults) >= MOST_FAULTS:
                break
    return deeds, faults


def _find_outlets(actor: User, listed: Sequence[Listed]) -> dict[tuple[str, str], Outlet]:
    codes = {each.cells["code"].upper() for each in listed}
    rows = official_scope(actor, EDIT).filter(Outlet.objects.all(), "enterprise__")
    found = rows.filter(enterprise__code__in=codes).select_related("enterprise", "point")
    return {(outlet.enterprise.code, outlet.code): outlet for outlet in found}


def _do_row(actor: User, listed: Listed, outlets: Mapping[tuple[str, str], Outlet], today: date) -> Deed:
    cells = {
        name: text or _USUAL.get(name, "")
        for name, text in ({**dict.fromkeys(_USUAL, ""), **listed.cells}).items()
    }
    outlet = outlets.get((cells["code"].upper(), cells["outlet"].upper()))
    if outlet is None:
        raise Refused(
            _("您管理的企业里没有这个排口。"),
            _("请核对统一社会信用代码和排口编号；档案里没有的先在企业档案里登记。"),
            at="outlet",
        )
    point = Point.objects.filter(outlet=outlet).first()
    done = []
    if point is None:
        point = watch_outlet(
            actor,
            outlet,
            _read_kind(cells.get("kind", "")),
            today,
            name=cells.get("name", ""),
            reference_oxygen=_read_oxygen(cells.get("reference_oxygen", "")),
        )
        done.append(_("开始监控"))
    numbers = {
        name: _read_number(cells[name], name) for name in ("edition", "realtime_seconds", "minute_interval")
    }
    device = Device.objects.filter(point=point, allowed=True).first()
    if device is None:
        add_device(actor, point, cells["mn"], cells["password"], key=cells.get("key", ""), **numbers)
        done.append(_("登记设备"))
    elif device.mn == cells["mn"]:
        change_device(
            actor,
            device,
            password=cells["password"],
            key=cells.get("key") if "key" in listed.cells else None,
            **numbers,
        )
        done.append(_("更新设备"))
    else:
        replace_device(actor, device, cells["mn"], cells["password"], key=cells.get("key", ""), **numbers)
        done.append(_("更换设备（原 %(mn)s）") % {"mn": device.mn})
    return Deed(listed.row, outlet.enterprise.name, point.name, cells["mn"], "、".join(done))


def _read_kind(text: str) -> str:
    for kind in city_rules().limits.kind:
        if text in (kind.id, kind.name, kind.english):
            return kind.id
    raise Refused(
        _("没有“%(kind)s”这类排口。") % {"kind": text},
        _("可以写：%(kinds)s。") % {"kinds": "、".join(_kinds())},
        at="kind",
    )


def _kinds() -> Iterator[str]:
    for kind in city_rules().limits.kind:
        yield kind.english if language() == "en" else kind.name


def _read_oxygen(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation as error:
        raise Refused(
            _("“%(text)s”不是数字。") % {"text": text},
            _("只写数，不写单位；不折算的留空。"),
            at="reference_oxygen",
        ) from error


def _read_number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Refused(_("“%(text)s”不是数字。") % {"text": text}, _("请写整数，或留空。"), at=field)
    return int(text)
