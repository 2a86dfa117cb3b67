"""A folder of evidence as one zip; the same folder gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
PLAIN_FILE = 0o100644 << 16


def export_evidence(folder: Path) -> bytes:
    """Nothing is checked here: what was changed is found when the zip is verified."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = PLAIN_FILE
            info.create_system = 3
            archive.writestr(info, path.read_bytes())
    return data.getvalue()
