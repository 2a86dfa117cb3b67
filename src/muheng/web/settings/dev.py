"""A laptop and the demo: everything in one folder, its secret made at the first start."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from muheng.web.settings.base import *  # noqa: F403
from muheng.web.settings.base import HOME


def _secret(file: Path) -> str:
    """The site's secret, made at its first start; of several processes that start at once, one's is everybody's."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".secret-")
        try:
            with os.fdopen(handle, "w", encoding="ascii") as out:
                out.write(get_random_secret_key())
            # A link appears whole, and only where there is none yet.
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    return file.read_text(encoding="ascii")


DEBUG = False
SECRET_KEY = _secret(HOME / "secret")
ALLOWED_HOSTS = ["*"] if os.environ.get("MUHENG_ANY_HOST") else ["127.0.0.1", "localhost", "[::1]"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
