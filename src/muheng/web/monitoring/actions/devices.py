"""Devices: given to a point, changed, replaced, stopped. The allow-list of the receiver follows when a change is kept.

Passwords and keys are sealed in the database and shown to nobody again; the book of deeds says that they changed, not to what.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.monitoring.dialogue.devices import read_device
from muheng.web.audit.actions import record
from muheng.web.monitoring.models import Device, Point
from muheng.web.monitoring.store import rewrite_when_kept, write_allow_list
from muheng.web.notices.sealing import seal
from muheng.web.people.models import User
from muheng.web.people.rights import require
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.queries import may

EDIT = "monitoring.edit"


@transaction.atomic
def add_device(
    actor: User | None,
    point: Point,
    mn: str,
    password: str,
    *,
    edition: int = 2017,
    key: str = "",
    realtime_seconds: int = 60,
    minute_interval: int = 10,
) -> Device:
    """A device for a point that has none. Raises Refused."""
    held = hold_point(actor, point)
    if held.watched_until is not None:
        raise Refused(_("“%(point)s”已停止监控。") % {"point": held.name})
    other = held.devices.filter(allowed=True).first()
    if other is not None:
        raise Refused(_("这个点位已有设备 %(mn)s。") % {"mn": other.mn}, _("换设备请用“更换”。"), at="mn")
    mn = mn.strip()
    _check(mn, password, edition, key, realtime_seconds, minute_interval)
    known = Device.objects.filter(mn=mn).select_related("point__enterprise").first()
    if known is not None and known.point_id != held.pk:
        raise Refused(
            _("设备 %(mn)s 在%(enterprise)s的“%(point)s”登记过。")
            % {"mn": mn, "enterprise": known.point.enterprise.name, "point": known.point.name},
            _("一台设备的数据只归一个点位。请核对 MN，或在设备里改用新的 MN。"),
            at="mn",
        )
    device = known or Device(mn=mn, point=held, added_at=timezone.now())
    device.edition, device.allowed = edition, True
    device.sealed_password, device.sealed_key = seal(password), seal(key.lower())
    device.realtime_seconds, device.minute_interval = realtime_seconds, minute_interval
    device.save()
    record(actor, "monitoring.add_device", held, mn=mn, edition=edition, enciphered=bool(key))
    rewrite_when_kept(write_allow_list)
    return device


@transaction.atomic
def change_device(
    actor: User | None,
    device: Device,
    *,
    edition: int,
    password: str = "",
    key: str | None = None,
    realtime_seconds: int = 60,
    minute_interval: int = 10,
) -> Device:
    """Password only where one is given; ``key``: None leaves it, empty means plain text from now on. Raises Refused."""
    hold_point(actor, device.point)
    _check(device.mn, password or "000000", edition, key or "", realtime_seconds, minute_interval)
    changed = [name for name, given in (("password", password), ("key", key is not None)) if given]
    if password:
        device.sealed_password = seal(password)
    if key is not None:
        device.sealed_key = seal(key.lower())
    device.edition = edition
    device.realtime_seconds, device.minute_interval = realtime_seconds, minute_interval
    device.save()
    record(
        actor,
        "monitoring.change_device",
        device.point,
        mn=device.mn,
        edition=edition,
        realtime_seconds=realtime_seconds,
        minute_interval=minute_interval,
        changed=changed,
    )
    rewrite_when_kept(write_allow_list)
    return device


@transaction.atomic
def replace_device(
    actor: User | None,
    device: Device,
    mn: str,
    password: str,
    *,
    edition: int = 2017,
    key: str = "",
    realtime_seconds: int = 60,
    minute_interval: int = 10,
) -> Device:
    """Another device in the place of one, which may send no more. Raises Refused."""
    stop_device(actor, device)
    return add_device(
        actor,
        device.point,
        mn,
        password,
        edition=edition,
        key=key,
        realtime_seconds=realtime_seconds,
        minute_interval=minute_interval,
    )


@transaction.atomic
def stop_device(actor: User | None, device: Device) -> None:
    """It may send no more; what came from it stays. Raises Refused."""
    hold_point(actor, device.point)
    if not Device.objects.filter(pk=device.pk, allowed=True).update(allowed=False):
        raise Refused(_("设备 %(mn)s 已经停用。") % {"mn": device.mn})
    device.allowed = False
    record(actor, "monitoring.stop_device", device.point, mn=device.mn)
    rewrite_when_kept(write_allow_list)


def hold_point(actor: User | None, point: Point, right: str = EDIT) -> Point:
    """The point, nobody else's to change; for people whose posts reach to its enterprise. Raises Refused."""
    held = (
        Point.objects.select_for_update(of=("self",)).select_related("enterprise", "outlet").get(pk=point.pk)
    )
    check_reach(actor, held, right)
    return held


def check_reach(actor: User | None, point: Point, right: str) -> None:
    """That a person has a right for this point. Raises Refused."""
    if actor is None:
        return
    require(actor, right)
    if not may(actor, right, point.enterprise):
        raise Refused(
            _("“%(point)s”不在您管理的范围。") % {"point": point.name},
            _("需要时请联系本单位的管理员。"),
            status=403,
            code="forbidden",
        )


def _check(
    mn: str, password: str, edition: int, key: str, realtime_seconds: int, minute_interval: int
) -> None:
    """As the receiver will read it."""
    cells = {
        "mn": mn,
        "password": password,
        "edition": str(edition or ""),
        "key": key,
        "realtime_seconds": str(realtime_seconds),
        "minute_interval": str(minute_interval),
    }
    _device, problems = read_device(cells)
    if problems:
        at, what, fix = problems[0]
        lang = language()
        raise Refused(what.render(lang), fix.render(lang), status=422, code="invalid", at=at)
