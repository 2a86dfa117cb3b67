"""The suite: a real database in a file, quick passwords, and nothing kept afterwards."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from muheng.web.settings.base import *  # noqa: F403
from muheng.web.settings.base import DATABASES

HOME = Path(tempfile.gettempdir()) / f"muheng-test-{os.getpid()}"
SECRET_KEY = "the suite's own"
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MEDIA_ROOT = HOME / "files"
STATIC_ROOT = HOME / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, not memory: write-ahead logging and waiting writers are then what they are in use.
    DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.sqlite3")}
