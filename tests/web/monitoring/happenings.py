"""Events and suspicions as judgement would have left them, and the frames behind them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from web.monitoring.works import CHINA, NOX, OVER_FROM, OVER_HOURS, PASSWORD, Works

if TYPE_CHECKING:
    from muheng.web.monitoring.models import Event, Point, Suspicion

BEGIN = OVER_FROM.replace(tzinfo=CHINA)
RAISED = BEGIN + timedelta(hours=2)


def make_event(works: Works, point: Point | None = None, **given: Any) -> Event:
    """The hours in which the second stack was over its limit; with its case."""
    from muheng.web.monitoring.cases import open_alert
    from muheng.web.monitoring.models import Event

    number = f"JC-20261119-{Event.objects.count() + 1:03d}"
    seen = {"tier": "remind", "kind": "over", "percent": None, "hours": 1, "days": None, "times": OVER_HOURS}
    span = {
        "first": OVER_FROM.isoformat(),
        "last": (OVER_FROM + timedelta(hours=OVER_HOURS - 1)).isoformat(),
        "known": (OVER_FROM + timedelta(hours=2)).isoformat(),
    }
    event = Event.objects.create(
        **{
            "number": number,
            "point": point or works.dry_stack,
            "factor": NOX,
            "begin": BEGIN,
            "last": BEGIN + timedelta(hours=OVER_HOURS - 1),
            "peak": 1.402,
            "seen": [seen | span],
            "tier": "remind",
            "raised_at": RAISED,
            **given,
        }
    )
    open_alert(event, RAISED)
    return event


def fill_store(works: Works, folder: Path) -> None:
    """The frames of the hours in which the second stack was over its limit, as its device sent them."""
    from muheng.monitoring.hj212.encoding import encode
    from muheng.monitoring.store.digest import digest
    from muheng.monitoring.store.segments import Record, SegmentWriter
    from muheng.web.monitoring.store import write_allow_list

    write_allow_list()
    mn = works.devices[1].mn
    values = [61.2, 64.8, 70.1, 66.3, 58.9]
    records = []
    for at in range(OVER_HOURS):
        time = OVER_FROM + timedelta(hours=at)
        header = {
            "QN": f"{time + timedelta(hours=1):%Y%m%d%H%M%S}000",
            "ST": "31",
            "CN": "2061",
            "PW": PASSWORD,
            "MN": mn,
            "Flag": "5",
        }
        contents = f"DataTime={time:%Y%m%d%H%M%S};{NOX}-Avg={values[at]},{NOX}-Flag=N"
        frame = encode(header, contents).rstrip(b"\r\n")
        received = int((BEGIN + timedelta(hours=at + 1, seconds=30)).timestamp() * 1_000_000)
        records.append(Record(received, mn, "127.0.0.1:9", "", frame))
    writer = SegmentWriter(folder / "segments")
    writer.append(records)
    writer.sync()
    writer.close()
    digest(folder, datetime(2026, 11, 20, 9, 30))


def make_suspicion(works: Works, point: Point | None = None, **given: Any) -> Suspicion:
    from muheng.web.monitoring.models import Suspicion

    return Suspicion.objects.create(
        **{
            "point": point or works.stack,
            "factor": NOX,
            "kind": "flat",
            "begin": datetime(2026, 11, 18, 3, tzinfo=CHINA),
            "end": datetime(2026, 11, 18, 15, tzinfo=CHINA),
            "times": 3.0,
            "strength": "clear",
            "seen": {"zh": "连续 12 小时都是 31.2。", "en": "31.2 for 12 hours on end."},
            "found_at": datetime(2026, 11, 18, 16, tzinfo=CHINA),
            **given,
        }
    )
