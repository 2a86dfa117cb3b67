"""The receiver's store as the site sees it: where it lies, and the allow-list and requests that the site writes there."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from muheng.monitoring.dialogue import devices as allowed
from muheng.monitoring.store import points
from muheng.web.monitoring.models import Ask, Device, Point
from muheng.web.monitoring.points import limits_on
from muheng.web.notices.sealing import Unreadable, unseal

ASKS = "asks"


def store_folder() -> Path:
    """Where the receiver keeps what it got. Made where there is none, for nobody else to read."""
    folder: Path = settings.HOME / "monitoring"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def write_allow_list() -> int:
    """The devices that may send, as ``devices.csv``, and the points; gives how many there are. To be called when a change is kept.

    A device whose password was sealed with a secret that the site no longer has is left out: nobody could check it.
    """
    folder = store_folder()
    with _alone(folder):
        devices = [device for device in map(as_allowed, allowed_devices()) if device is not None]
        allowed.write_devices(folder / allowed.FILE, devices)
    write_points()
    return len(devices)


def write_points() -> None:
    """The points as ``points.csv``, for whoever reads the store without the site."""
    folder, today = store_folder(), timezone.localdate()
    watched = Point.objects.filter(watched_until=None).select_related("enterprise", "outlet")
    with _alone(folder):
        described = (describe_point(point, today) for point in watched.iterator(chunk_size=2000))
        points.write_points(folder / points.FILE, described)


def describe_point(point: Point, day: date) -> points.StoredPoint:
    """A point with the limits of a day."""
    oxygen = point.reference_oxygen
    return points.StoredPoint(
        str(point.pk),
        f"{point.enterprise.name} {point.outlet.code} {point.name}",
        point.kind,
        None if oxygen is None else float(oxygen),
        tuple(
            (each.factor, each.most, each.least)
            for each in limits_on(point, day).values()
            if each.most is not None or each.least is not None
        ),
    )


def rewrite_when_kept(write: Callable[[], object]) -> None:
    """A list is written when the change under way is kept: once, however many devices the change is about."""
    if not any(each[1] is write for each in connection.run_on_commit):
        transaction.on_commit(write)


def allowed_devices() -> Iterator[Device]:
    """Those of points that are watched."""
    rows = Device.objects.filter(allowed=True, point__watched_until=None).order_by("mn")
    return rows.iterator(chunk_size=2000)


def as_allowed(device: Device) -> allowed.Device | None:
    """As the receiver knows it; None where its password cannot be read any more."""
    try:
        password, key = unseal(device.sealed_password), unseal(device.sealed_key)
    except Unreadable:
        return None
    return allowed.Device(
        device.mn,
        password,
        str(device.point_id),
        device.edition,
        bytes.fromhex(key) if key else None,
        device.realtime_seconds,
        device.minute_interval,
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Of two who write the list, the one who writes last has read last."""
    with (folder / f"{allowed.FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# -- what people ask a device -------------------------------------------------------------------------------


def write_ask(ask: Ask) -> None:
    """Leave a request where the receiver looks for it."""
    folder = store_folder() / ASKS
    folder.mkdir(exist_ok=True)
    content = {"mn": ask.device.mn, "command": ask.command, "cp": ask.contents}
    draft = folder / f"{ask.pk}.json.new"
    draft.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    os.replace(draft, folder / f"{ask.pk}.json")


def read_answer(ask: Ask) -> dict[str, Any] | None:
    """What came of a request; None while nothing is known. Raises ValueError for a file that is not whole."""
    path = store_folder() / ASKS / f"{ask.pk}.done.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if not isinstance(found, dict):
        raise ValueError(path.name)
    return found


def remove_ask(ask: Ask) -> None:
    """Once its answer is kept."""
    for name in (f"{ask.pk}.json", f"{ask.pk}.done.json"):
        (store_folder() / ASKS / name).unlink(missing_ok=True)
