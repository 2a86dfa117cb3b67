"""Tell people and channels something; mark as read; say how one wishes to be told.

``tell`` and ``tell_channel`` are called inside the transaction of the deed that there is something to tell of. They write
rows and no more: what goes outside goes by a job (``tasks``), asked for in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from unicodedata import category

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from muheng.web.audit.actions import record
from muheng.web.jobs.actions import enqueue
from muheng.web.jobs.models import Job
from muheng.web.notices.models import Channel, Dispatch, Notice, Preference, State
from muheng.web.notices.post import BadAddress, read_address
from muheng.web.notices.sealing import seal
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import require
from muheng.web.refusal import Refused

DELIVER = "notices.deliver"
TRY = "notices.try"
RIGHT = "notices.configure"
DIGEST_HOUR = 8  # of the morning, in the site's time
OLD = timedelta(days=1)  # what happened before that is history: in the site, not outside


@transaction.atomic
def tell(
    people: Iterable[User],
    subject_line: Any,
    text: Any,
    href: str,
    *,
    room: str,
    key: str = "",
    urgent: bool = False,
    at: datetime | None = None,
) -> int:
    """Tell each of ``people`` once; gives how many were told now.

    ``subject_line`` and ``text`` may be lazy translations: each person's are in their own language. ``href`` is a path of
    the site. With ``key``, who has not read the last notice of that key is not told again. ``at``: when it happened;
    what happened more than a day ago is told in the site only.
    """
    now = timezone.now()
    when = at or now
    asked = {person.pk: person for person in people if person.is_active}
    if key:
        unread = Notice.objects.filter(person__in=asked, key=key, read_at=None)
        for told in unread.values_list("person_id", flat=True):
            del asked[told]
    if not asked:
        return 0
    _check_href(href)
    preferences = {each.person_id: each for each in Preference.objects.filter(person__in=asked)}
    mailing = settings.MAILING and now - when < OLD
    notices = []
    for person in asked.values():
        wish = preferences.get(person.pk) or Preference(person=person)
        with translation.override(wish.language):
            notices.append(
                Notice(
                    person=person,
                    subject_line=one_line(subject_line, 200),
                    text=clean(text),
                    href=href,
                    room=room,
                    key=key,
                    urgent=urgent,
                    at=when,
                    mail_at=_mail_at(person, wish, urgent, now) if mailing else None,
                )
            )
    # Somebody else may have told the same at the same moment.
    Notice.objects.bulk_create(notices, ignore_conflicts=bool(key), batch_size=500)
    due = [notice.mail_at for notice in notices if notice.mail_at is not None]
    if due:
        ask_delivery(min(due))  # which asks for the next
    return len(notices)


def _mail_at(person: User, wish: Preference, urgent: bool, now: datetime) -> datetime | None:
    if not person.email or wish.mail == Preference.Mail.NONE:
        return None
    if urgent or wish.mail == Preference.Mail.AT_ONCE:
        return now
    local = timezone.localtime(now)
    morning = local.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return morning if local < morning else morning + timedelta(days=1)


@transaction.atomic
def tell_channel(
    organisations: Iterable[Organisation],
    subject_line: Any,
    text: Any,
    href: str,
    *,
    room: str,
    key: str = "",
    urgent: bool = False,
    at: datetime | None = None,
) -> int:
    """Tell the channels of organisations and of those above them; gives how many were told now.

    A channel gets what it is set to get: certain rooms, or only what is urgent. With ``key``, a channel is told once.
    """
    now = timezone.now()
    when = at or now
    places = {int(number) for each in organisations for number in each.path.strip("/").split("/") if number}
    if not places or now - when >= OLD:
        return 0
    held = Channel.objects.filter(organisation__in=places, ended_at=None).order_by("pk")
    if key:
        held = held.exclude(dispatches__key=key)
    wanted = [
        channel
        for channel in held
        if (urgent or not channel.urgent_only) and (not channel.rooms or room in channel.rooms)
    ]
    if not wanted:
        return 0
    _check_href(href)
    made = []
    for channel in wanted:
        with translation.override(channel.language):
            made.append(
                Dispatch(
                    channel=channel,
                    subject_line=one_line(subject_line, 200),
                    text=clean(text),
                    href=href,
                    room=room,
                    key=key,
                    urgent=urgent,
                    at=when,
                    due_at=now,
                )
            )
    Dispatch.objects.bulk_create(made, ignore_conflicts=bool(key))
    ask_delivery(now)
    return len(made)


def ask_delivery(moment: datetime) -> None:
    """See to it that a job delivers what is due at ``moment``. One that waits and begins by then is enough.

    To be called in the transaction that writes what is to be delivered. The waiting job is held until that transaction
    ends (on SQLite the whole database is): it cannot begin before what we wrote can be seen.
    """
    waiting = Job.objects.filter(
        Q(not_before=None) | Q(not_before__lte=moment), kind=DELIVER, state=Job.State.WAITING
    )
    if connection.features.has_select_for_update_skip_locked:
        waiting = waiting.select_for_update(skip_locked=True)
    if waiting.first() is None:
        later = moment if moment > timezone.now() else None
        enqueue(DELIVER, None, _("发出通知"), not_before=later)


def mark_read(person: User, numbers: Iterable[int]) -> int:
    """Mark a person's notices as read; gives how many were not yet."""
    own = Notice.objects.filter(person=person, pk__in=list(numbers), read_at=None)
    return own.update(read_at=timezone.now())


