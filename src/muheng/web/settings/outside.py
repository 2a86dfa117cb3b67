"""Where the site may reach out to: the mail server, the address that links in mails begin with, hosts of channels."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def read_outside(environment: Mapping[str, str]) -> dict[str, Any]:
    """Django's settings of mail, and the site's own: MAILING, SITE, WEBHOOK_HOSTS. Raises ImproperlyConfigured.

    ``MUHENG_SMTP``: ``smtp://host:25``, ``smtp://user:password@host:587`` (changes to TLS before the password is told;
    ``?tls=no`` does not), ``smtps://user:password@host:465``. Without it no mail is sent.
    """
    site = _read_site(environment.get("MUHENG_SITE", ""))
    hosts = [host.strip().lower() for host in environment.get("MUHENG_WEBHOOK_HOSTS", "").split(",")]
    found = {"MAILING": False, "SITE": site, "WEBHOOK_HOSTS": tuple(host for host in hosts if host)}
    address = environment.get("MUHENG_SMTP", "")
    if not address:
        return found
    sender = environment.get("MUHENG_MAIL_FROM", "")
    if "@" not in parseaddr(sender)[1] or any(letter in sender for letter in "\r\n"):
        raise ImproperlyConfigured("设置了 MUHENG_SMTP，还要用 MUHENG_MAIL_FROM 写明发件地址。")
    if not site:
        raise ImproperlyConfigured(
            "设置了 MUHENG_SMTP，还要用 MUHENG_SITE 写明网站的地址，邮件里的链接用它开头。"
        )
    return found | read_smtp(address) | {"MAILING": True, "DEFAULT_FROM_EMAIL": sender}


def read_smtp(address: str) -> dict[str, Any]:
    """Django's settings of a mail server. Raises ImproperlyConfigured; the password is not repeated."""
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == 0:
        raise ImproperlyConfigured(
            "MUHENG_SMTP 应写成 smtp://用户:密码@主机:端口 或 smtps://用户:密码@主机:端口。"
        )
    user = unquote(parts.username or "")
    whole = parts.scheme == "smtps"
    port = port or (465 if whole else 587 if user else 25)
    asked = dict(parse_qsl(parts.query)).get("tls") != "no"
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": whole,
        "EMAIL_USE_TLS": not whole and asked and (bool(user) or port == 587),
        "EMAIL_TIMEOUT": 20,
    }


def _read_site(address: str) -> str:
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ImproperlyConfigured(f"MUHENG_SITE 应写成 https://域名，现在是“{address}”。")
    return address.rstrip("/")
