"""A stored file as a download. Which files a person may have is decided by the room that shows the link."""

from __future__ import annotations

from django.http import FileResponse

from muheng.web.files.models import StoredFile


def download(file: StoredFile, name: str = "") -> FileResponse:
    """The file's bytes, always to be saved, never shown in the site's own place."""
    return FileResponse(
        file.path.open("rb"),
        as_attachment=True,
        filename=name or file.name,
        content_type="application/octet-stream",
        headers={"X-Content-Type-Options": "nosniff"},
    )
