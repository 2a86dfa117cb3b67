"""What has been accepted for each year, and the facts of a year as a file: as much as a person may see."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any

from django.http import Http404

from muheng.intake.facts import CODE, keep_enterprises, write_facts
from muheng.web.files.actions import folder_path
from muheng.web.people.rights import require
from muheng.web.registry import panels
from muheng.web.registry.models import Enterprise, Panel
from muheng.web.registry.queries import official_scope

RIGHT = "registry.view"


def list_years(user: Any) -> list[dict[str, Any]]:
    """The years that have facts, the newest first, with the enterprises of them that the person may see."""
    require(user, RIGHT)
    codes = _codes(user)
    return [
        {
            "year": panel.year,
            "enterprises": panel.enterprises if codes is None else _count(panel, codes),
            "changed_at": panel.changed_at,
        }
        for panel in Panel.objects.order_by("-year")
    ]


def pack_year(user: Any, year: int) -> IO[bytes]:
    """A zip of the year's facts, the folder that ``muheng.intake.facts`` reads. Raises Http404 where there are none."""
    require(user, RIGHT)
    panel = Panel.objects.filter(pk=year).first()
    if panel is None:
        raise Http404
    codes = _codes(user)
    packed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 the answer closes it
    with (
        tempfile.TemporaryDirectory() as draft,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        folder = folder_path(panel.folder)
        if codes is not None:
            folder = Path(draft)
            write_facts(keep_enterprises(panels.read_panel(panel.folder), codes), folder)
        for file in sorted(folder.iterdir()):
            # Parquet is compressed already.
            kind = zipfile.ZIP_STORED if file.suffix == ".parquet" else zipfile.ZIP_DEFLATED
            archive.write(file, file.name, kind)
    packed.seek(0)
    return packed


def _codes(user: Any) -> frozenset[str] | None:
    """The enterprises that an official may see; None: all."""
    scope = official_scope(user, RIGHT)
    if scope.everything:
        return None
    return frozenset(scope.filter(Enterprise.objects.all()).values_list("code", flat=True))


def _count(panel: Panel, codes: frozenset[str]) -> int:
    return sum(code in codes for code in panels.read_panel(panel.folder).frame.get_column(CODE))