def mark_all_read(person: User, room: str = "") -> int:
    """Mark all of a person's notices as read, or those of one room."""
    own = Notice.objects.filter(person=person, read_at=None)
    if room:
        own = own.filter(room=room)
    return own.update(read_at=timezone.now())


@transaction.atomic
def set_preference(person: User, mail: str, language: str, email: str) -> Preference:
    """How a person wishes to be told. Raises Refused for an address that is none."""
    address = email.strip()
    if address:
        try:
            validate_email(address)
        except ValidationError as error:
            raise Refused(
                _("“%(address)s”不是邮箱地址。") % {"address": address[:100]},
                _("应写成 name@example.cn 的样子。"),
                status=422,
                code="invalid",
                at="email",
            ) from error
    if mail not in Preference.Mail.values or language not in Preference.Tongue.values:
        raise Refused(_("没有这样的选择。"), status=422, code="invalid")
    held, _new = Preference.objects.update_or_create(
        person=person, defaults={"mail": mail, "language": language}
    )
    User.objects.filter(pk=person.pk).update(email=address)
    person.email = address
    record(person, "notices.set_preference", person, mail=mail, language=language)
    return held


@transaction.atomic
def make_channel(
    person: User, organisation: Organisation, kind: str, name: str, address: str, secret: str, **settings: Any
) -> Channel:
    """A channel of an organisation; ``settings`` as of ``change_channel``. Raises Refused."""
    require(person, RIGHT, at=organisation)
    if kind not in Channel.Kind.values:
        raise Refused(_("没有这样的选择。"), status=422, code="invalid", at="kind")
    channel = Channel(organisation=organisation, kind=kind)
    if not address:
        raise _bad_address()
    _set(channel, name, address, secret, **settings)
    channel.save()
    record(
        person, "notices.make_channel", channel, kind=kind, host=channel.host, organisation=organisation.path
    )
    return channel


@transaction.atomic
def change_channel(
    person: User, channel: Channel, name: str, address: str = "", secret: str = "", **settings: Any
) -> None:
    """Change a channel: ``rooms``, ``urgent_only``, ``language``; address and secret only where they are given.

    A new address without a secret has none: what was for one receiver is not shown to another.
    """
    require(person, RIGHT, at=channel.organisation)
    _set(channel, name, address, secret, **settings)
    channel.rest_until = None
    channel.save()
    changed = [each for each, given in (("address", address), ("secret", secret)) if given]
    record(person, "notices.change_channel", channel, host=channel.host, changed=changed)


