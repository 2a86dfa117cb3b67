"""From frames that were taken to rows of values: by columns where a message is one packet, one by one where it is not.

Quarantined frames give nothing. Codes of 2005 become those of 2017; units stay as sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from muheng.monitoring.hj212.archive import Batch, read_archive
from muheng.monitoring.hj212.decimals import NUMBER
from muheng.monitoring.hj212.decoding import Keys, Packet, decode_bytes, find
from muheng.monitoring.hj212.items import Factors
from muheng.monitoring.hj212.moments import read_moment
from muheng.monitoring.hj212.parts import Joined, read_part
from muheng.monitoring.hj212.tables import modernise
from muheng.monitoring.store.segments import Place, Record
from muheng.monitoring.store.values import COLUMNS, Kind

KINDS: Mapping[str, Kind] = {
    "2011": "realtime",
    "2051": "minute",
    "2061": "hour",
    "2031": "day",
    "2021": "status",
}
"""By command."""
LATE: Mapping[Kind, timedelta] = {
    "realtime": timedelta(minutes=15),
    "status": timedelta(minutes=15),
    "minute": timedelta(hours=1),
    "hour": timedelta(hours=3),
    "day": timedelta(hours=30),
}
"""So long after its DataTime, which is an interval's beginning, a value is called late."""
OLDEST, NEWEST = timedelta(days=3660), timedelta(days=366)
"""A time so long before its receipt, or after it, is none: its values stay in the segment only, or one clock gone astray
would fill the store with days that hold nothing else."""
CHINA = timedelta(hours=8)
EPOCH = datetime(1970, 1, 1)
SUFFIXES = ("Rtd", "Avg", "RS", "Min", "Max", "Cou", "ZsRtd", "ZsAvg")
_FIRST_CHOICE = {"realtime": ("Rtd", "Avg"), "status": ("RS",)}
_OTHERS = ("Avg", "Rtd")

Taken = tuple[Place, Record]


class Piece(NamedTuple):
    """A part of a message, or a packet whose key is not known yet."""

    place: Place
    record: Record
    packet: Packet


class Found(NamedTuple):
    rows: pl.DataFrame
    parts: list[Piece]
    locked: list[Place]
    """Enciphered with a key that is not known now."""


def to_local(received: int) -> datetime:
    """A time of receipt in China, without a zone, as devices write times."""
    return EPOCH + timedelta(microseconds=received) + CHINA


def read_rows(taken: Sequence[Taken], keys: Keys | None = None) -> Found:
    """The values of frames; of those that were quarantined none."""
    good = [each for each in taken if not each[1].verdict]
    starts = np.zeros(len(good), dtype=np.int64)
    np.cumsum([len(record.raw) + 2 for _, record in good[:-1]], out=starts[1:])
    left = np.ones(len(good), dtype=np.bool_)
    frames = []
    blob = b"\r\n".join(record.raw for _, record in good)
    for batch in read_archive(blob, keys):
        found, done = _read_batch(batch, good, starts)
        left[done] = False
        frames.append(found)
    parts: list[Piece] = []
    locked: list[Place] = []
    rows: list[tuple[Any, ...]] = []
    for place, record in (good[at] for at in np.flatnonzero(left).tolist()):
        packet = decode_bytes(record.raw, keys)
        if packet is None:
            continue
        if packet.cipher == "unknown":
            locked.append(place)
        elif packet.usable and read_part(packet) is not None:
            parts.append(Piece(place, record, packet))
        elif packet.usable:
            rows += _rows_of(Joined((packet,), packet.cp, packet.factors), place, record)
    frames.append(make_frame(rows))
    return Found(_drop_astray(pl.concat(frames)), parts, locked)


def read_joined(joined: Joined, place: Place, record: Record) -> pl.DataFrame:
    """The values of a message in parts; ``place`` and ``record`` are those of the part that came last.

    Where parts are missing, an item that may have been cut is left out.
    """
    if joined.missing:
        rows = [row for part in _mend(joined) for row in _rows_of(part, place, record)]
    else:
        rows = list(_rows_of(joined, place, record))
    return _drop_astray(make_frame(rows))


