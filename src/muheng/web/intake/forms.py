"""The mapping form of a sheet: from what a person chose to a ``SheetFix``, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from muheng.intake.layout import Layout
from muheng.intake.sheet_fix import SheetFix, SheetKey, fixes_from_json
from muheng.web.intake.models import Batch
from muheng.web.intake.reading import city_layouts
from muheng.web.refusal import Refused

AUTO, IGNORE, LEFT = "", "-", "-"
"""Leave it to the program; do not read the sheet; do not read the column."""

MOST_COLUMNS = 200
"""More columns than these are not shown for mapping; nobody maps two thousand by hand."""


def list_kinds() -> list[tuple[str, str]]:
    """Every kind of sheet that there is: its value in the form, and how it reads."""
    return [
        (f"{layout.id}/{kind}", f"{layout.department} · {kind}")
        for layout in city_layouts()
        for kind in layout.sheet
    ]


def find_kind(value: str) -> tuple[Layout, str] | None:
    """The layout and kind of a value of the form."""
    name, _slash, kind = value.partition("/")
    layout = next((layout for layout in city_layouts() if layout.id == name), None)
    return (layout, kind) if layout is not None and kind in layout.sheet else None


def fix_of(batch: Batch, key: SheetKey) -> SheetFix | None:
    """What was decided about a sheet."""
    return fixes_from_json(batch.fixes).get(key)


def describe_mapping(sheet: Mapping[str, Any], fix: SheetFix | None, kind: str | None) -> dict[str, Any]:
    """The form's choices: for every column, what it is taken for and what it could be; ``kind`` as just chosen."""
    own = "" if sheet["layout"] is None else f"{sheet['layout']}/{sheet['kind']}"
    decided = "" if fix is None or fix.layout is None else f"{fix.layout}/{fix.kind}"
    ignored = fix is not None and fix.ignore
    chosen = kind if kind is not None else IGNORE if ignored else decided or own
    found = find_kind(chosen)
    same = chosen == own
    columns = list(found[0].sheet[found[1]].columns) if found is not None else []
    rows = []
    for column in sheet["columns"][:MOST_COLUMNS]:
        letters = column["letters"]
        fixed = fix is not None and letters in fix.columns
        named = fix.columns[letters] if fix is not None and fixed else None
        value = AUTO if not fixed else LEFT if named is None else named
        rows.append(
            {
                **column,
                "auto": column["column"] if same and column["matched"] != "指定" else None,
                "chosen": value if value in (AUTO, LEFT, *columns) else AUTO,
                "chosen_unit": (fix.units.get(letters, "") if fix is not None else ""),
            }
        )
    return {
        "kinds": list_kinds(),
        "kind": chosen,
        "known": found is not None,
        "columns": columns,
        "rows": rows,
        "hidden": max(len(sheet["columns"]) - MOST_COLUMNS, 0),
        "header_row": fix.header_row if fix is not None else None,
    }


def read_mapping(posted: Mapping[str, str]) -> SheetFix | None:
    """What a person chose; None for nothing, so that the program decides again. Raises Refused."""
    kind = posted.get("kind", AUTO)
    if kind == IGNORE:
        return SheetFix(ignore=True)
    found = find_kind(kind)
    if kind and found is None:
        raise Refused(_("没有这种表。"), status=422, code="invalid", at="kind")
    columns: dict[str, str | None] = {}
    units: dict[str, str] = {}
    for name, value in posted.items():
        field, _dash, letters = name.partition("-")
        if field == "column" and value != AUTO:
            columns[letters] = None if value == LEFT else value
        elif field == "unit" and value.strip():
            units[letters] = value.strip()
    row = posted.get("header_row", "").strip()
    if row and not (row.isdecimal() and len(row) < 8):
        raise Refused(
            _("表头行“%(row)s”不是行号。") % {"row": row[:20]}, status=422, code="invalid", at="header_row"
        )
    header_row = int(row) if row else None
    # The kind is a decision only together with something that hangs on it, or when the program found none.
    decided = bool(posted.get("decided")) or any(value is not None for value in columns.values())
    fix = SheetFix(
        found[0].id if found is not None and decided else None,
        found[1] if found is not None and decided else None,
        header_row=header_row,
        columns=columns,
        units=units,
    )
    return None if fix == SheetFix() else fix
