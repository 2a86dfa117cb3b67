"""Addresses and secrets of channels as the database holds them: enciphered with a key made from the site's secret.

A copy of the database alone does not give them away. When the site's secret changes, what was sealed with one of
SECRET_KEY_FALLBACKS is still read.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """Sealed with a secret that the site does not have any more."""


def seal(text: str) -> str:
    """The text enciphered; nothing stays nothing."""
    return _keys().encrypt(text.encode()).decode("ascii") if text else ""


def unseal(sealed: str) -> str:
    """The text that was sealed. Raises Unreadable."""
    if not sealed:
        return ""
    try:
        return _keys().decrypt(sealed.encode("ascii")).decode()
    except InvalidToken as error:
        raise Unreadable from error


def _keys() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str | bytes) -> Fernet:
    given = secret.encode() if isinstance(secret, str) else secret
    derived = HKDF(SHA256(), length=32, salt=None, info=b"muheng.notices.channel").derive(given)
    return Fernet(urlsafe_b64encode(derived))