def _set(
    channel: Channel,
    name: str,
    address: str,
    secret: str,
    rooms: Iterable[str] = (),
    urgent_only: bool = False,
    language: str = Preference.Tongue.CHINESE,
) -> None:
    channel.name = one_line(name, 80)
    if not channel.name:
        raise Refused(_("请写渠道的名称。"), status=422, code="invalid", at="name")
    if address:
        try:
            parts = read_address(address)
        except BadAddress as error:
            raise _bad_address() from error
        channel.host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
        channel.sealed_address, channel.sealed_secret = seal(address), ""
    if secret:
        channel.sealed_secret = seal(secret)
    if language not in Preference.Tongue.values:
        raise Refused(_("没有这样的选择。"), status=422, code="invalid", at="language")
    channel.rooms, channel.urgent_only, channel.language = sorted(set(rooms)), urgent_only, language


def _bad_address() -> Refused:
    return Refused(
        _("这个地址不能用。"),
        _(
            "应是 http:// 或 https:// 开头的完整地址，不带用户名，不是本机或链路本地地址，并在网站允许的主机之内。"
        ),
        status=422,
        code="invalid",
        at="address",
    )


@transaction.atomic
def end_channel(person: User, channel: Channel) -> None:
    """Nothing goes to a channel any more; its log stays, its address and secret do not."""
    require(person, RIGHT, at=channel.organisation)
    channel.ended_at, channel.sealed_address, channel.sealed_secret = timezone.now(), "", ""
    channel.save()
    Dispatch.objects.filter(channel=channel, state=State.WAITING).update(state=State.GIVEN_UP, reason="ended")
    record(person, "notices.end_channel", channel)


@transaction.atomic
def try_channel(person: User, channel: Channel) -> Job:
    """Send a trial message; the job tells when it has gone."""
    require(person, RIGHT, at=channel.organisation)
    if channel.ended_at is not None:
        raise Refused(_("渠道已停用。"))
    now = timezone.now()
    with translation.override(channel.language):
        trial = Dispatch.objects.create(
            channel=channel,
            subject_line=_("测试：来自亩衡的消息"),
            text=_("看到这条消息，说明渠道“%(name)s”设置好了。") % {"name": channel.name},
            href="/notices/",
            at=now,
            due_at=now,
            trial=True,
        )
    record(person, "notices.try_channel", channel)
    return enqueue(TRY, person, _("发送测试消息：%(name)s") % {"name": channel.name}, dispatch=trial.pk)


@transaction.atomic
def send_again(person: User, dispatch: Dispatch) -> None:
    """Put a message that was given up back into the queue."""
    require(person, RIGHT, at=dispatch.channel.organisation)
    now = timezone.now()
    given_up = Dispatch.objects.filter(
        pk=dispatch.pk, state=State.GIVEN_UP, trial=False, channel__ended_at=None
    )
    if not given_up.update(state=State.WAITING, due_at=now, attempts=0, created_at=now):
        raise Refused(_("这条消息不在“没有发成”里，或渠道已停用。"))
    record(person, "notices.send_again", dispatch.channel, dispatch=dispatch.pk)
    ask_delivery(now)


def _check_href(href: str) -> None:
    """A caller's mistake, not a person's: links lead into the site."""
    if not href.startswith("/") or not url_has_allowed_host_and_scheme(href, None):
        raise ValueError(f"not a path of the site: {href!r}")


def one_line(text: Any, most: int) -> str:
    """Text without breaks and control characters, as a subject has to be."""
    line = " ".join(clean(text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def clean(text: Any) -> str:
    """Text without control characters other than line breaks."""
    kept = str(text).replace("\t", " ")
    return "".join(letter for letter in kept if letter == "\n" or category(letter)[0] != "C").strip()
