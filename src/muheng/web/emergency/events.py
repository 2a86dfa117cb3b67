"""Orders and what became of them on an enterprise's timeline."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.casework.models import Case
from muheng.web.casework.ways import Way, register_way
from muheng.web.emergency.models import CheckIn
from muheng.web.emergency.queries.alerts import orders_for
from muheng.web.emergency.sayings import say_level
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise
from muheng.web.registry.timeline import KINDS, Event, provider

KINDS["emergency"] = gettext_lazy("应急减排")
_MOST = 40


@provider
def orders(enterprise: Enterprise, user: User) -> Iterator[Event]:
    """The newest orders, their acknowledgement, and checks that found something."""
    rows = list(orders_for(user).filter(enterprise=enterprise, lines__gt=0).order_by("-sent_at")[:_MOST])
    for order in rows:
        href = reverse("emergency:order", args=[order.pk])
        values = {"level": say_level(order.level), "count": order.lines}
        title = _("%(level)s预警：%(count)s 条生产线减排") % values
        yield Event(timezone.localdate(order.sent_at), "emergency", title, order.alert.number, href)
        if order.acknowledged_at is not None:
            yield Event(
                timezone.localdate(order.acknowledged_at), "emergency", _("确认收到减排措施"), "", href
            )
    found = CheckIn.objects.filter(order__in=rows).exclude(verdict=CheckIn.Verdict.OPEN)
    for check in found.select_related("measure").order_by("-at")[:_MOST]:
        said = f"{check.measure.line_name}：{check.get_verdict_display()}"
        href = reverse("emergency:order", args=[check.order_id])
        yield Event(timezone.localdate(check.at), "emergency", said, check.get_kind_display(), href)


@register_way
def find_order_of(case: Case, user: User) -> Way | None:
    """From a case to the order that it came from."""
    room, _colon, number = case.source.partition(":")
    if room != "emergency.order" or not number.isdigit():
        return None
    order = orders_for(user).filter(pk=int(number)).first()
    if order is None:
        return None
    return Way(_("看应急减排通知"), reverse("emergency:order", args=[order.pk]))
