"""The suite: a real database in a file and quick passwords, in a home that tests/conftest.py makes and removes."""

from __future__ import annotations

from muheng.web.settings.base import *  # noqa: F403
from muheng.web.settings.base import DATABASES, HOME

SECRET_KEY = "the suite's own"
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, not memory: write-ahead logging and waiting writers are then what they are in use.
    DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.sqlite3")}
# No test writes to anybody: those about mail and channels bring servers of their own.
MAILING, SITE, WEBHOOK_HOSTS = False, "", ()
