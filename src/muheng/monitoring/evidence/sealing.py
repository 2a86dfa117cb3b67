"""Locking evidence: everything about an event into one folder, whose manifest's SHA-256 is what people sign.

The folder appears whole or not at all, and is checked once as everybody will check it. What is asked for and not in the
store is refused, not left out.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from importlib.resources import files
from itertools import chain as join
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from muheng.documents.message import Refusal, say
from muheng.monitoring.evidence import standalone
from muheng.monitoring.evidence.chain import Segment, Standing, find_parts, open_segments
from muheng.monitoring.evidence.request import (
    ANSWERS,
    JUDGED,
    MARKS,
    STEPS,
    Request,
    name_event,
    name_outlet,
)
from muheng.monitoring.hj212.decoding import Keys
from muheng.monitoring.hj212.tables import factors, find_factor
from muheng.monitoring.store.rows import KINDS
from muheng.monitoring.store.segments import CHINA, Place
from muheng.monitoring.store.values import read_values

FORMAT = 1
SEGMENTS = "segments"
VALUES = (
    "kind", "time", "factor", "value", "least", "most", "total", "converted", "flag", "late",
    "limit", "ratio", "verdict", "received", "segment", "offset",
)  # fmt: skip
FINE = ("realtime", "minute", "hour")
"""Kinds of which every row lies in one hour."""
README = "说明.txt"
SOURCES = {
    standalone.FRAMES: "接收时存下的原始报文",
    "chain": "接收时存下的原始报文",
    standalone.VALUES: "报文里的数值；限值、倍数和结论由判定给出",
    "marks.csv": "标记",
    "answers.csv": "企业的答复",
    "steps.csv": "处理过程",
    "photos": "照片",
    README: "锁定时写成",
    "verify.py": "锁定时写成",
}
"""Where each file, or those of a folder, came from."""
_PHOTO = re.compile(r"[^/\\:*?\"<>|\x00-\x1f.][^/\\:*?\"<>|\x00-\x1f]{0,99}")


class Sealed(NamedTuple):
    """``seal``: SHA-256 of the manifest. ``size``: bytes of all files."""

    seal: str
    frames: int
    values: int
    size: int


def seal_evidence(folder: Path, request: Request, store: Path, keys: Keys | None = None) -> Sealed:
    """Writes ``folder``, which must not be there yet. Raises Refusal where it cannot be evidence."""
    if folder.exists():
        raise Refusal(say("{folder} 已经有了，证据锁定后不再改写。", folder=folder))
    rows = _read_rows(request, store)
    segments = _open_frames(store / SEGMENTS, rows, keys)
    contents = _write_contents(request, rows, segments)
    manifest = _write_manifest(request, contents, rows, segments)
    seal = hashlib.sha256(manifest).hexdigest()
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    everything = contents | {
        standalone.MANIFEST: manifest,
        standalone.SUMS: standalone.write_sums(digests | {standalone.MANIFEST: seal}),
    }
    draft = folder.with_name(folder.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        for name, data in everything.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        found = standalone.check(str(draft))
        if found.findings:
            finding = found.findings[0]
            text = standalone.TEXTS[finding.code][0].format(**finding.params)
            where = f"{finding.file}:{finding.row}"
            raise Refusal(say("数值与报文对不上，没有锁定：{where} {what}", where=where, what=text))
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    frames = sum(len(segment.standing) for segment in segments)
    return Sealed(seal, frames, rows.height, sum(map(len, everything.values())))


# -- what goes in ----------------------------------------------------------------------------------------------------


def _read_rows(request: Request, store: Path) -> pl.DataFrame:
    found = pl.concat(
        [read_values(store, kind, request.begin, request.end, [request.mn]) for kind in request.kinds]
    )
    if found.is_empty():
        raise Refusal(
            say(
                "{begin} 至 {end} 没有设备 {mn} 的数据，无从取证。",
                begin=request.begin,
                end=request.end,
                mn=request.mn,
            )
        )
    judged = (request.judged if request.judged is not None else pl.DataFrame(schema=JUDGED)).select(
        pl.col(name).cast(kind) for name, kind in JUDGED.items()
    )
    fine = pl.col("kind").is_in(FINE)
    beside = found.with_columns(hour=pl.when(fine).then(pl.col("time").dt.truncate("1h"))).join(
        judged.rename({"time": "hour"}), on=["hour", "factor"], how="left"
    )
    # Hours that were judged without a value: missing data is a finding too.
    alone = judged.join(
        found.filter(fine).select(pl.col("time").dt.truncate("1h"), "factor").unique(),
        on=["time", "factor"],
        how="anti",
    ).with_columns(kind=pl.lit("hour"))
    return (
        pl.concat([beside.drop("hour"), alone], how="diagonal")
        .select(VALUES)
        .sort("kind", "time", "factor", "segment", "offset")
    )


def _open_frames(folder: Path, rows: pl.DataFrame, keys: Keys | None) -> list[Segment]:
    places = {Place(*place) for place in rows.select("segment", "offset").drop_nulls().unique().rows()}
    opened = open_segments(folder, places, keys)
    parts = find_parts(folder, join.from_iterable(segment.standing for segment in opened))
    return opened if parts <= places else open_segments(folder, places | parts, keys)


def _write_contents(request: Request, rows: pl.DataFrame, segments: Sequence[Segment]) -> dict[str, bytes]:
    """Every file but the manifest and the sums, by name."""
    contents = {
        standalone.FRAMES: "".join(
            json.dumps(_describe(each), ensure_ascii=False) + "\n"
            for segment in segments
            for each in segment.standing
        ).encode(),
        standalone.VALUES: _write_values(rows),
        "marks.csv": _write_table(MARKS, request.marks),
        "answers.csv": _write_table(ANSWERS, request.answers),
        "steps.csv": _write_table(STEPS, request.steps),
        README: _write_readme(request, sorted(rows["factor"].unique())),
        "verify.py": files(__package__).joinpath("standalone.py").read_bytes(),
    }
    for segment in segments:
        name = standalone.CHAIN + segment.chain["segment"].replace("/", "_") + ".json"
        contents[name] = _dump(segment.chain)
    for photo in request.photos:
        if _PHOTO.fullmatch(photo.name) is None:
            raise Refusal(say("照片的文件名“{name}”不能用。", name=photo.name), say("改成普通的文件名。"))
        name = f"photos/{photo.name}"
        if name in contents:
            raise Refusal(say("有两张照片都叫“{name}”。", name=photo.name), say("改成不同的文件名。"))
        contents[name] = photo.data
    return contents


def _describe(each: Standing) -> dict[str, Any]:
    packet = each.packet
    if packet.cipher == "unknown":
        raise Refusal(
            say(
                "报文 {segment} {offset} 是加密的，没有密钥，无法取证。",
                segment=each.place.segment,
                offset=each.place.offset,
            )
        )
    return {
        "segment": each.place.segment,
        "offset": each.place.offset,
        "batch": each.batch,
        "record": each.number,
        "received": each.record.received,
        "received_at": standalone.write_time(each.record.received),
        "mn": each.record.mn,
        "peer": each.record.peer,
        "verdict": each.record.verdict,
        "reasons": list(packet.reasons),
        "raw": each.record.raw.hex(),
        "plain": packet.content.hex() if packet.cipher else None,
    }


def _write_values(rows: pl.DataFrame) -> bytes:
    written: dict[str, Callable[[Any], str]] = {
        "time": lambda time: time.isoformat(),
        "received": standalone.write_time,
        "late": lambda late: "1" if late else "0",
    }
    return _write_table(
        VALUES,
        (
            {name: written.get(name, str)(value) for name, value in row.items() if value is not None}
            for row in rows.iter_rows(named=True)
        ),
    )


def _write_table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """CSV that spreadsheets open; a text that they would take for a formula gets an apostrophe."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(columns)
    for row in rows:
        strange = sorted(row.keys() - set(columns))
        if strange:
            raise ValueError(f"no such columns: {strange}")
        table.writerow([_write_cell(row.get(column, "")) for column in columns])
    return text.getvalue().encode("utf-8-sig")


