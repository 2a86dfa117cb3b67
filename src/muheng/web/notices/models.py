"""What people are told, how they wish to be told, and what went out by mail and to channels.

A notice in the site is always there; letters and dispatches only carry it further, and keep how that went.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Of what is to go outside."""

    WAITING = "waiting", _("等待")
    SENT = "sent", _("已发出")
    GIVEN_UP = "given_up", _("没有发成")


class Letter(models.Model):
    """One mail to one person with what was due for them. ``reason`` (a key of ``reasons``) is why it has not gone,
    ``answer`` what the mail server said."""

    person = models.ForeignKey("people.User", models.CASCADE, related_name="letters")
    address = models.EmailField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    reason = models.CharField(max_length=20, default="")
    answer = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("due_at",), condition=Q(state="waiting"), name="letter_waits"),
            models.Index(fields=("-created_at",), condition=Q(state="given_up"), name="letter_given_up"),
        )


class Notice(models.Model):
    """One thing that one person is told. ``mail_at``: when it is to go by mail, null where it is not."""

    # The indices below begin with the person.
    person = models.ForeignKey("people.User", models.CASCADE, related_name="notices", db_index=False)
    subject_line = models.CharField(max_length=200)
    text = models.TextField(default="")
    href = models.CharField(max_length=500)
    room = models.CharField(max_length=20)
    key = models.CharField(max_length=120, default="")
    urgent = models.BooleanField(default=False)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    mail_at = models.DateTimeField(null=True)
    letter = models.ForeignKey(Letter, models.SET_NULL, null=True, related_name="notices")

    class Meta:
        # Unread first, the newest first; what was read follows, the last read first.
        ordering = (F("read_at").desc(nulls_first=True), "-at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("person", "key"),
                condition=~Q(key="") & Q(read_at=None),
                name="told_once_while_unread",
            ),
        )
        indexes = (
            models.Index(fields=("person", "read_at"), condition=Q(read_at=None), name="notice_unread"),
            models.Index(fields=("person", "-at"), name="notice_of_person"),
            models.Index(
                fields=("mail_at",), condition=Q(letter=None) & ~Q(mail_at=None), name="notice_to_mail"
            ),
        )

    def __str__(self) -> str:
        return self.subject_line


class Preference(models.Model):
    """How a person is told besides in the site, and in which language what goes outside is."""

    class Mail(models.TextChoices):
        NONE = "none", _("不发邮件")
        AT_ONCE = "at_once", _("随时发")
        DAILY = "daily", _("每天早上汇总一封，紧急的随时发")

    class Tongue(models.TextChoices):
        CHINESE = "zh-hans", "中文"
        ENGLISH = "en", "English"

    person = models.OneToOneField("people.User", models.CASCADE, related_name="preference")
    mail = models.CharField(max_length=8, choices=Mail.choices, default=Mail.DAILY)
    language = models.CharField(max_length=10, choices=Tongue.choices, default=Tongue.CHINESE)


class Channel(models.Model):
    """A group of a messenger, or a program, that an organisation is told by. Address and secret are enciphered.

    ``rooms``: those whose notices it gets, all where there is none. ``rest_until``: it is left alone until then.
    """

    class Kind(models.TextChoices):
        DINGTALK = "dingtalk", _("钉钉群机器人")
        WECOM = "wecom", _("企业微信群机器人")
        FEISHU = "feishu", _("飞书群机器人")
        JSON = "json", _("程序（JSON）")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=80)
    organisation = models.ForeignKey("people.Organisation", models.PROTECT, related_name="channels")
    host = models.CharField(max_length=260)
    sealed_address = models.TextField()
    sealed_secret = models.TextField(default="", blank=True)
    rooms = models.JSONField(default=list, blank=True)
    urgent_only = models.BooleanField(default=False)
    language = models.CharField(
        max_length=10, choices=Preference.Tongue.choices, default=Preference.Tongue.CHINESE
    )
    rest_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Dispatch(models.Model):
    """One message to one channel: how often it was tried, and what the other side answered at last.

    A ``trial`` is asked for by who sets the channel up, tried once, and not part of the queue.
    """

    channel = models.ForeignKey(Channel, models.CASCADE, related_name="dispatches")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    subject_line = models.CharField(max_length=200)
    text = models.TextField(default="")
    href = models.CharField(max_length=500, default="")
    room = models.CharField(max_length=20, default="")
    key = models.CharField(max_length=120, default="")
    urgent = models.BooleanField(default=False)
    at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    status = models.IntegerField(null=True)
    answer = models.CharField(max_length=200, default="")
    reason = models.CharField(max_length=20, default="")
    trial = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("channel", "key"), condition=~Q(key=""), name="sent_once_to_a_channel"
            ),
        )
        indexes = (
            models.Index(fields=("due_at",), condition=Q(state="waiting"), name="dispatch_waits"),
            models.Index(fields=("channel", "tried_at"), name="dispatch_tried"),
        )
