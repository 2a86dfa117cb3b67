"""Raw frames as they came, in files that only grow, each batch linked to the one before: the base of every later proof.

Layout, numbers little-endian: ``segments/<local day of receipt>/<NNNNNN>.seg``, numbered through the whole store. A file
begins with 16 bytes of magic and the SHA-256 of the seal before it (zeros in the very first). Then batches: ``HEAD`` (magic,
bytes of the records, their count), records (``LENGTHS``: time of receipt in µs, bytes of MN, peer, verdict and frame; then
these four), and a link of 32 bytes. The digest of a batch is SHA-256 over its head and the SHA-256 of each record; the link
is SHA-256 over the 32 bytes that stand before the batch and this digest. So every batch is checked by what stands next to
it, and one that is damaged hides no other. A full file is sealed by ``<NNNNNN>.seal`` (JSON), whose hash begins the next
file: the store is one chain. The seal also has the root of a hash tree over the digests of all batches, so that a single
frame is proved to stand in the chain by a few hashes, without showing what others sent. Days never go back, even where the
clock does.

What is cut off an unfinished end is kept as ``.torn``. No verdict on frames is made here.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from muheng.documents.message import Message, Refusal, say
from muheng.documents.os_error import name_reason

MAGIC = b"muheng segment1\n"
HEAD = struct.Struct("<4sII")
BATCH = b"\xc5MB\n"
LENGTHS = struct.Struct("<qHHHI")
LINK = 32
BEGIN = len(MAGIC) + LINK
FIRST = bytes(LINK)
LIMIT = 64 << 20
CHINA = timezone(timedelta(hours=8))


class Record(NamedTuple):
    """``received``: µs since 1970 UTC. ``verdict``: empty for what was taken, else the reasons, joined by a space."""

    received: int
    mn: str
    peer: str
    verdict: str
    raw: bytes


class Place(NamedTuple):
    """Where a record stands: ``segment`` as ``2026-11-22/000001``, ``offset`` in its file."""

    segment: str
    offset: int


class Batch(NamedTuple):
    """``begin`` to ``end`` in its file, the link (``end`` - 32 to ``end``) included; without ``digest``: damaged."""

    begin: int
    end: int
    digest: bytes

    @property
    def whole(self) -> bool:
        return bool(self.digest)


class Finding(NamedTuple):
    """One thing wrong in the store. ``offset`` where it is known to the byte."""

    file: str
    offset: int | None
    what: Message


class StoreError(Refusal):
    """The store cannot be written; what was not confirmed by ``sync`` must not be acknowledged."""


def local_day(received: int) -> str:
    """The day in China of a time of receipt."""
    return datetime.fromtimestamp(received // 1_000_000, UTC).astimezone(CHINA).date().isoformat()


# -- writing ---------------------------------------------------------------------------------------------------------


class SegmentWriter:
    """The one writer of ``<store>/segments``. Opening it cuts off the end that a crash left unfinished."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._limit = limit
        self._file, self._path, self._segment = -1, folder, ""
        self._number, self._day = 0, ""
        self._before = self._link = FIRST
        self._size, self._hash = 0, hashlib.sha256()
        self._new, self._broken = False, False
        self._lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StoreError(
                say("{folder} 正由另一个接收进程写入。", folder=folder), say("先停掉另一个，再启动。")
            ) from None
        try:
            self._resume()
        except BaseException:
            self._release()
            raise

    def append(self, records: Sequence[Record]) -> list[Place]:
        """One batch, not yet durable: see ``sync``. Raises StoreError; then nothing of the batch is there."""
        if not records:
            return []
        if self._broken:
            raise StoreError(say("先前写盘失败，已停止接收。"), say("查明磁盘故障后重新启动。"))
        self._make_room(local_day(records[0].received))
        parts, digests, offsets = [b""], [], []
        at = self._size + HEAD.size
        for record in map(write_record, records):
            parts.append(record)
            digests.append(hashlib.sha256(record).digest())
            offsets.append(at)
            at += len(record)
        parts[0] = HEAD.pack(BATCH, at - self._size - HEAD.size, len(records))
        digest = digest_batch(parts[0], digests)
        link = make_link(self._link, digest)
        self._write(b"".join((*parts, link)))
        self._link = link
        self._digests.append(digest)
        self._count(records)
        return [Place(self._segment, offset) for offset in offsets]

    def sync(self) -> None:
        """After this what was appended survives a power failure. A failure is final: the kernel may have let go of it."""
        if self._file < 0:
            return
        try:
            os.fdatasync(self._file)
            if self._new:
                _sync_folder(self._path.parent)
                _sync_folder(self._folder)
                self._new = False
        except OSError as error:
            self._broken = True
            raise _disk_error(self._path, error) from error

    def close(self) -> None:
        """Makes everything durable; the file goes on to grow when the writer is opened again."""
        try:
            if not self._broken:
                self.sync()
        finally:
            self._release()

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _release(self) -> None:
        for file in (self._file, self._lock):
            if file >= 0:
                os.close(file)
        self._file = self._lock = -1

    def _resume(self) -> None:
        known = list_segments(self._folder)
        if not known:
            return
        last = known[-1]
        self._number, self._day = int(last.stem), last.parent.name
        if seal_path(last).exists():
            self._before = hashlib.sha256(seal_path(last).read_bytes()).digest()
        else:
            self._reopen(last)

    def _reopen(self, path: Path) -> None:
        data = path.read_bytes()
        if len(data) < BEGIN or data[: len(MAGIC)] != MAGIC:
            if any(data[BEGIN:]):
                raise StoreError(
                    say("{file} 不是本软件写的报文段。", file=path), say("把它移到别处，再启动。")
                )
            self._number -= 1
            self._before = self._find_before(path)
            path.unlink()
            return
        batches = list(walk_batches(data))
        end = BEGIN
        for batch in batches:
            if batch.whole:
                end = batch.end
        # A damaged batch that others follow is no torn end: it stays, and checking the store says where it is.
        if end < len(data):
            path.with_name(f"{path.stem}-{end}.torn").write_bytes(data[end:])
        self._open(path, path.parent.name)
        os.ftruncate(self._file, end)
        self._size = end
        self._link = data[end - LINK : end]
        self._before = data[len(MAGIC) : BEGIN]
        self._hash = hashlib.sha256(data[:end])
        for batch in batches:
            if batch.whole:
                self._digests.append(batch.digest)
                self._count([record for _, record in split_batch(data, batch)])
        self.sync()

    def _find_before(self, path: Path) -> bytes:
        earlier = [each for each in list_segments(self._folder) if each != path]
        return hashlib.sha256(seal_path(earlier[-1]).read_bytes()).digest() if earlier else FIRST

    def _open(self, path: Path, day: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._path, self._day = path, day
        self._segment = f"{day}/{path.stem}"
        self._new = True
        self._digests: list[bytes] = []
        self._records = 0
        self._first = self._last = 0
        self._verdicts: Counter[str] = Counter()

    def _make_room(self, day: str) -> None:
        if self._file >= 0 and self._size < self._limit and day <= self._day:
            return
        try:
            if self._file >= 0:
                self._seal()
            self._begin(max(day, self._day))
        except OSError as error:
            self._broken = True
            raise _disk_error(self._folder, error) from error

    def _begin(self, day: str) -> None:
        self._number += 1
        path = self._folder / day / f"{self._number:06d}.seg"
        path.parent.mkdir(exist_ok=True)
        self._open(path, day)
        self._size, self._hash = 0, hashlib.sha256()
        self._link = self._before
        self._write(MAGIC + self._before)

    def _seal(self) -> None:
        self.sync()
        seal = {
            "segment": self._segment,
            "bytes": self._size,
            "sha256": self._hash.hexdigest(),
            "before": self._before.hex(),
            "last_link": self._link.hex(),
            "batches": len(self._digests),
            "root": make_root(self._digests).hex(),
            "records": self._records,
            "begin": _write_time(self._first),
            "end": _write_time(self._last),
            "verdicts": dict(sorted(self._verdicts.items())),
        }
        text = json.dumps(seal, ensure_ascii=False, indent=1).encode() + b"\n"
        path = seal_path(self._path)
        draft = path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        _sync_folder(path.parent)
        os.close(self._file)
        self._file = -1
        self._before = hashlib.sha256(text).digest()

    def _write(self, data: bytes) -> None:
        """All of it or nothing."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            try:
                os.ftruncate(self._file, self._size)
            except OSError:
                self._broken = True
            raise _disk_error(self._path, error) from error
        self._size += len(data)
        self._hash.update(data)

    def _count(self, records: Sequence[Record]) -> None:
        if not self._records:
            self._first = records[0].received
        self._last = records[-1].received
        self._records += len(records)
        self._verdicts.update([record.verdict for record in records])


def _disk_error(path: Path, error: OSError) -> StoreError:
    return StoreError(
        say("写不进 {file}：{reason}。", file=path, reason=name_reason(error)),
        say("腾出磁盘空间或修复磁盘后重新启动；没有写进去的报文没有应答，设备会重发。"),
    )


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_time(received: int) -> str:
    moment = datetime.fromtimestamp(received // 1_000_000, UTC).astimezone(CHINA)
    return (moment + timedelta(microseconds=received % 1_000_000)).isoformat(timespec="microseconds")


# -- reading ---------------------------------------------------------------------------------------------------------


def list_segments(folder: Path, since: str = "") -> list[Path]:
    """Of ``<store>/segments``, in the order they were written; of the days since this one."""
    days = [day for day in folder.glob("[0-9]*-[0-9]*-[0-9]*") if day.name >= since]
    found = [path for day in days for path in day.glob("[0-9]*.seg")]
    return sorted(found, key=lambda path: (path.stem, path.parent.name))


def seal_path(segment: Path) -> Path:
    return segment.with_suffix(".seal")


def segment_name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def segment_path(folder: Path, name: str) -> Path:
    """The file of ``<store>/segments`` that a place names."""
    return folder / f"{name}.seg"


def read_seal(segment: Path) -> dict[str, Any] | None:
    """What seals a full segment; None for one that still grows."""
    try:
        seal: dict[str, Any] = json.loads(seal_path(segment).read_bytes())
    except FileNotFoundError:
        return None
    return seal


def read_segment(path: Path, offset: int = 0) -> Iterator[tuple[Place, Record]]:
    """From the record or batch at ``offset`` on; what is damaged or not yet wholly written is left out."""
    segment = segment_name(path)
    base, data = read_from(path, offset)
    for batch in walk_batches(data, 0 if base == 0 else LINK):
        if not batch.whole:
            continue
        for at, record in split_batch(data, batch):
            if base + at >= offset:
                yield Place(segment, base + at), record


def read_from(path: Path, offset: int) -> tuple[int, bytes]:
    """Bytes of a file from shortly before a batch on, and at what offset they begin; all where none begins there."""
    with path.open("rb") as file:
        if offset > BEGIN:
            file.seek(offset - LINK)
            data = file.read()
            if data[LINK : LINK + len(BATCH)] == BATCH or len(data) == LINK:
                return offset - LINK, data
            file.seek(0)
        return 0, file.read()


def read_record(path: Path, offset: int) -> Record | None:
    """The record at a place, its link not looked at; None where there is none."""
    with suppress(OSError, struct.error, UnicodeDecodeError), path.open("rb") as file:
        file.seek(offset)
        received, *lengths = LENGTHS.unpack(file.read(LENGTHS.size))
        data = file.read(sum(lengths))
        if len(data) == sum(lengths):
            mn, peer, verdict, _ = accumulate(lengths)
            texts = data[:mn].decode(), data[mn:peer].decode(), data[peer:verdict].decode()
            return Record(received, *texts, data[verdict:])
    return None


def walk_batches(data: bytes, begin: int = 0) -> Iterator[Batch]:
    """The batches of a segment's bytes, and damaged stretches between; an unfinished end is a damaged stretch too.

    With ``begin`` the bytes are those from 32 before a batch on.
    """
    at = begin or BEGIN
    if at > len(data):
        return
    lost = -1
    while at < len(data):
        batch = _read_batch(data, at)
        if batch is not None:
            if lost >= 0:
                yield Batch(lost, at, b"")
                lost = -1
            yield batch
            at = batch.end
            continue
        if lost < 0:
            lost = at
        found = data.find(BATCH, at + 1)
        at = found if found >= 0 else len(data)
    if lost >= 0:
        yield Batch(lost, len(data), b"")


def _read_batch(data: bytes, at: int) -> Batch | None:
    """The batch that begins here and is whole."""
    if len(data) - at < HEAD.size + LINK:
        return None
    magic, size, count = HEAD.unpack_from(data, at)
    end = at + HEAD.size + int(size) + LINK
    if magic != BATCH or end > len(data):
        return None
    digests = digest_records(data, at + HEAD.size, end - LINK, count)
    if digests is None:
        return None
    digest = digest_batch(data[at : at + HEAD.size], digests)
    return (
        Batch(at, end, digest) if make_link(data[at - LINK : at], digest) == data[end - LINK : end] else None
    )


def digest_records(data: bytes, begin: int, end: int, count: int) -> list[bytes] | None:
    """The SHA-256 of each record; None where so many do not fill these bytes."""
    digests = []
    for _ in range(count):
        if begin + LENGTHS.size > end:
            return None
        _, *lengths = LENGTHS.unpack_from(data, begin)
        after = begin + LENGTHS.size + sum(lengths)
        digests.append(hashlib.sha256(data[begin:after]).digest())
        begin = after
    return digests if begin == end else None


def digest_batch(head: bytes, digests: Sequence[bytes]) -> bytes:
    return hashlib.sha256(b"".join((head, *digests))).digest()


def make_link(before: bytes, digest: bytes) -> bytes:
    return hashlib.sha256(before + digest).digest()


def make_root(digests: Sequence[bytes]) -> bytes:
    """Of the hash tree (as in RFC 6962): two nodes become one, a last one alone moves up as it is."""
    level = [hashlib.sha256(b"\0" + digest).digest() for digest in digests]
    while len(level) > 1:
        level = _pair(level)
    return level[0] if level else FIRST


def make_paths(digests: Sequence[bytes], numbers: Iterable[int]) -> dict[int, list[bytes]]:
    """For each batch the hashes that lead from it to the root."""
    level = [hashlib.sha256(b"\0" + digest).digest() for digest in digests]
    paths: dict[int, list[bytes]] = {number: [] for number in numbers}
    depth = 0
    while len(level) > 1:
        for number, path in paths.items():
            beside = (number >> depth) ^ 1
            if beside < len(level):
                path.append(level[beside])
        level = _pair(level)
        depth += 1
    return paths


def _pair(level: list[bytes]) -> list[bytes]:
    paired = [
        hashlib.sha256(b"\1" + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)
    ]
    return [*paired, *level[2 * len(paired) :]]


def write_record(record: Record) -> bytes:
    """As it stands in a segment."""
    received, mn, peer, verdict, raw = record
    texts = mn.encode(), peer.encode(), verdict.encode()
    lengths = LENGTHS.pack(received, len(texts[0]), len(texts[1]), len(texts[2]), len(raw))
    return b"".join((lengths, *texts, raw))


def split_batch(data: bytes, batch: Batch) -> Iterator[tuple[int, Record]]:
    """The records of a whole batch, with their offsets."""
    _, _, count = HEAD.unpack_from(data, batch.begin)
    at = batch.begin + HEAD.size
    for _ in range(count):
        received, mn, peer, verdict, raw = LENGTHS.unpack_from(data, at)
        begin, at = at, at + LENGTHS.size
        peer_at = at + mn
        verdict_at = peer_at + peer
        raw_at = verdict_at + verdict
        texts = data[at:peer_at].decode(), data[peer_at:verdict_at].decode(), data[verdict_at:raw_at].decode()
        at = raw_at + raw
        yield begin, Record(received, *texts, data[raw_at:at])


# -- checking --------------------------------------------------------------------------------------------------------


def verify_segments(folder: Path) -> list[Finding]:
    """Every batch's link, every seal, and that none is missing; empty where all is as it was written."""
    findings: list[Finding] = []
    before, number = FIRST, 0
    known = list_segments(folder)
    for path in known:
        name = segment_name(path)
        if int(path.stem) != number + 1:
            missing = say("缺第 {begin} 至 {end} 段。", begin=number + 1, end=int(path.stem) - 1)
            findings.append(Finding(name, None, missing))
        data = path.read_bytes()
        if data[: len(MAGIC)] != MAGIC or len(data) < BEGIN:
            findings.append(Finding(name, 0, say("文件开头不是报文段。")))
        elif data[len(MAGIC) : BEGIN] != before and int(path.stem) == number + 1:
            findings.append(Finding(name, len(MAGIC), say("与前一段的封条接不上：前一段或本段被换过。")))
        last = path == known[-1]
        batches = list(walk_batches(data))
        findings += _find_damage(name, batches)
        findings += _verify_seal(path, data, batches, last)
        number = int(path.stem)
        seal = seal_path(path)
        before = hashlib.sha256(seal.read_bytes()).digest() if seal.exists() else FIRST
    return findings


def _find_damage(name: str, batches: Sequence[Batch]) -> Iterator[Finding]:
    for batch in batches:
        if not batch.whole:
            what = say(
                "第 {begin} 至 {end} 字节的校验链断了：改动过，或没有写完。", begin=batch.begin, end=batch.end
            )
            yield Finding(name, batch.begin, what)


def _verify_seal(path: Path, data: bytes, batches: Sequence[Batch], last: bool) -> Iterator[Finding]:
    name = segment_name(path)
    try:
        seal = read_seal(path)
    except ValueError:
        yield Finding(name, None, say("封条读不出来。"))
        return
    if seal is None:
        if not last:
            yield Finding(name, None, say("没有封条，后面却还有一段。"))
        return
    if seal.get("bytes") != len(data):
        what = say("封存时 {sealed} 字节，现在 {found} 字节。", sealed=seal.get("bytes"), found=len(data))
        yield Finding(name, None, what)
    elif (seal.get("sha256"), seal.get("root"), seal.get("last_link")) != (
        hashlib.sha256(data).hexdigest(),
        make_root([batch.digest for batch in batches if batch.whole]).hex(),
        data[-LINK:].hex(),
    ):
        yield Finding(name, None, say("内容与封条的 SHA-256 不符。"))