def _write_cell(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str("" if value is None else value)
    harmless = re.fullmatch(r"-?[0-9.]+(e[-+]?[0-9]+)?", text) is not None
    return text if harmless or not text.startswith(("=", "+", "-", "@", "\t", "\r")) else "'" + text


def _write_manifest(
    request: Request, contents: Mapping[str, bytes], rows: pl.DataFrame, segments: Sequence[Segment]
) -> bytes:
    modern = {factor.code: factor.old_code for factor in factors().values() if factor.old_code}
    about = {
        name: {
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "from": SOURCES[name.partition("/")[0]],
        }
        for name, data in sorted(contents.items())
    }
    manifest = {
        "muheng": "evidence",
        "format": FORMAT,
        "event": dict(request.event),
        "outlet": dict(request.outlet),
        "device": request.mn,
        "begin": request.begin,
        "end": request.end,
        "kinds": list(request.kinds),
        "limits": [dict(limit) for limit in request.limits],
        "rules": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(request.rules.items())},
        "sealed_at": request.sealed.astimezone(CHINA),
        "sealed_by": request.operator,
        "software": f"muheng {version('muheng')}",
        "frames": sum(len(segment.standing) for segment in segments),
        "values": rows.height,
        "old_codes": {code: modern[code] for code in sorted(rows["factor"].unique()) if code in modern},
        "photos": [
            {"name": photo.name, "taken": photo.taken, "by": photo.by, "note": photo.note}
            for photo in request.photos
        ],
        "files": about,
    }
    return _dump(manifest)


def _dump(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=1, default=_write_other)
    return text.encode() + b"\n"


def _write_other(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _write_readme(request: Request, measured: Sequence[str]) -> bytes:
    units = {str(limit["factor"]): f"（{limit['unit']}）" for limit in request.limits if limit.get("unit")}
    named = [(code, find_factor(code)) for code in measured]
    kinds = [code for code, kind in KINDS.items() if kind in request.kinds]
    title = name_event(request.event)
    outlet = name_outlet(request.outlet)
    sealed = request.sealed.astimezone(CHINA).isoformat(timespec="seconds")
    template = files(__package__).joinpath("data", "readme.txt").read_text(encoding="utf-8")
    return template.format(
        title=title,
        outlet=outlet,
        mn=request.mn,
        begin=request.begin,
        end=request.end,
        commands=", ".join(kinds),
        sealed=sealed,
        operator=request.operator,
        factors="，".join(
            f"{code} {factor.name}{units.get(code, '')}" for code, factor in named if factor is not None
        ),
    ).encode("utf-8")
