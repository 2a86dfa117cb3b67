"""Mails: what is in them, and the connection that they go by. Plain text with a simple page beside it."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import ngettext

from muheng.web.notices.models import Letter, Notice, Preference
from muheng.web.notices.reasons import Undelivered
from muheng.web.people.queries import city_title

MOST = 50  # notices told one by one in a letter


class Stopped(Undelivered):
    """The mail server itself cannot be used: no letter goes, whoever it is to."""


class Post:
    """A connection to the site's mail server, for as long as the block lasts. Raises Stopped where there is none."""

    def __init__(self) -> None:
        self._backend = EmailBackend()

    def __enter__(self) -> Post:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def send(self, letter: Letter, notices: Sequence[Notice]) -> None:
        """Send a letter with notices. Raises Undelivered where this one does not go, Stopped where none does."""
        try:
            validate_email(letter.address)
        except ValidationError as error:
            raise Undelivered("recipient", letter.address) from error
        if self._backend.connection is None:
            self._open()
        try:
            self._backend.send_messages([write_letter(letter, notices)])
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            reason = "recipient" if code >= 500 else "mail_refused"
            raise Undelivered(reason, f"{code} {_text(said)}") from error
        except smtplib.SMTPServerDisconnected as error:
            self._close()  # perhaps because of this letter: the next one finds out
            raise Undelivered("mail_server", _said(error)) from error
        except smtplib.SMTPException as error:
            raise Undelivered("mail_refused", _said(error)) from error
        except OSError as error:
            self._close()
            raise Undelivered("mail_server", _said(error)) from error

    def _open(self) -> None:
        try:
            self._backend.open()
        except (smtplib.SMTPException, OSError) as error:
            self._close()
            if isinstance(error, ssl.SSLCertVerificationError):
                raise Stopped("certificate", error.verify_message) from error
            reason = "mail_login" if isinstance(error, smtplib.SMTPAuthenticationError) else "mail_server"
            raise Stopped(reason, _said(error)) from error

    def _close(self) -> None:
        # Everything that was sent has been acknowledged already.
        with suppress(smtplib.SMTPException, OSError):
            self._backend.close()
        self._backend.connection = None


def write_letter(letter: Letter, notices: Sequence[Notice]) -> EmailMultiAlternatives:
    """The mail in the language of the person's choice."""
    wish = getattr(letter.person, "preference", None) or Preference(person=letter.person)
    with translation.override(wish.language):
        shown = [
            {"notice": notice, "link": settings.SITE + reverse("notices:open", args=[notice.pk])}
            for notice in notices[:MOST]
        ]
        context = {
            "person": letter.person,
            "shown": shown,
            "more": len(notices) - len(shown),
            "list": settings.SITE + reverse("notices:list"),
            "preferences": settings.SITE + reverse("notices:preferences"),
            "city": city_title(),
            "language": wish.language,
        }
        message = EmailMultiAlternatives(
            subject=_subject(notices),
            body=render_to_string("notices/letter.txt", context),
            to=[letter.address],
            headers={
                # The same for each try, so that a mail that came after all is known to be the same.
                "Message-ID": f"<letter-{letter.pk}-{letter.created_at:%Y%m%d%H%M%S%f}@{_domain()}>",
                "Auto-Submitted": "auto-generated",
            },
        )
        message.attach_alternative(render_to_string("notices/letter.html", context), "text/html")
    return message


def _subject(notices: Sequence[Notice]) -> str:
    if len(notices) == 1:
        # The database may hold what did not come by ``tell``: a header has no second line.
        return " ".join(notices[0].subject_line.split())
    return ngettext("您有 %(count)d 条通知", "您有 %(count)d 条通知", len(notices)) % {"count": len(notices)}


def _domain() -> str:
    return urlsplit(settings.SITE).hostname or "localhost"


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