def _drop_astray(rows: pl.DataFrame) -> pl.DataFrame:
    local = pl.from_epoch("received", "us") + CHINA
    return rows.filter(pl.col("time") > local - OLDEST, pl.col("time") < local + NEWEST)


def make_frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, COLUMNS, orient="row")


# -- one by one ------------------------------------------------------------------------------------------------------


def _rows_of(joined: Joined, place: Place, record: Record) -> list[tuple[Any, ...]]:
    header = joined.parts[0].header
    kind = KINDS.get(find(header, "CN"))
    time = read_moment(joined.cp.get("DataTime", ""))
    if kind is None or time is None:
        return []
    sent_late = any(find(part.header, "RF").strip() == "1" for part in joined.parts)
    late = sent_late or to_local(record.received) - time > LATE[kind]
    rows = []
    for code, items in joined.factors.items():
        read = {suffix: _read_number(items.get(suffix, "")) for suffix in SUFFIXES}
        value = _choose(read, _FIRST_CHOICE.get(kind, _OTHERS))
        converted = _choose(read, ("ZsRtd", "ZsAvg") if kind == "realtime" else ("ZsAvg", "ZsRtd"))
        flag = items.get("Flag")
        figures = value, read["Min"], read["Max"], read["Cou"], converted
        if flag is None and all(figure is None for figure in figures):
            continue
        rows.append(
            (record.mn, kind, time, modernise(code), *figures, flag, late, record.received, *place),
        )
    return rows


def _choose(read: Mapping[str, float | None], order: Sequence[str]) -> float | None:
    return next((figure for suffix in order if (figure := read[suffix]) is not None), None)


def _read_number(text: str) -> float | None:
    if NUMBER.fullmatch(text) is None:
        return None
    figure = float(text)
    return figure if np.isfinite(figure) else None


def _mend(joined: Joined) -> list[Joined]:
    """Of a message that is not whole: each part that names its time, without an end that a cut may have shortened."""
    mended = []
    named = {place[0] for part in joined.parts if "DataTime" in part.cp and (place := read_part(part))}
    for part in joined.parts:
        place = read_part(part)
        if place is None or place[0] not in named:
            continue
        number, total = place
        factors: Factors = part.factors
        if number < total and number + 1 not in named and factors:
            last = next(reversed(factors))
            factors = {code: items for code, items in factors.items() if code != last}
        mended.append(Joined((part,), part.cp, factors))
    return mended


# -- by columns ------------------------------------------------------------------------------------------------------


