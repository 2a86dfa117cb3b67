"""What people ask of a device: to take or keep a sample, to send again what is missing. The receiver does the asking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.monitoring.hj212.tables import find_factor
from muheng.web.audit.actions import record
from muheng.web.monitoring.actions.devices import check_reach
from muheng.web.monitoring.models import Ask, Device, Event
from muheng.web.monitoring.moments import to_local
from muheng.web.monitoring.store import write_ask
from muheng.web.people.models import User
from muheng.web.refusal import Refused

COMMANDS: dict[str, Any] = {
    "3012": gettext_lazy("立即采样"),
    "3015": gettext_lazy("超标留样"),
    "2061": gettext_lazy("补传小时数据"),
    "2051": gettext_lazy("补传分钟数据"),
    "2031": gettext_lazy("补传日数据"),
    "1011": gettext_lazy("读取设备时间"),
}
STRETCHES: dict[str, timedelta] = {
    "2061": timedelta(days=31),
    "2051": timedelta(days=2),
    "2031": timedelta(days=366),
}
"""Commands about a stretch of time, and how long it may be at most."""
_SPELLED = "%Y%m%d%H%M%S"


@transaction.atomic
def ask_device(
    actor: User,
    device: Device,
    command: str,
    *,
    factor: str = "",
    begin: datetime | None = None,
    end: datetime | None = None,
    event: Event | None = None,
) -> Ask:
    """Ask a device to do something; ``factor``: of which analyser. What comes of it is known when it has answered. Raises Refused."""
    check_reach(actor, device.point, "monitoring.handle")
    if command not in COMMANDS:
        raise Refused(_("没有这样的请求。"), status=422, code="invalid", at="command")
    if factor and find_factor(factor) is None:
        raise Refused(
            _("没有编码为“%(factor)s”的因子。") % {"factor": factor[:20]},
            status=422,
            code="invalid",
            at="factor",
        )
    if not device.allowed:
        raise Refused(_("设备 %(mn)s 已经停用。") % {"mn": device.mn})
    if command == "3015" and device.edition == 2005:
        raise Refused(_("2005 年版的设备没有留样命令。"), status=422, code="invalid", at="command")
    if Ask.objects.filter(device=device, command=command, state=Ask.State.WAITING).exists():
        raise Refused(_("同样的请求还在等设备答复。"), _("等它有了结果再发。"))
    now = timezone.now()
    ask = Ask.objects.create(
        device=device,
        command=command,
        contents=[list(each) for each in _contents(device, command, factor, begin, end)],
        event=event,
        by=actor,
        at=now,
    )
    record(actor, "monitoring.ask", device.point, mn=device.mn, command=command, contents=ask.contents)
    transaction.on_commit(lambda: write_ask(ask))
    return ask


def _contents(
    device: Device, command: str, factor: str, begin: datetime | None, end: datetime | None
) -> Sequence[tuple[str, str]]:
    if command in ("1011", "3012"):
        # Of the analyser that is meant: the first pollutant with a limit where nobody said which.
        factor = factor or next((each["factor"] for each in device.point.limits), "")
        return (("PolId", factor),) if factor else ()
    if command not in STRETCHES:
        return ()
    if begin is None or end is None or end <= begin:
        raise Refused(_("请写明从何时到何时，结束要晚于开始。"), status=422, code="invalid", at="begin")
    if end - begin > STRETCHES[command]:
        raise Refused(
            _("一次最多补传 %(days)s 天。") % {"days": STRETCHES[command].days},
            _("分几次请求。"),
            status=422,
            code="invalid",
            at="end",
        )
    return (("BeginTime", f"{to_local(begin):{_SPELLED}}"), ("EndTime", f"{to_local(end):{_SPELLED}}"))
