"""The frames behind values, and the hashes that prove them to stand in the chain without showing what others sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from muheng.documents.message import Refusal, say
from muheng.monitoring.hj212.decoding import Keys, Packet, decode_bytes, find
from muheng.monitoring.hj212.parts import PATIENCE, read_part
from muheng.monitoring.store.segments import (
    BEGIN,
    HEAD,
    LINK,
    MAGIC,
    Batch,
    Place,
    Record,
    digest_records,
    list_segments,
    make_paths,
    make_root,
    read_seal,
    read_segment,
    seal_path,
    segment_name,
    segment_path,
    split_batch,
    walk_batches,
)

MICRO = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Standing(NamedTuple):
    """A frame with its place: which batch of its segment, which record of the batch."""

    place: Place
    batch: int
    number: int
    record: Record
    packet: Packet


class Segment(NamedTuple):
    """Its frames that were asked for, and its chain as the evidence holds it."""

    standing: list[Standing]
    chain: dict[str, Any]


def open_segments(folder: Path, places: Iterable[Place], keys: Keys | None) -> list[Segment]:
    """Of ``<store>/segments``; raises Refusal where a frame is missing or its segment is damaged."""
    by_segment: dict[str, set[int]] = {}
    for place in places:
        by_segment.setdefault(place.segment, set()).add(place.offset)
    return [_open(segment_path(folder, name), wanted, keys) for name, wanted in sorted(by_segment.items())]


def _open(path: Path, wanted: set[int], keys: Keys | None) -> Segment:
    name = segment_name(path)
    seal = seal_path(path).read_text(encoding="utf-8") if seal_path(path).exists() else None
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Refusal(say("报文段 {segment} 不见了，无法取证。", segment=name)) from None
    digests: list[bytes] = []
    opened: dict[int, dict[str, Any]] = {}
    standing: list[Standing] = []
    for batch in walk_batches(data):
        if not batch.whole:
            if batch.end == len(data) and seal is None:
                break  # what is being written at this moment
            raise Refusal(
                say(
                    "报文段 {segment} 在第 {offset} 字节处有损坏，无法取证。",
                    segment=name,
                    offset=batch.begin,
                ),
                say("先用 muheng verify 核对接收程序的数据文件夹，查明损坏的原因。"),
            )
        rows = [
            (number, at, record)
            for number, (at, record) in enumerate(split_batch(data, batch))
            if at in wanted
        ]
        for number, at, record in rows:
            packet = decode_bytes(record.raw, keys)
            if packet is None:
                raise Refusal(say("报文段 {segment} 第 {offset} 字节处不是报文。", segment=name, offset=at))
            standing.append(Standing(Place(name, at), len(digests), number, record, packet))
        if rows:
            opened[len(digests)] = _show_batch(data, batch)
        digests.append(batch.digest)
    if len(standing) < len(wanted):
        raise Refusal(
            say(
                "报文段 {segment} 里少了 {count} 条报文，无法取证。",
                segment=name,
                count=len(wanted) - len(standing),
            )
        )
    for number, path_up in make_paths(digests, opened).items():
        opened[number]["path"] = [each.hex() for each in path_up]
    chain = {
        "segment": name,
        "before": data[len(MAGIC) : BEGIN].hex(),
        "batches": len(digests),
        "root": make_root(digests).hex(),
        "opened": {str(number): batch for number, batch in opened.items()},
        "seal": seal,
    }
    return Segment(standing, chain)


def _show_batch(data: bytes, batch: Batch) -> dict[str, Any]:
    """A batch's records by their digests only."""
    head = data[batch.begin : batch.begin + HEAD.size]
    count = HEAD.unpack(head)[2]
    digests = digest_records(data, batch.begin + HEAD.size, batch.end - LINK, count)
    assert digests is not None
    return {"head": head.hex(), "records": [each.hex() for each in digests]}


def find_parts(folder: Path, standing: Iterable[Standing]) -> set[Place]:
    """The other parts of messages of which these frames are the part that came last."""
    found: set[Place] = set()
    by_segment: dict[str, list[Standing]] = {}
    for each in standing:
        if read_part(each.packet) is not None:
            by_segment.setdefault(each.place.segment, []).append(each)
    for name, lasts in by_segment.items():
        devices = {each.record.mn for each in lasts}
        since = min(each.record.received for each in lasts) - PATIENCE // MICRO
        for path in _list_since(folder, name, since):
            for place, record in read_segment(path):
                if record.mn not in devices or record.verdict or b"PNUM=" not in record.raw:
                    continue
                packet = decode_bytes(record.raw)
                if packet is not None and any(_belongs(packet, record, each) for each in lasts):
                    found.add(place)
    return found


def _list_since(folder: Path, name: str, since: int) -> list[Path]:
    """The segment, and those before it that hold what was received since then."""
    path = segment_path(folder, name)
    paths = [path]
    for earlier in reversed([each for each in list_segments(folder) if each.stem < path.stem]):
        seal = read_seal(earlier)
        if seal is None or datetime.fromisoformat(seal["end"]) < EPOCH + since * MICRO:
            break
        paths.append(earlier)
    return paths


def _belongs(packet: Packet, record: Record, last: Standing) -> bool:
    header = packet.header
    same = all(find(header, key) == find(last.packet.header, key) for key in ("CN", "ST", "PNUM"))
    before = timedelta(microseconds=last.record.received - record.received)
    return same and record.mn == last.record.mn and abs(before) <= PATIENCE
