"""A point's values over time beside its limits: what counts and is judged, what does not and why, what is missing.

Hours come from the database and are judged by the library's rules, as events are. Minutes and real-time values come from
the receiver's store and are shown as they were sent, converted by the oxygen of the same minute. Times here are China's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from django.utils.translation import gettext as _

from muheng.monitoring.judgement.exceedance import Against, compare_with_limits
from muheng.monitoring.judgement.hours import Hours, lay_hours
from muheng.monitoring.judgement.outlet import Marked
from muheng.monitoring.judgement.oxygen import convert, find_factor
from muheng.monitoring.judgement.standing import Standing, weigh_marks
from muheng.monitoring.store.series import thin
from muheng.monitoring.store.values import read_values
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.flags import flag_title
from muheng.web.monitoring.models import Event, Hour, Point, Suspicion
from muheng.web.monitoring.moments import midnight, to_aware, to_local
from muheng.web.monitoring.points import limits_on, marks_of, outlet_of
from muheng.web.monitoring.queries.scope import events_for, suspicions_for
from muheng.web.monitoring.sayings import (
    event_title,
    factor_title,
    factor_unit,
    mark_effect,
    mark_title,
    sign_title,
)
from muheng.web.monitoring.store import store_folder
from muheng.web.people.models import User

Kind = Literal["hour", "minute", "realtime"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST: dict[Kind, timedelta] = {
    "hour": timedelta(days=366),
    "minute": timedelta(days=93),
    "realtime": timedelta(days=3),
}
"""What may be asked for at once."""
USUAL_POINTS, MOST_POINTS = 2000, 10_000
SCHEMA = pl.Schema(
    {"time": pl.Datetime("us"), "value": pl.Float64(), "measured": pl.Float64(), "why": pl.String()}
)
"""``value``: what counts, at the reference oxygen where that is judged; else null, and ``why`` says the reason."""

_HOURS = pl.Schema(
    {
        "factor": pl.String(),
        "time": pl.Datetime("us"),
        "value": pl.Float64(),
        "flag": pl.String(),
        "minutes": pl.Int64(),
    }
)


@dataclass(frozen=True, eq=False)
class Judged:
    """The hours of a point from ``begin`` to before ``end``; ``flags``: of each hour, by factor, flag and minutes."""

    begin: date
    end: date
    hours: Hours
    standing: Standing
    against: Mapping[str, Against]
    flags: Mapping[datetime, Mapping[str, tuple[str, int]]]

    @property
    def first(self) -> int:
        """Where ``begin`` is in the hours: they are laid from the year's beginning, because caps of marks are a year's."""
        return (self.begin - self.hours.start).days * 24


def judge_hours(point: Point, begin: date, end: date) -> Judged:
    """The hours of whole days, as the rules see them."""
    rows = Hour.objects.filter(point=point, time__gte=midnight(begin), time__lt=midnight(end))
    columns: dict[str, list[Any]] = {name: [] for name in ("factor", "time", "value", "flag", "minutes")}
    flags: dict[datetime, dict[str, tuple[str, int]]] = {}
    for time, values in rows.order_by("time").values_list("time", "values"):
        local = to_local(time)
        flags[local] = {factor: (flag, minutes) for factor, (_value, flag, minutes) in values.items()}
        for factor, (value, flag, minutes) in values.items():
            for column, cell in zip(columns.values(), (factor, local, value, flag, minutes), strict=True):
                column.append(cell)
    outlet, rules = outlet_of(point), city_rules()
    frame = pl.DataFrame(columns, schema=_HOURS).with_columns(pl.lit(outlet.id).alias("outlet"))
    start = date(begin.year, 1, 1)
    marks = marks_of([point.pk], datetime.combine(end, datetime.min.time()))
    (hours,) = lay_hours(frame, [outlet], start, (end - start).days, rules, marks)
    standing = weigh_marks(hours, rules)
    against = {each.factor: each for each in compare_with_limits(hours, standing, rules)}
    return Judged(begin, end, hours, standing, against, flags)


def lay_hourly(judged: Judged, factor: str) -> pl.DataFrame:
    """A row for each hour, also for those without data; see ``SCHEMA``."""
    row = judged.hours.place(factor)
    if row is None:
        return pl.DataFrame(schema=SCHEMA)
    first = judged.first
    compared = judged.against.get(factor)
    measured = judged.hours.values[row]
    counted = measured if compared is None else compared.value
    counted = np.where(judged.standing.valid[row] & ~judged.standing.exempt, counted, np.nan)
    times = [judged.hours.calendar.time_of(at) for at in range(first, measured.shape[0])]
    whys = [
        _why_not(judged, row, at, time, bool(np.isfinite(counted[at])))
        for at, time in enumerate(times, start=first)
    ]
    frame = pl.DataFrame(
        {"time": times, "value": counted[first:], "measured": measured[first:], "why": whys}, schema=SCHEMA
    )
    return frame.with_columns(pl.col("value", "measured").fill_nan(None))


def _why_not(judged: Judged, row: int, at: int, time: datetime, counts: bool) -> str:
    if counts or not np.isfinite(judged.hours.values[row, at]):
        return ""
    for mark in judged.hours.marks:
        if _touches(mark, time, time + timedelta(hours=1)) and _excuses(mark.mark):
            return f"mark:{mark.mark}"
    flag, minutes = judged.flags.get(time, {}).get(judged.hours.factors[row], ("", 0))
    method = city_rules().method(judged.hours.outlet.kind)
    if flag not in method.counts:
        return f"flag:{flag}"
    if judged.standing.stopped[at]:
        return "stopped"
    if minutes < method.hour_minutes:
        return "minutes"
    return "oxygen"


def _touches(mark: Marked, begin: datetime, end: datetime) -> bool:
    return mark.begin < end and begin < mark.end


def _excuses(mark: str) -> bool:
    found = city_rules().limits.marks.get(mark)
    return found is not None and found.effect != "none"


def say_why(why: str) -> str:
    """A reason of ``why`` in words."""
    code, _colon, detail = why.partition(":")
    if code == "mark":
        return _("标记“%(mark)s”：%(effect)s") % {"mark": mark_title(detail), "effect": mark_effect(detail)}
    if code == "flag":
        return _("设备自己标为“%(flag)s”") % {"flag": flag_title(detail)} if detail else _("没有数据标记")
    return {
        "stopped": _("停运"),
        "minutes": _("有效分钟不够"),
        "oxygen": _("氧含量缺失或过高，不能折算"),
    }.get(code, "")


# -- what devices sent ------------------------------------------------------------------------------------------------


def read_sent(point: Point, kind: Kind, factor: str, begin: datetime, end: datetime) -> pl.DataFrame:
    """Minutes or real-time values with a row where a gap begins; see ``SCHEMA``."""
    mns = list(point.devices.values_list("mn", flat=True))
    if not mns:
        return pl.DataFrame(schema=SCHEMA)
    rules = city_rules()
    method = rules.method(point.kind)
    sent = read_values(store_folder(), kind, begin, end, mns)
    # One time from two devices: a device was replaced, and the newer one speaks.
    own = sent.filter(pl.col("factor") == factor).sort("time", "received").unique("time", keep="last")
    limit = limits_on(point, to_local(to_aware(begin)).date()).get(factor)
    converted = point.reference_oxygen is not None and (limit is None or limit.converted)
    own = own.sort("time").select("time", pl.col("value").alias("measured"), "flag")
    if converted and method.oxygen is not None and limit is not None:
        oxygen = sent.filter(
            pl.col("factor") == method.oxygen, pl.col("flag").is_in(list(method.counts)).fill_null(False)
        )
        own = own.join(
            oxygen.unique("time", keep="last").select("time", pl.col("value").alias("oxygen")),
            on="time",
            how="left",
            maintain_order="left",
        )
        assert point.reference_oxygen is not None
        ratio = find_factor(
            own["oxygen"].fill_null(float("nan")).to_numpy(),
            float(point.reference_oxygen),
            rules.validity.oxygen,
        )
        value = convert(own["measured"].fill_null(float("nan")).to_numpy(), ratio, rules.validity.oxygen)
        own = own.with_columns(pl.Series("value", value).fill_nan(None))
    else:
        own = own.with_columns(value=pl.col("measured"))
    flagged = ~pl.col("flag").is_in(list(method.counts)).fill_null(False)
    own = own.with_columns(
        why=pl.when(flagged)
        .then(pl.concat_str(pl.lit("flag:"), pl.col("flag").fill_null("")))
        .when(pl.col("value").is_null())
        .then(pl.lit("oxygen"))
        .otherwise(pl.lit(""))
    )
    for mark in marks_of([point.pk], end).get(str(point.pk), ()):
        if _excuses(mark.mark):
            under = (pl.col("time") >= mark.begin) & (pl.col("time") < mark.end)
            own = own.with_columns(
                why=pl.when(under).then(pl.lit(f"mark:{mark.mark}")).otherwise(pl.col("why"))
            )
    own = own.with_columns(
        why=pl.when(pl.col("measured").is_null()).then(pl.lit("")).otherwise(pl.col("why")),
        value=pl.when(pl.col("why") == "").then(pl.col("value")),
    )
    return _open_gaps(
        own.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()), _step(point, kind)
    )


def _step(point: Point, kind: Kind) -> timedelta:
    device = point.devices.order_by("-allowed", "-added_at").first()
    if device is None:
        return timedelta(minutes=10)
    if kind == "minute":
        return timedelta(minutes=device.minute_interval)
    return timedelta(seconds=device.realtime_seconds)


def _open_gaps(frame: pl.DataFrame, step: timedelta) -> pl.DataFrame:
    """A row without a value where a value was due and none came, so that no line is drawn across."""
    before = pl.col("time").shift(1)
    missing = frame.filter(pl.col("time") - before > step * 2.5)
    if missing.is_empty():
        return frame
    begun = frame.select(before.alias("before"), pl.col("time")).filter(
        pl.col("time") - pl.col("before") > step * 2.5
    )
    empty = begun.select((pl.col("before") + step).alias("time"))
    return pl.concat([frame, empty], how="diagonal").with_columns(pl.col("why").fill_null("")).sort("time")


# -- for the chart -----------------------------------------------------------------------------------------------------


def draw_series(
    user: User, point: Point, factor: str, kind: Kind, begin: datetime, end: datetime, points: int
) -> dict[str, Any]:
    """What the chart draws: values, those that do not count, limits, marks, events, suspicions. Times in ms, as if UTC."""
    frame = read_frame(point, kind, factor, begin, end)
    grey = frame.filter(pl.col("why") != "").with_columns(value=pl.col("measured"))
    line, aside = thin(frame, points), thin(grey, max(points // 4, 50))
    whys = sorted(set(aside["why"].to_list()))
    return {
        "factor": factor,
        "title": factor_title(factor),
        "unit": factor_unit(factor),
        "kind": kind,
        "begin": _ms(begin),
        "end": _ms(end),
        "rows": frame.height,
        "thinned": line.height < frame.height,
        "converted": bool((frame["value"] != frame["measured"]).fill_null(False).any()),
        "values": _pairs(line, "value"),
        "measured": _pairs(line, "measured"),
        "aside": [
            [_ms(time), value, whys.index(why)]
            for time, value, why in aside.select("time", "value", "why").iter_rows()
        ],
        "reasons": [say_why(why) for why in whys],
        "limits": list(_limits(point, factor, begin, end)),
        "marks": list(_marks(point, begin, end)),
        "events": list(_events(user, point, factor, begin, end)),
        "suspicions": list(_suspicions(user, point, factor, begin, end)),
    }


def read_frame(point: Point, kind: Kind, factor: str, begin: datetime, end: datetime) -> pl.DataFrame:
    """The series of a factor from ``begin`` to before ``end``; see ``SCHEMA``."""
    if kind != "hour":
        return read_sent(point, kind, factor, begin, end)
    last = end.date() if end.time() == datetime.min.time() else end.date() + timedelta(days=1)
    frame = lay_hourly(judge_hours(point, begin.date(), max(last, begin.date() + timedelta(days=1))), factor)
    return frame.filter(pl.col("time") >= begin, pl.col("time") < end)


def _pairs(frame: pl.DataFrame, column: str) -> list[list[Any]]:
    return [[_ms(time), value] for time, value in frame.select("time", column).iter_rows()]


def _ms(local: datetime) -> int:
    return int(local.replace(tzinfo=UTC).timestamp() * 1000)


def _limits(point: Point, factor: str, begin: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    days = {
        date.fromisoformat(each[name])
        for each in point.limits
        for name in ("from", "until")
        if each.get(name)
    }
    first, last = begin.date(), (end - timedelta(microseconds=1)).date()
    starts = sorted({first, *(day for day in days if first < day <= last)})
    usual = city_rules().kind(point.kind).basis
    for at, day in enumerate(starts):
        limit = limits_on(point, day).get(factor)
        if limit is None:
            continue
        since = max(begin, datetime.combine(day, datetime.min.time()))
        until = datetime.combine(starts[at + 1], datetime.min.time()) if at + 1 < len(starts) else end
        basis = limit.basis or usual
        yield {
            "begin": _ms(since),
            "end": _ms(until),
            "most": limit.most,
            "least": limit.least,
            "title": _("日均值限值") if basis == "day" else _("小时限值"),
        }


def _marks(point: Point, begin: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    for mark in marks_of([point.pk], end).get(str(point.pk), ()):
        if _touches(mark, begin, end):
            yield {
                "begin": _ms(max(mark.begin, begin)),
                "end": _ms(min(mark.end, end)),
                "title": mark_title(mark.mark),
            }


def events_of(user: User, point: Point, begin: datetime, end: datetime) -> list[Event]:
    """What was raised at the point in a stretch, the newest first."""
    rows = events_for(user).filter(point=point, gone=False)
    return list(rows.filter(begin__lt=to_aware(end), last__gte=to_aware(begin)))


def _events(
    user: User, point: Point, factor: str, begin: datetime, end: datetime
) -> Iterator[dict[str, Any]]:
    for event in events_of(user, point, begin, end):
        if event.factor == factor:
            yield {
                "begin": _ms(max(to_local(event.begin), begin)),
                "end": _ms(min(to_local(event.last) + timedelta(hours=1), end)),
                "title": f"{event.number} {event_title(event.seen, event.factor)}",
                "tier": event.tier,
            }


def suspicions_of(user: User, point: Point, begin: datetime, end: datetime) -> list[Suspicion]:
    """What looked wrong there in a stretch, the newest first."""
    rows = suspicions_for(user).filter(point=point, gone=False)
    return list(rows.filter(begin__lt=to_aware(end), end__gt=to_aware(begin)))


def _suspicions(
    user: User, point: Point, factor: str, begin: datetime, end: datetime
) -> Iterator[dict[str, Any]]:
    for each in suspicions_of(user, point, begin, end):
        if each.factor in (factor, ""):
            yield {
                "begin": _ms(max(to_local(each.begin), begin)),
                "end": _ms(min(to_local(each.end), end)),
                "title": sign_title(each.kind),
            }


# -- days --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Day:
    """A day of one factor. ``verdict``: over, within, few (too few valid hours), none (no data), stopped."""

    day: date
    mean: float | None
    highest: float | None
    hours: int
    over: int
    verdict: str


def list_days(judged: Judged, factor: str, until: datetime) -> list[Day]:
    """The days of a stretch, the newest first; a day that is not over has no verdict yet (empty)."""
    compared = judged.against.get(factor)
    row = judged.hours.place(factor)
    if compared is None or row is None:
        return []
    method = city_rules().method(judged.hours.outlet.kind)
    found = []
    for at in range((judged.end - judged.begin).days):
        day = judged.begin + timedelta(days=at)
        part = slice(judged.first + at * 24, judged.first + at * 24 + 24)
        whole = part.start // 24
        values = compared.value[part]
        counted = np.isfinite(values) & ~judged.standing.exempt[part]
        hourly = bool(compared.hourly[part.start])
        over = int((compared.ratio[part] > 1).sum()) if hourly else 0
        mean, ratio = compared.day_value[whole], compared.day_ratio[whole]
        if judged.standing.stopped[part].all():
            verdict = "stopped"
        elif not counted.any():
            verdict = "none"
        elif over or (not hourly and ratio > 1):
            verdict = "over"
        else:
            verdict = "within" if np.isfinite(values).sum() >= method.day_hours else "few"
        if day >= until.date() and verdict != "over":
            verdict = ""
        found.append(
            Day(
                day,
                float(mean) if np.isfinite(mean) else None,
                float(values[counted].max()) if counted.any() else None,
                int(counted.sum()),
                over,
                verdict,
            )
        )
    return found[::-1]
