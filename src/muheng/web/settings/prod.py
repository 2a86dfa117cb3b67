"""A city's server, behind TLS. MUHENG_SECRET, MUHENG_HOSTS and MUHENG_DATABASE come from its environment."""

from __future__ import annotations

import os

from django.core.exceptions import ImproperlyConfigured

from muheng.web.settings.base import *  # noqa: F403


def _need(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"请设置环境变量 {name}。")
    return value


DEBUG = False
SECRET_KEY = _need("MUHENG_SECRET")
ALLOWED_HOSTS = _need("MUHENG_HOSTS").split(",")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host != "*"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
