"""A laptop and the demo: everything in one folder, its secret made at the first start."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from muheng.web.settings.base import *  # noqa: F403
from muheng.web.settings.base import HOME


def _secret(file: Path) -> str:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process was a moment earlier
            return file.read_text(encoding="ascii")
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(get_random_secret_key())
    return file.read_text(encoding="ascii")


DEBUG = False
SECRET_KEY = _secret(HOME / "secret")
ALLOWED_HOSTS = ["*"] if os.environ.get("MUHENG_ANY_HOST") else ["127.0.0.1", "localhost", "[::1]"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
