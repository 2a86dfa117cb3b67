"""What every setting has in common. From outside come MUHENG_HOME, MUHENG_DATABASE, MUHENG_CITY, and what ``outside`` reads."""

from __future__ import annotations

import os
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from muheng.web.settings.database import read_database
from muheng.web.settings.outside import read_outside

WEB = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("MUHENG_HOME", "var")).resolve()
CITY = os.environ.get("MUHENG_CITY", "maanshan")

ROOMS = [
    "audit",
    "files",
    "jobs",
    "people",
    "notices",
    "registry",
    "casework",
    "liaison",
    "matching",
    "intake",
    "policy",
    "evaluation",
    "monitoring",
    "emergency",
    "filing",
    "home",
]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "ninja",
    "muheng.web",
    *(f"muheng.web.{room}" for room in ROOMS),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "muheng.web.headers.ContentPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "muheng.web.reading.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "muheng.web.refusal.RefusalMiddleware",
    "muheng.web.entrance.EntranceMiddleware",
]

ROOT_URLCONF = "muheng.web.urls"
WSGI_APPLICATION = "muheng.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "muheng.web.navigation.frame",
            ],
            "builtins": [
                "muheng.web.templatetags.words",
                "django.templatetags.i18n",
                "django.templatetags.static",
            ],
        },
    }
]

# Mail and channels: MAILING, SITE, WEBHOOK_HOSTS and Django's EMAIL_….
globals().update(read_outside(os.environ))

DATABASES = {"default": read_database(os.environ.get("MUHENG_DATABASE", ""), HOME)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "people.User"
LOGIN_URL = "people:login"
LOGIN_REDIRECT_URL = "home:home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Chinese is what the pages are written in; English is a translation of it.
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("中文")), ("en", "English")]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
_PACKAGES = WEB / "assets" / "node_modules"
STATICFILES_DIRS = [
    ("vendor/echarts", str(_PACKAGES / "echarts" / "dist")),
    ("vendor/leaflet", str(_PACKAGES / "leaflet" / "dist")),
]
MEDIA_ROOT = HOME / "files"

# A department's workbook of 100,000 rows is some 30 MB; it is written to disk as it comes.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
UPLOAD_MAX_BYTES = 200 * 1024 * 1024
UPLOAD_MAX_FILES = 40
# All files of one request; a batch of more is sent in several.
REQUEST_MAX_BYTES = 1024 * 1024 * 1024

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
