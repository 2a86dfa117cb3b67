"""A published result that anyone can recompute: one zip with the policy, the facts, the figures and their hashes.

``write_bundle`` seals, ``read_bundle`` opens for explanation and what-if, ``verify_bundle`` recomputes from the
sealed policy and facts and says which file and which row does not agree. The seal is the hash of the manifest,
which holds the hash of everything else: publish it, and nothing in the bundle can be changed unnoticed.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import polars as pl

from muheng.documents.finding import Finding
from muheng.documents.message import Message, Refusal, say
from muheng.intake.archive import MAX_RATIO, RATIO_MATTERS_ABOVE
from muheng.intake.facts import CODE, NAME, Facts, read_facts, write_facts, write_frame
from muheng.policy.bind import DataError
from muheng.policy.compile import compile_policy
from muheng.policy.plan import Aggregate, Plan
from muheng.policy.run import Engine, Result, decode, evaluate
from muheng.standards.calendar import calendar_files
from muheng.standards.rounding import format_scaled

FORMAT = 1
MANIFEST = "manifest.json"
POLICY = "policy.toml"
FACTS = "facts"
PREVIOUS = "previous"
RESULTS = "results.parquet"
AGGREGATES = "aggregates.json"
DIGESTS = "digests.parquet"
# Far above any real bundle (a million enterprises take some 300 MB); a bomb unpacks to more.
MOST_BYTES = 8 * 2**30
EPOCH = (1980, 1, 1, 0, 0, 0)
SHOWN_ROWS = 20
BLOCK = 65_536


@dataclass(frozen=True)
class Verification:
    """``seal`` is the hash of the manifest as found; ``same_bytes``: the recomputed table is the sealed one to
    the byte (it need not be under another version of Polars, whose files differ while their values agree)."""

    seal: str
    policy: str
    year: int
    enterprises: int
    findings: tuple[Finding, ...]
    same_bytes: bool

    @property
    def proved(self) -> bool:
        return not self.findings


# What a table that is no longer one makes Polars raise; its panics are no PolarsError.
DAMAGED_ZIP = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error, struct.error)
DAMAGED = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


class BundleError(Refusal):
    """The file is not a bundle, or cannot be opened safely; ``what`` says why."""


class _Unreadable(BundleError):
    """What is sealed in ``file`` cannot be used."""

    def __init__(self, file: str, what: Message) -> None:
        super().__init__(what)
        self.file = file


def write_bundle(result: Result, path: Path, engine: Engine = "polars") -> str:
    """Seal a result; returns the seal. The same result gives the same bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / POLICY).write_text(result.plan.text, encoding="utf-8", newline="")
        write_facts(result.given, folder / FACTS)
        if result.given_previous is not None:
            write_facts(result.given_previous, folder / PREVIOUS)
        (folder / RESULTS).write_bytes(_table_bytes(result.values))
        (folder / "calendars").mkdir()
        for calendar, data in calendar_files().items():
            (folder / "calendars" / calendar).write_bytes(data)
        (folder / AGGREGATES).write_text(_dump(_aggregates(result)), encoding="utf-8")
        rows = {name: file_digests(file) for name, file in _files(folder).items()}
        digests = pl.concat(
            pl.DataFrame({"file": [name] * len(found), "digest": found})
            for name, found in rows.items()
            if len(found)
        )
        (folder / DIGESTS).write_bytes(_table_bytes(digests))
        manifest = _signed(_manifest(result, folder, engine))
        (folder / MANIFEST).write_text(_dump(manifest), encoding="utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for inside, file in _files(folder).items():
                info = zipfile.ZipInfo(inside, EPOCH)
                info.compress_type = zipfile.ZIP_STORED if file.suffix == ".parquet" else zipfile.ZIP_DEFLATED
                archive.writestr(info, file.read_bytes())
        return _hash((folder / MANIFEST).read_bytes())


def read_bundle(path: Path) -> Result:
    """The sealed result, ready for explanation, comparison, advice and what-if. Raises :class:`BundleError`.

    The figures are the sealed ones; whether they follow from the sealed facts is what ``verify_bundle`` asks.
    """
    with _opened(path) as folder:
        plan, facts, previous = _read_inputs(folder)
        again = _recompute(plan, facts, previous)
        try:
            sealed = pl.read_parquet(folder / RESULTS)
        except DAMAGED:
            raise _Unreadable(RESULTS, say("封存的结果读不出来。")) from None
    if sealed.schema != again.values.schema or not sealed[CODE].equals(again.values[CODE]):
        raise _Unreadable(RESULTS, say("封存的结果与重算的结果行列不同。"))
    return replace(again, values=sealed)


def verify_bundle(path: Path) -> Verification:
    """Recompute everything; never raises for what is wrong inside, only for what is no bundle at all."""
    with _opened(path) as folder:
        text = (folder / MANIFEST).read_bytes()
        try:
            manifest = json.loads(text)
            known = dict(manifest["files"])
            about = (str(manifest["policy"]["id"]), int(manifest["year"]), int(manifest["enterprises"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BundleError(say("{file} 读不懂，不是亩衡的封存包。", file=MANIFEST)) from None
        findings = list(_changed_files(folder, known))
        if _dump(_signed(manifest)).encode() != text:
            findings.append(Finding(MANIFEST, None, say("封存后被改动。")))
        same_bytes = False
        try:
            plan, facts, previous = _read_inputs(folder)
            again = _recompute(plan, facts, previous).values
        except _Unreadable as error:
            findings.append(Finding(error.file, None, error.what))
        else:
            findings += _wrong_claims(manifest, plan, facts, again)
            findings += _different_results(folder, again)
            same_bytes = _hash(_table_bytes(again)) == known.get(RESULTS)
    return Verification(_hash(text), *about, tuple(findings), same_bytes)


# -- what is sealed --------------------------------------------------------------------------------


def _manifest(result: Result, folder: Path, engine: Engine) -> dict[str, Any]:
    plan = result.plan
    return {
        "format": FORMAT,
        "policy": {
            "id": plan.document.policy.id,
            "name": plan.document.policy.name,
            "wording": plan.wording,
            "meaning": plan.meaning,
        },
        "year": result.year,
        "enterprises": result.values.height,
        "engine": engine,
        "versions": {
            "muheng": version("muheng"),
            "python": platform.python_version(),
            "polars": version("polars"),
            "numpy": version("numpy"),
        },
        "files": {name: _hash(file.read_bytes()) for name, file in _files(folder).items()},
    }


def _signed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with the hash of everything else in it, so that it cannot be changed in passing."""
    claims = {key: value for key, value in manifest.items() if key != "manifest"}
    return {**claims, "manifest": _hash(_dump(claims).encode())}


def _aggregates(result: Result) -> list[dict[str, Any]]:
    """Every group's benchmark, as people read it."""
    shown: list[dict[str, Any]] = []
    for node in result.plan.nodes:
        if not isinstance(node, Aggregate) or node.name not in result.values.columns:
            continue
        groups = [decode(result.values[name], result.labels[name]).alias(name) for name in node.by]
        table = pl.DataFrame([*groups, result.values[node.name]]).drop_nulls(node.name).unique().sort(node.by)
        for *labels, value in table.iter_rows():
            shown.append(
                {
                    "node": node.name,
                    "group": labels,
                    "value": format_scaled(value, node.digits),
                    "unit": node.unit,
                }
            )
    return shown


def _files(folder: Path) -> dict[str, Path]:
    """Every file below the folder by its path inside it, in the order of the paths."""
    found = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    return dict(sorted(found.items()))


def file_digests(file: Path) -> pl.Series:
    """One digest per row of a table or per line of a text. Raises what Polars raises for a damaged table."""
    if file.suffix == ".parquet":
        return row_digests(pl.read_parquet(file))
    lines = file.read_bytes().split(b"\n")
    return pl.Series("digest", [_short_hash(line) for line in lines], dtype=pl.UInt64)


def _short_hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def row_digests(frame: pl.DataFrame) -> pl.Series:
    """A 64-bit digest of each row's values, the same on every machine and version."""
    digests = np.empty(frame.height, dtype=np.uint64)
    texts = [
        pl.col(name).cast(pl.String).str.replace_all("\x1f", "\x1e", literal=True).fill_null("\x00")
        for name in frame.columns
    ]
    for start in range(0, frame.height, BLOCK):
        rows = frame.slice(start, BLOCK).select(pl.concat_str(texts, separator="\x1f")).to_series()
        digests[start : start + len(rows)] = [_short_hash(row.encode()) for row in rows]
    return pl.Series("digest", digests)


def _table_bytes(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    write_frame(frame, buffer)
    return buffer.getvalue()


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# -- what is opened --------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path) -> Iterator[Path]:
    """The bundle unpacked in a folder of its own."""
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED_ZIP:
        raise BundleError(say("{file} 打不开，不是封存包（bundle.zip）。", file=path.name)) from None
    with archive, tempfile.TemporaryDirectory() as name:
        unpacked = sum(info.file_size for info in archive.infolist())
        packed = max(path.stat().st_size, 1)
        if unpacked > MOST_BYTES or (unpacked > RATIO_MATTERS_ABOVE and unpacked > MAX_RATIO * packed):
            raise BundleError(say("{file} 解开后过大，拒绝打开。", file=path.name))
        seen: set[str] = set()
        for info in archive.infolist():
            inside = PurePosixPath(info.filename)
            if inside.is_absolute() or ".." in inside.parts:
                raise BundleError(
                    say("{file} 中有不安全的路径“{path}”。", file=path.name, path=info.filename)
                )
            if info.filename in seen:
                # Which of the two is read would depend on who reads.
                raise BundleError(say("{file} 中有两个 {path}。", file=path.name, path=info.filename))
            seen.add(info.filename)
            try:
                archive.extract(info, name)
            except DAMAGED_ZIP:
                raise BundleError(
                    say("{file} 中的 {path} 已损坏。", file=path.name, path=info.filename)
                ) from None
        folder = Path(name)
        if not (folder / MANIFEST).is_file():
            raise BundleError(say("{file} 中没有 {path}，不是封存包。", file=path.name, path=MANIFEST))
        yield folder


def _read_inputs(folder: Path) -> tuple[Plan, Facts, Facts | None]:
    try:
        text = (folder / POLICY).read_bytes().decode()
    except (OSError, ValueError):
        raise _Unreadable(POLICY, say("封存的规则读不出来。")) from None
    plan = compile_policy(text, POLICY).plan
    if plan is None:
        raise _Unreadable(POLICY, say("封存的规则有错误，不能运行。"))
    facts = _read_year(folder, FACTS)
    return plan, facts, _read_year(folder, PREVIOUS) if (folder / PREVIOUS).is_dir() else None


def _read_year(folder: Path, year: str) -> Facts:
    try:
        return read_facts(folder / year)
    except (*DAMAGED, ValueError, KeyError, TypeError, AttributeError):
        raise _Unreadable(year, say("封存的数据读不出来。")) from None


def _recompute(plan: Plan, facts: Facts, previous: Facts | None) -> Result:
    try:
        return evaluate(plan, facts, previous=previous)
    except DataError as error:
        raise _Unreadable(FACTS, error.misfits[0].what) from None
    except (Exception, pl.exceptions.PanicException):
        # Facts that somebody changed can be wrong in ways that no department's file can.
        raise _Unreadable(FACTS, say("按封存的规则和数据算不出结果。")) from None


def _changed_files(folder: Path, known: dict[str, str]) -> Iterator[Finding]:
    found = _files(folder)
    for name in found:
        if name != MANIFEST and name not in known:
            yield Finding(name, None, say("封存之后多出来的文件。"))
    for name, expected in known.items():
        file = found.get(name)
        if file is None:
            yield Finding(name, None, say("封存的文件不见了。"))
        elif _hash(file.read_bytes()) != expected:
            yield from _changed_rows(folder, file, name)


def _changed_rows(folder: Path, file: Path, name: str) -> Iterator[Finding]:
    """Which rows of a changed file are not those that were sealed."""
    if name == DIGESTS:
        yield Finding(name, None, say("封存后被改动。"))
        return
    try:
        now = file_digests(file)
        sealed = pl.read_parquet(folder / DIGESTS).filter(pl.col("file") == name)["digest"]
    except DAMAGED:
        yield Finding(name, None, say("封存后被改动，已读不出来。"))
        return
    frame = pl.read_parquet(file) if file.suffix == ".parquet" else None
    shared = min(len(now), len(sealed))
    rows = [int(row) + 1 for row in (now[:shared] != sealed[:shared]).arg_true()]
    if len(now) != len(sealed):
        yield Finding(
            name, None, say("封存时 {sealed} 行，现在 {now} 行。", sealed=len(sealed), now=len(now))
        )
    for row in rows[:SHOWN_ROWS]:
        who = "" if frame is None else f"（{_who(frame, row - 1)}）"
        yield Finding(name, row, say("第 {row} 行{who}封存后被改动。", row=row, who=who))
    if not rows and len(now) == len(sealed):
        yield Finding(name, None, say("各行未变，但文件被重新写过，或清单被改动。"))


def _who(frame: pl.DataFrame, row: int) -> str:
    shown = [str(frame[column][row]) for column in (NAME, CODE) if column in frame.columns]
    return " ".join(shown) or "—"


def _wrong_claims(
    manifest: Mapping[str, Any], plan: Plan, facts: Facts, again: pl.DataFrame
) -> Iterator[Finding]:
    """What the manifest says of the sealed policy and facts, and they do not."""
    policy = plan.document.policy
    for claim, said, found in (
        (say("规则编号"), manifest["policy"].get("id"), policy.id),
        (say("规则名称"), manifest["policy"].get("name"), policy.name),
        (say("年度"), manifest["year"], facts.year),
        (say("户数"), manifest["enterprises"], again.height),
    ):
        if said != found:
            what = say(
                "清单上的{claim}是 {said}，封存的内容是 {found}。", claim=claim, said=said, found=found
            )
            yield Finding(MANIFEST, None, what)


def _different_results(folder: Path, again: pl.DataFrame) -> Iterator[Finding]:
    """Rows of the sealed results that do not follow from the sealed policy and facts."""
    try:
        sealed = pl.read_parquet(folder / RESULTS)
    except DAMAGED:
        yield Finding(RESULTS, None, say("封存的结果读不出来。"))
        return
    if sealed.columns != again.columns or sealed.height != again.height:
        yield Finding(RESULTS, None, say("封存的结果与重算的结果行列不同。"))
        return
    unequal = {name: ~sealed[name].eq_missing(again[name]) for name in again.columns}
    rows = pl.DataFrame(unequal).select(pl.any_horizontal(pl.all())).to_series().arg_true()
    for row in rows[:SHOWN_ROWS]:
        columns = [name for name, different in unequal.items() if different[int(row)]]
        first = columns[0]
        what = say(
            "第 {row} 行（{who}）与重算不符：{column} 封存 {sealed}，重算 {again}。",
            row=int(row) + 1,
            who=_who(sealed, int(row)),
            column=first,
            sealed=sealed[first][int(row)],
            again=again[first][int(row)],
        )
        yield Finding(RESULTS, int(row) + 1, what)
    if len(rows) > SHOWN_ROWS:
        yield Finding(RESULTS, None, say("另有 {count} 行与重算不符。", count=len(rows) - SHOWN_ROWS))