def _read_batch(
    batch: Batch, good: Sequence[Taken], starts: NDArray[np.int64]
) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Rows of the packets that are records, whole and plain; and which records these are, those without values too."""
    offsets = batch.packets["offset"].to_numpy()
    owners = np.minimum(np.searchsorted(starts, offsets), len(starts) - 1)
    plain = (starts[owners] == offsets) & batch.packets["valid"].to_numpy()
    plain &= (batch.packets["flag"].fill_null(0).to_numpy() & 2) == 0
    for at in np.flatnonzero(plain).tolist():
        plain[at] = b"PNUM=" not in good[owners[at]][1].raw
    done = owners[plain]
    packets = batch.packets.select(
        "offset",
        pl.col("cn").replace_strict(KINDS, default=None, return_dtype=pl.String()).alias("kind"),
        pl.col("data_time").cast(pl.Datetime("us")).alias("time"),
        owner=pl.Series(owners),
    ).filter(pl.Series(plain), pl.col("kind").is_not_null(), pl.col("time").is_not_null())
    values = _gather(batch.items, packets)
    return _finish(values, packets, good), done


def _gather(items: pl.DataFrame, packets: pl.DataFrame) -> pl.DataFrame:
    """A row for each packet (its place among ``packets``) and factor, a column for each suffix."""
    offsets = packets["offset"].to_numpy()
    items = items.filter(pl.col("factor").is_not_null())
    if not len(offsets) or not len(items):
        figures = dict.fromkeys(SUFFIXES, pl.Float64())
        return pl.DataFrame(
            schema={"packet": pl.Int64(), "factor": pl.String(), **figures, "Flag": pl.String()}
        )
    sent = items["offset"].to_numpy()
    packet = np.minimum(np.searchsorted(offsets, sent), len(offsets) - 1)
    ours = offsets[packet] == sent
    items, packet = items.filter(pl.Series(ours)), packet[ours]
    factors = items["factor"].cast(pl.Categorical())
    groups = (packet << 32) | factors.to_physical().to_numpy()
    heads = np.flatnonzero(np.append(True, groups[1:] != groups[:-1])[: len(groups)])
    owners = np.repeat(np.arange(len(heads)), np.diff(np.append(heads, len(groups))))
    values = items["value"].to_numpy()
    roles = _number_suffixes(items["suffix"])
    columns = {}
    for number, suffix in enumerate(SUFFIXES):
        rows = np.flatnonzero(roles == number)
        column = np.full(len(heads), np.nan)
        column[owners[rows]] = values[rows]
        columns[suffix] = pl.Series(np.where(np.isfinite(column), column, np.nan)).fill_nan(None)
    flagged = np.flatnonzero(roles == len(SUFFIXES))
    flags = pl.Series([None], dtype=pl.String()).gather(np.zeros(len(heads), dtype=np.uint32))
    flags = flags.scatter(owners[flagged], items["text"].gather(flagged))
    names = factors.gather(heads).cast(pl.String())
    gathered = pl.DataFrame({"packet": packet[heads], "factor": names, **columns, "Flag": flags})
    if len(np.unique(groups[heads])) < len(heads):
        # A factor that does not stand in one piece.
        gathered = gathered.group_by("packet", "factor").agg(pl.all().drop_nulls().last())
    return gathered


def _number_suffixes(suffixes: pl.Series) -> NDArray[np.int8]:
    """Their places in SUFFIXES; Flag comes after those, -1 is any other."""
    numbers = {suffix: number for number, suffix in enumerate((*SUFFIXES, "Flag"))}
    return suffixes.cast(pl.String()).replace_strict(numbers, default=-1, return_dtype=pl.Int8()).to_numpy()


def _finish(values: pl.DataFrame, packets: pl.DataFrame, good: Sequence[Taken]) -> pl.DataFrame:
    owners = packets["owner"].to_list()
    sent = [good[owner] for owner in owners]
    about = pl.DataFrame(
        {
            "mn": pl.Series([record.mn for _, record in sent], dtype=pl.String()),
            "received": pl.Series([record.received for _, record in sent], dtype=pl.Int64()),
            "segment": pl.Series([place.segment for place, _ in sent], dtype=pl.String()),
            "place": pl.Series([place.offset for place, _ in sent], dtype=pl.Int64()),
            "back": pl.Series([_is_back_filled(record.raw) for _, record in sent], dtype=pl.Boolean()),
        }
    )
    which = values["packet"].to_numpy()
    rows = pl.concat([values, packets.drop("offset", "owner")[which], about[which]], how="horizontal")
    real, status = pl.col("kind") == "realtime", pl.col("kind") == "status"
    value = (
        pl.when(status)
        .then("RS")
        .when(real)
        .then(pl.coalesce("Rtd", "Avg"))
        .otherwise(pl.coalesce("Avg", "Rtd"))
    )
    converted = pl.when(real).then(pl.coalesce("ZsRtd", "ZsAvg")).otherwise(pl.coalesce("ZsAvg", "ZsRtd"))
    local = pl.from_epoch("received", "us") + CHINA
    patience = pl.col("kind").replace_strict(LATE, return_dtype=pl.Duration("us"))
    return (
        rows.select(
            "mn",
            "kind",
            "time",
            pl.col("factor").replace(_modern(rows["factor"])),
            value=value,
            least="Min",
            most="Max",
            total="Cou",
            converted=converted,
            flag="Flag",
            late=pl.col("back") | (local - pl.col("time") > patience),
            received="received",
            segment="segment",
            offset="place",
        )
        .filter(
            pl.any_horizontal(pl.col("value", "least", "most", "total", "converted", "flag").is_not_null())
        )
        .cast(COLUMNS)
    )


def _modern(codes: pl.Series) -> dict[str, str]:
    return {code: modern for code in codes.unique().to_list() if (modern := modernise(code)) != code}


def _is_back_filled(raw: bytes) -> bool:
    """RF=1 in the header."""
    at = raw.find(b"RF=1")
    return at >= 0 and at < raw.find(b"CP=&&")
