"""What waits for a person in this room: alerts to be issued, plants to be looked at, orders to be answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.emergency.execution import ACKNOWLEDGE_WITHIN
from muheng.web.emergency.actions.alerts import CUTS, judge_again, newest_forecast
from muheng.web.emergency.models import Alert, Forecast
from muheng.web.emergency.queries import alerts as queries
from muheng.web.emergency.sayings import say_level
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds, represents
from muheng.web.templatetags.words import moment
from muheng.web.waiting import Waiting


def list_deeds(user: User, now: datetime | None = None) -> list[Waiting]:
    """What waits for a person, the most urgent first."""
    now = now or timezone.now()
    found = [*_own(user, now), *_alert(user, now), *_inspect(user)]
    return sorted(found, key=lambda each: (not each.urgent, each.until is None, each.until or now))


def _own(user: User, now: datetime) -> Iterator[Waiting]:
    if not represents(user):
        return
    orders = queries.own_orders(user).filter(alert__state=Alert.State.ISSUED, replaced_at=None, lines__gt=0)
    for order in orders.order_by("due_at")[:5]:
        href = reverse("emergency:order", args=[order.pk])
        level = say_level(order.level)
        if order.acknowledged_at is None:
            title = _("确认收到%(level)s预警的减排措施") % {"level": level}
            yield Waiting(title, href, order.sent_at + ACKNOWLEDGE_WITHIN, order.firm.name, urgent=True)
        elif order.done_lines < order.lines:
            title = _("落实%(level)s预警的减排措施，报送凭证") % {"level": level}
            left = _("还有 %(count)s 条生产线没有到位的凭证") % {"count": order.lines - order.done_lines}
            yield Waiting(title, href, order.due_at, left, urgent=order.due_at - now < timedelta(hours=6))


def _alert(user: User, now: datetime) -> Iterator[Waiting]:
    place = queries.alert_place(user)
    if place is None:
        return
    alert = queries.live_alert(place)
    if alert is None:
        if holds(user, queries.EDIT, place):
            yield from _to_propose(place, now)
            yield from _to_report(place)
        return
    href = reverse("emergency:alert", args=[alert.pk])
    level = say_level(alert.level)
    if alert.state == Alert.State.PROPOSED:
        if holds(user, queries.ISSUE, place) and alert.proposed_by_id != user.pk:
            title = _("审定%(level)s预警：签发或不启动") % {"level": level}
            yield Waiting(title, href, alert.starts_at, alert.reason[:80], urgent=True)
        return
    forecast = newest_forecast(alert)
    if forecast is None or not holds(user, queries.ISSUE, place) or alert.cause != CUTS:
        return
    judged = judge_again(forecast, alert, now)
    said = {
        "upgrade": _("按预报应升级为%(level)s预警"),
        "downgrade": _("按预报可以降级为%(level)s预警"),
        "lift": _("按预报可以解除预警"),
    }.get(judged.action)
    if said:
        title = said % {"level": say_level(judged.level or "")}
        yield Waiting(title, href, judged.issue_by, urgent=judged.action == "upgrade")


def _to_propose(place: Organisation, now: datetime) -> Iterator[Waiting]:
    forecast = Forecast.objects.filter(organisation=place).order_by("-issued_at", "-pk").first()
    if forecast is None:
        return
    judged = judge_again(forecast, None, now)
    if judged.action == "issue":
        title = _("预报达到%(level)s预警，提出预警") % {"level": say_level(judged.level or "")}
        note = ""
        if judged.issue_by is not None:
            said = _("最迟应在%(when)s发布，已过，请立即办") if judged.late else _("最迟%(when)s发布")
            note = said % {"when": moment(judged.issue_by)}
        href = reverse("emergency:forecast", args=[forecast.pk])
        yield Waiting(title, href, None, note, urgent=True)


def _to_report(place: Organisation) -> Iterator[Waiting]:
    ended = Alert.objects.filter(
        organisation=place, state=Alert.State.LIFTED, reports=None, issued_at__isnull=False
    )
    for alert in ended.order_by("-lifted_at")[:2]:
        title = _("写总结报告：%(title)s") % {"title": alert.title}
        yield Waiting(title, reverse("emergency:report", args=[alert.pk]))


def _inspect(user: User) -> Iterator[Waiting]:
    if not holds(user, queries.INSPECT):
        return
    rows = queries.inspectable(user)
    broken = queries.filter_state(rows, "broken").count()
    silent = rows.filter(acknowledged_at=None, reminded_at__isnull=False).count()
    href = reverse("emergency:checks")
    if broken:
        yield Waiting(_("%(count)s 家企业措施不到位，去现场") % {"count": broken}, href, urgent=True)
    if silent:
        yield Waiting(_("%(count)s 家企业没有确认，打电话或去现场") % {"count": silent}, href, urgent=True)
