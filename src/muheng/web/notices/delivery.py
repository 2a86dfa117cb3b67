"""What is due goes out: letters by mail, dispatches to channels. Called by a job, never by a request.

A message is taken before it is sent, by putting its next time off: of two workers one sends it, and what a worker
that died had in hand is tried again. So a message may in a bad moment go twice, and is never lost.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from time import monotonic

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Min, Q
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from muheng.web.notices.letters import Post, Stopped
from muheng.web.notices.models import Channel, Dispatch, Letter, Notice, Preference, State
from muheng.web.notices.post import post
from muheng.web.notices.reasons import Undelivered
from muheng.web.notices.robots import A_MINUTE, judge, write_request
from muheng.web.notices.sealing import Unreadable, unseal

_log = logging.getLogger(__name__)

A_RUN = 30.0  # seconds of one job; other work waits meanwhile
LEASE = timedelta(minutes=2)
WAITS = tuple(timedelta(minutes=each) for each in (1, 5, 30, 120, 360, 720))
"""Before each further try; after as many and one, it is given up."""
OLDEST = timedelta(days=3)  # what has waited longer is given up, whosever fault it is
REST = timedelta(minutes=1)  # of a channel that gave no answer
SERVER_REST = timedelta(minutes=5)  # of a mail server that could not be reached
_BATCH = 2000  # notices put into letters at once
_LETTERS = 500  # of one connection


def deliver_due(clock: float = A_RUN) -> int:
    """Send what is due, for as long as ``clock`` seconds; gives how many messages went out."""
    until = monotonic() + clock
    return send_letters(until) + send_dispatches(until)


def next_due() -> datetime | None:
    """When the next message is to be tried; None where nothing waits."""
    moments: list[datetime | None] = [
        Dispatch.objects.filter(state=State.WAITING, trial=False).aggregate(
            first=Min(Greatest("due_at", Coalesce("channel__rest_until", "due_at")))
        )["first"]
    ]
    if settings.MAILING:
        moments.append(_to_mail().aggregate(first=Min("mail_at"))["first"])
        moments.append(Letter.objects.filter(state=State.WAITING).aggregate(first=Min("due_at"))["first"])
    return min((moment for moment in moments if moment is not None), default=None)


# -- mail ------------------------------------------------------------------------------------------


def send_letters(until: float) -> int:
    """Put together what is due for each person, and send it; one bad address does not stop the others."""
    if not settings.MAILING:
        return 0
    now = timezone.now()
    gather_letters(now)
    waiting = Letter.objects.filter(state=State.WAITING, due_at__lte=now).order_by("due_at", "pk")
    if not waiting.exists():
        return 0
    sent = 0
    try:
        with Post() as mail:
            for letter in list(waiting.select_related("person__preference")[:_LETTERS]):
                if monotonic() > until:
                    break
                sent += _send_letter(mail, letter)
    except Stopped as stopped:
        _put_off(stopped)
    return sent


def gather_letters(now: datetime) -> None:
    """A letter to each person for whom notices are due by mail; what was read in the site meanwhile is left out."""
    due = _to_mail().filter(mail_at__lte=now).select_related("person__preference")
    for _person, group in groupby(due.order_by("person", "pk")[:_BATCH], key=lambda notice: notice.person_id):
        notices = list(group)
        person = notices[0].person
        own = Notice.objects.filter(pk__in=[notice.pk for notice in notices], letter=None)
        wish = getattr(person, "preference", None)
        if not person.email or not person.is_active or (wish and wish.mail == Preference.Mail.NONE):
            own.update(mail_at=None)
            continue
        with transaction.atomic():
            letter = Letter.objects.create(person=person, address=person.email, due_at=now)
            if not own.update(letter=letter):
                letter.delete()  # another worker was quicker


def _to_mail() -> models.QuerySet[Notice]:
    return Notice.objects.filter(letter=None, read_at=None).exclude(mail_at=None)


def _send_letter(mail: Post, letter: Letter) -> int:
    now = timezone.now()
    own = Letter.objects.filter(pk=letter.pk)
    taken = own.filter(state=State.WAITING, due_at=letter.due_at)
    if not taken.update(due_at=now + LEASE, attempts=F("attempts") + 1):
        return 0
    notices = list(letter.notices.filter(read_at=None).order_by("-urgent", "at", "pk"))
    if not notices:
        own.delete()
        return 0
    try:
        mail.send(letter, notices)
    except Stopped:
        own.update(due_at=now, attempts=F("attempts") - 1)  # it has not been tried
        raise
    except Exception as error:
        failed = _known(error)
        lasting = failed.reason == "recipient"
        own.update(**_after(failed, letter.attempts + 1, letter.created_at, now, lasting))
        return 0
    own.update(state=State.SENT, sent_at=timezone.now(), reason="", answer="")
    return 1


def _put_off(stopped: Stopped) -> None:
    """All letters wait for the server; what has waited too long is given up."""
    now = timezone.now()
    why = {"reason": stopped.reason, "answer": _keep(stopped.answer)}
    waiting = Letter.objects.filter(state=State.WAITING, due_at__lte=now)
    waiting.filter(created_at__lt=now - OLDEST).update(state=State.GIVEN_UP, **why)
    waiting.update(due_at=now + SERVER_REST, **why)


# -- channels --------------------------------------------------------------------------------------


def send_dispatches(until: float) -> int:
    """One message of each channel in turn, as long as there are any and a channel takes them."""
    Dispatch.objects.filter(state=State.WAITING).exclude(channel__ended_at=None).update(
        state=State.GIVEN_UP, reason="ended"
    )
    sent, busy = 0, True
    while busy:
        busy = False
        for channel in _ready_channels():
            if monotonic() > until:
                return sent
            dispatch = _next_of(channel)
            if dispatch is not None:
                busy = True
                sent += send_dispatch(dispatch)
    return sent


def _ready_channels() -> Iterator[Channel]:
    now = timezone.now()
    waiting = Dispatch.objects.filter(state=State.WAITING, trial=False, due_at__lte=now)
    ready = Channel.objects.filter(pk__in=waiting.values("channel"), ended_at=None)
    yield from ready.filter(Q(rest_until=None) | Q(rest_until__lte=now)).order_by("pk")


def _next_of(channel: Channel) -> Dispatch | None:
    """The message that is to go next, taken; None where there is none, or the channel has had its share."""
    now = timezone.now()
    minute = timedelta(minutes=1)
    tried = Dispatch.objects.filter(channel=channel, tried_at__gt=now - minute).order_by("-tried_at")
    share = A_MINUTE[channel.kind]
    full = tried.values_list("tried_at", flat=True)[share - 1 : share].first()
    if full is not None:
        Channel.objects.filter(pk=channel.pk).update(rest_until=full + minute)
        return None
    waiting = channel.dispatches.filter(state=State.WAITING, trial=False, due_at__lte=now)
    dispatch = waiting.order_by("-urgent", "pk").first()
    if dispatch is None:
        return None
    own = Dispatch.objects.filter(pk=dispatch.pk, state=State.WAITING, due_at=dispatch.due_at)
    if not own.update(due_at=now + LEASE, tried_at=now, attempts=F("attempts") + 1):
        return None
    dispatch.attempts += 1
    dispatch.channel = channel
    return dispatch


def send_dispatch(dispatch: Dispatch) -> int:
    """Send one message, and write down how that went; 1 where the channel took it."""
    own = Dispatch.objects.filter(pk=dispatch.pk)
    try:
        status, said = _post(dispatch)
    except Exception as error:
        failed, now = _known(error), timezone.now()
        limited = failed.reason == "limited"
        own.update(
            status=failed.status,
            **_after(failed, dispatch.attempts, dispatch.created_at, now, dispatch.trial),
        )
        if limited and not dispatch.trial:
            # Said to be too much is no try; it keeps its place.
            own.filter(state=State.WAITING).update(due_at=now, attempts=F("attempts") - 1)
        rest = timedelta(seconds=failed.pause) or (REST if _is_silent(failed) else None)
        if rest:
            Channel.objects.filter(pk=dispatch.channel_id).update(rest_until=now + rest)
        return 0
    own.update(state=State.SENT, status=status, answer=said, reason="")
    return 1


def _post(dispatch: Dispatch) -> tuple[int, str]:
    channel = dispatch.channel
    try:
        address, secret = unseal(channel.sealed_address), unseal(channel.sealed_secret)
    except Unreadable as error:
        raise Undelivered("key") from error
    link = f"{settings.SITE}{dispatch.href}" if settings.SITE and dispatch.href else ""
    with translation.override(channel.language):
        label = _("去办理")
    request = write_request(channel.kind, address, secret, dispatch, link, label, timezone.now())
    answer = post(request.address, request.body, request.headers)
    judge(channel.kind, answer)
    return answer.status, _keep(answer.text)


def _is_silent(failed: Undelivered) -> bool:
    """Whether the other side itself is in trouble, rather than with this message."""
    return failed.status is None or failed.status >= 500


def _after(
    failed: Undelivered, attempts: int, created_at: datetime, now: datetime, lasting: bool
) -> dict[str, object]:
    """What a message becomes that did not arrive: tried again later, or given up."""
    why: dict[str, object] = {"reason": failed.reason, "answer": _keep(failed.answer)}
    if lasting or attempts > len(WAITS) or now - created_at > OLDEST:
        return why | {"state": State.GIVEN_UP}
    return why | {"due_at": now + WAITS[attempts - 1]}


def _known(error: Exception) -> Undelivered:
    """Why a message has not arrived; what nobody foresaw is written down, and the next message has its turn."""
    if isinstance(error, Undelivered):
        return error
    _log.exception("a message was not sent")
    return Undelivered("broken", type(error).__name__)


def _keep(said: str) -> str:
    """The beginning of what the other side said, as a database can hold it."""
    return said.replace("\0", "")[:200]
