"""核对这个证据文件夹是否与锁定时相同。 Checks that this folder of evidence is as it was sealed.

    python3 verify.py [FOLDER] [--seal SHA256]

Python 3.8 or later and nothing else; neither the network nor the software that sealed the folder is asked. It recomputes
the SHA-256 of every file, the chain that each frame stands in, length and checksum of each frame by the standard's own
definition, and compares values.csv with what the frames say. It does not judge whether a limit was exceeded.
"""

# A copy stands in every folder of evidence as verify.py, so nothing here may need anything but the standard library.
from __future__ import annotations

import csv
import datetime
import hashlib
import io
import json
import os
import re
import stat
import struct
import sys
from typing import Any, Callable  # noqa: UP035, what Python 3.8 has

MANIFEST, SUMS, FRAMES, VALUES, CHAIN = "manifest.json", "SHA256SUMS", "frames.jsonl", "values.csv", "chain/"
MOST_FILES = 20000
MOST_BYTES = 2 << 30
MOST_FINDINGS = 200
KIND_OF = {"2011": "realtime", "2051": "minute", "2061": "hour", "2031": "day", "2021": "status"}
FIGURES = {
    "realtime": (("value", ("Rtd", "Avg")), ("converted", ("ZsRtd", "ZsAvg"))),
    "status": (("value", ("RS",)), ("converted", ("ZsAvg", "ZsRtd"))),
}
OTHER_FIGURES = (("value", ("Avg", "Rtd")), ("converted", ("ZsAvg", "ZsRtd")))
ALWAYS = (("least", ("Min",)), ("most", ("Max",)), ("total", ("Cou",)))
UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError, struct.error, csv.Error,
)  # fmt: skip
NUMBER = re.compile(r"-?(?=\.?[0-9])[0-9]*\.?[0-9]*")

TEXTS = {
    "missing": ("缺这个文件。", "The file is missing."),
    "extra": ("清单里没有这个文件。", "The manifest does not list this file."),
    "strange": ("是链接或特殊文件，不能作证据。", "It is a link or a special file and cannot be evidence."),
    "many": ("文件太多或太大，没有核对。", "Too many or too large files; not checked."),
    "unreadable": ("读不出来，或写法不对。", "It cannot be read, or is not written as it should be."),
    "size": (
        "锁定时 {sealed} 字节，现在 {found} 字节。",
        "Sealed with {sealed} bytes, now {found} bytes.",
    ),
    "hash": (
        "内容改动过：SHA-256 与清单不符。",
        "The contents were changed: their SHA-256 is not that of the manifest.",
    ),
    "sums": ("与文件和清单不符。", "It does not agree with the files and the manifest."),
    "seal": (
        "清单的 SHA-256 是 {found}，不是给出的 {given}。",
        "The SHA-256 of the manifest is {found}, not {given} as given.",
    ),
    "record": (
        "报文与校验链不符：报文、接收时间或来源改动过。",
        "The frame does not stand in the chain: it, its time of receipt or its peer was changed.",
    ),
    "time": ("接收时间的两种写法不一致。", "The two ways of writing the time of receipt disagree."),
    "length": (
        "报文写的长度是 {sent}，实为 {due} 字节。",
        "The frame declares a length of {sent}; it has {due} bytes.",
    ),
    "crc": (
        "报文的校验码是 {sent}，按标准应为 {due}。",
        "The frame has the checksum {sent}; by the standard it is {due}.",
    ),
    "batch": ("第 {number} 批的摘要与校验链不符。", "The digest of batch {number} is not that of the chain."),
    "link": ("校验链的根与封条不符。", "The root of the chain is not that of the seal."),
    "no_frame": ("所指的报文不在 frames.jsonl 里。", "The frame it names is not in frames.jsonl."),
    "no_source": ("有数值，却没有指明报文。", "It has a value but names no frame."),
    "about": (
        "类型、时间或接收时间与所指的报文不同。",
        "Kind, time or time of receipt are not those of the frame it names.",
    ),
    "value": (
        "{factor} 的 {column} 是 {found}，报文里是 {sent}。",
        "{column} of {factor} is {found}; the frame says {sent}.",
    ),
}
"""By code, Chinese and English."""


class Finding:
    """What does not agree: file, line of it (0: the whole file), code of TEXTS and its values."""

    def __init__(self, file: str, row: int, code: str, **params: object) -> None:
        self.file, self.row, self.code, self.params = file, row, code, params


class Folder:
    """The files of a folder by name, read once; ``findings`` grows while they are checked."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.sizes: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.seal = ""
        self.manifest: dict[Any, Any] = {}
        self.frames = 0
        self.values = 0

    def find(self, file: str, row: int, code: str, **params: object) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(file, row, code, **params))

    def read(self, name: str) -> bytes:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(os.path.join(self.path, *name.split("/")), flags), "rb") as file:
            return file.read(self.sizes[name] + 1)


def check(path: str, seal: str = "") -> Folder:
    """Everything that is wrong with a folder; nothing in it is trusted."""
    folder = Folder(path)
    _list_files(folder, "")
    if folder.findings:
        return folder
    try:
        data = folder.read(MANIFEST)
        folder.seal = hashlib.sha256(data).hexdigest()
        folder.manifest = json.loads(data.decode("utf-8"))
        files = {str(name): (int(about["size"]), str(about["sha256"])) for name, about in _files(folder)}
        write_sums({name: digest for name, (_, digest) in files.items()})  # names that no file can have
    except KeyError as error:
        folder.find(MANIFEST, 0, "missing" if error.args == (MANIFEST,) else "unreadable")
        return folder
    except UNREADABLE:
        folder.find(MANIFEST, 0, "unreadable")
        return folder
    if seal and seal.strip().lower() != folder.seal:
        folder.find(MANIFEST, 0, "seal", found=folder.seal, given=seal.strip())
    _check_files(folder, files)
    _check_sums(folder, files)
    frames = _guard(folder, FRAMES, _read_frames) or []
    chains = {}
    for name in sorted(folder.sizes):
        if name.startswith(CHAIN):
            chain = _guard(folder, name, _read_chain)
            if chain is not None:
                chains[chain["segment"]] = chain
    _check_frames(folder, frames, chains)
    rows = _guard(folder, VALUES, _read_values) or []
    _guard(folder, VALUES, lambda folder, name: _check_values(folder, rows, frames))
    return folder


def _files(folder: Folder) -> list[Any]:
    return sorted(folder.manifest["files"].items())


def _guard(folder: Folder, name: str, act: Callable[[Folder, str], Any]) -> Any:
    """What ``act`` reads of a file, or a finding where the file is not written as it should be."""
    if name not in folder.sizes:
        return None
    try:
        return act(folder, name)
    except UNREADABLE:
        folder.find(name, 0, "unreadable")
        return None


# -- files -----------------------------------------------------------------------------------------------------------


def _list_files(folder: Folder, inside: str) -> None:
    with os.scandir(os.path.join(folder.path, *inside.split("/")) if inside else folder.path) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            name = inside + entry.name
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode) and inside == "":
                _list_files(folder, name + "/")
            elif not stat.S_ISREG(mode):
                folder.find(name, 0, "strange")
            else:
                folder.sizes[name] = entry.stat(follow_symlinks=False).st_size
                if len(folder.sizes) > MOST_FILES or sum(folder.sizes.values()) > MOST_BYTES:
                    folder.find(name, 0, "many")
                    return


def _check_files(folder: Folder, files: dict[str, tuple[int, str]]) -> None:
    for name in sorted({MANIFEST, SUMS, FRAMES, VALUES} | set(files)):
        if name not in folder.sizes:
            folder.find(name, 0, "missing")
    for name in sorted(set(folder.sizes) - set(files) - {MANIFEST, SUMS}):
        folder.find(name, 0, "extra")
    for name, (size, digest) in sorted(files.items()):
        if name not in folder.sizes:
            continue
        if folder.sizes[name] != size:
            folder.find(name, 0, "size", sealed=size, found=folder.sizes[name])
        elif hashlib.sha256(folder.read(name)).hexdigest() != digest:
            folder.find(name, 0, "hash")


def write_sums(digests: dict[str, str]) -> bytes:
    """As ``sha256sum`` writes and checks it."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode("utf-8")


def _check_sums(folder: Folder, files: dict[str, tuple[int, str]]) -> None:
    if SUMS not in folder.sizes:
        return
    digests = {name: digest for name, (_, digest) in files.items()}
    digests[MANIFEST] = folder.seal
    due, found = write_sums(digests).split(b"\n"), folder.read(SUMS).split(b"\n")
    rows = [row for row in range(max(len(due), len(found))) if due[row : row + 1] != found[row : row + 1]]
    if rows:
        folder.find(SUMS, rows[0] + 1, "sums")
    if f"{folder.seal}  {MANIFEST}".encode() not in found:
        # Which of the two was changed, only the manifest's SHA-256 tells that was written down.
        folder.find(MANIFEST, 0, "sums")


# -- frames and their chain ------------------------------------------------------------------------------------------


def _read_frames(folder: Folder, name: str) -> list[Any]:
    frames = []
    for row, line in enumerate(folder.read(name).decode("utf-8").splitlines(), 1):
        frame = json.loads(line)
        frame["row"] = row
        frame["bytes"] = bytes.fromhex(frame["raw"])
        frame["plain_bytes"] = None if frame["plain"] is None else bytes.fromhex(frame["plain"])
        frames.append(frame)
    folder.frames = len(frames)
    return frames


def _read_chain(folder: Folder, name: str) -> dict[str, Any]:
    """How the frames stand in a segment: their batches by the digests of all records, and from each the way to the root
    of the hash tree that the segment's seal has. A segment that still grew when this was sealed has no seal yet.
    """
    chain: dict[str, Any] = json.loads(folder.read(name).decode("utf-8"))
    chain["segment"] = str(chain["segment"])
    for number, opened in sorted(chain["opened"].items(), key=lambda each: int(each[0])):
        head = bytes.fromhex(opened["head"])
        digests, path = ([bytes.fromhex(text) for text in opened[part]] for part in ("records", "path"))
        digest = hashlib.sha256(head + b"".join(digests)).digest()
        root = climb(digest, int(number), chain["batches"], path)
        if root.hex() != chain["root"] or struct.unpack("<4sII", head)[2] != len(digests):
            folder.find(name, 0, "batch", number=int(number))
    if chain["seal"] is not None:
        seal = json.loads(chain["seal"])
        if any(seal[part] != chain[part] for part in ("segment", "before", "batches", "root")):
            folder.find(name, 0, "link")
    return chain


def climb(digest: bytes, number: int, count: int, path: list[bytes]) -> bytes:
    """The root of the hash tree (as in RFC 6962) over ``count`` digests, from that of this number."""
    node, path = hashlib.sha256(b"\0" + digest).digest(), path[::-1]
    while count > 1:
        if number ^ 1 < count:
            pair = (path.pop(), node) if number & 1 else (node, path.pop())
            node = hashlib.sha256(b"\1" + b"".join(pair)).digest()
        number, count = number >> 1, (count + 1) >> 1
    if path:
        raise ValueError("too many hashes")
    return node


def _write_record(frame: dict[str, Any]) -> bytes:
    texts = [frame[name].encode("utf-8") for name in ("mn", "peer", "verdict")] + [frame["bytes"]]
    return struct.pack("<qHHHI", frame["received"], *map(len, texts)) + b"".join(texts)


def _check_frames(folder: Folder, frames: list[Any], chains: dict[str, Any]) -> None:
    for frame in frames:
        row = frame["row"]
        try:
            chain = chains[frame["segment"]]
            due = chain["opened"][str(frame["batch"])]["records"][frame["record"]]
            if hashlib.sha256(_write_record(frame)).hexdigest() != due:
                folder.find(FRAMES, row, "record")
            if write_time(frame["received"]) != frame["received_at"]:
                folder.find(FRAMES, row, "time")
            _check_frame(folder, frame)
        except UNREADABLE:
            folder.find(FRAMES, row, "record")


def write_time(received: int) -> str:
    """µs since 1970 UTC as local time in China."""
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(hours=8, microseconds=received)
    return moment.isoformat(timespec="microseconds") + "+08:00"


def compute_crc(data: bytes) -> int:
    """As the annex of HJ 212 defines it: the register's high byte and the next byte, then eight shifts."""
    register = 0xFFFF
    for byte in data:
        register = SHIFTED[(register >> 8) ^ byte]
    return register


def _shift(register: int) -> int:
    for _ in range(8):
        register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register


SHIFTED = [_shift(register) for register in range(256)]


def split_frame(raw: bytes) -> tuple[Any, ...]:
    """Declared length, data segment, checksum."""
    end = len(raw) - 4
    return raw[2:6].decode("latin-1"), raw[6:end], raw[end:].decode("latin-1")


def plain_segment(frame: dict[str, Any]) -> bytes:
    """The data segment; of an enciphered frame with its contents deciphered, as the checksum counts it."""
    segment: bytes = split_frame(frame["bytes"])[1]
    if frame["plain_bytes"] is None:
        return segment
    plain: bytes = frame["plain_bytes"]
    return segment[: segment.index(b"CP=&&") + 5] + plain + b"&&"


def _check_frame(folder: Folder, frame: dict[str, Any]) -> None:
    """A frame is to be right, unless it was already said when it was sealed that it is not."""
    declared, wire, sent = split_frame(frame["bytes"])
    segment = plain_segment(frame)
    lengths = [f"{len(segment):04d}", f"{len(wire):04d}"]
    crc = f"{compute_crc(segment):04X}"
    reasons = []
    if declared not in lengths or not frame["bytes"].startswith(b"##"):
        reasons.append("length")
    if sent.upper() != crc:
        reasons.append("crc")
    if reasons == sorted(frame["reasons"], reverse=True):
        return
    if "length" in reasons and "length" not in frame["reasons"]:
        folder.find(FRAMES, frame["row"], "length", sent=declared, due=len(segment))
    if "crc" in reasons and "crc" not in frame["reasons"]:
        folder.find(FRAMES, frame["row"], "crc", sent=sent, due=crc)
    if set(frame["reasons"]) - set(reasons):
        folder.find(FRAMES, frame["row"], "record")


# -- values ----------------------------------------------------------------------------------------------------------


def _read_values(folder: Folder, name: str) -> list[Any]:
    text = folder.read(name).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    folder.values = len(rows)
    return rows


def read_message(texts: list[str]) -> dict[tuple[str, str], list[str]]:
    """Items by factor and suffix, each with every text that the parts may mean.

    Parts are joined as they are and item by item, since some devices cut their contents anywhere.
    """
    items: dict[tuple[str, str], list[str]] = {}
    for joined in {"".join(texts), ";".join(texts)}:
        for item in re.split("[;,]", joined):
            name, equals, value = item.partition("=")
            code, _, suffix = name.strip().rpartition("-")
            if equals:
                items.setdefault((code, suffix), []).append(value)
    return items


def _read_header(frame: dict[str, Any]) -> dict[str, Any]:
    head = plain_segment(frame).split(b"CP=&&")[0].decode("latin-1")
    pairs = [item.partition("=") for item in head.split(";")]
    return {name.strip(" ,").upper(): value for name, _, value in pairs}


def _contents(frame: dict[str, Any]) -> str:
    content = plain_segment(frame).split(b"CP=&&", 1)[1]
    content = content[:-2] if content.endswith(b"&&") else content
    for encoding in ("utf-8", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _check_values(folder: Folder, rows: list[Any], frames: list[Any]) -> None:
    frames = [
        frame for frame in frames if isinstance(frame.get("bytes"), bytes) and b"CP=&&" in frame["bytes"]
    ]
    by_place = {(frame["segment"], str(frame["offset"])): frame for frame in frames}
    messages: dict[tuple[Any, ...], list[Any]] = {}
    for frame in frames:
        for key in _messages_of(frame):
            messages.setdefault(key, []).append(frame)
    read: dict[tuple[Any, ...], Any] = {}
    old_codes = folder.manifest["old_codes"]
    for number, row in enumerate(rows, 2):
        figures = [row[name] for name in ("value", "least", "most", "total", "converted", "flag")]
        if not row["segment"]:
            if any(figures):
                folder.find(VALUES, number, "no_source")
            continue
        place = (row["segment"], row["offset"])
        frame = by_place.get(place)
        if frame is None:
            folder.find(VALUES, number, "no_frame")
            continue
        if place not in read:
            parts = {id(part): part for key in _messages_of(frame) for part in messages[key]}
            texts = [_contents(part) for part in sorted(parts.values(), key=_part_number)]
            read[place] = read_message(texts)
        _check_row(folder, number, row, frame, read[place], old_codes.get(row["factor"], row["factor"]))


def _messages_of(frame: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What the parts of a message share, DataTime or QN; a frame that is no part is a message of its own."""
    header = _read_header(frame)
    if not header.get("PNUM"):
        return [(frame["segment"], frame["offset"])]
    times = read_message([_contents(frame)]).get(("", "DataTime"), [])
    common = (frame["mn"], header.get("CN"), header["PNUM"])
    return [(*common, "time", time) for time in times[:1]] + [(*common, "qn", header.get("QN"))]


def _part_number(frame: dict[str, Any]) -> int:
    return int(_read_header(frame).get("PNO") or 0)


def _check_row(
    folder: Folder,
    number: int,
    row: dict[str, str],
    frame: dict[str, Any],
    items: dict[Any, list[str]],
    sent_as: str,
) -> None:
    kind = KIND_OF.get(_read_header(frame).get("CN", ""), "")
    digits = re.sub("[^0-9]", "", row["time"])[:14]
    times = {text[:14] for text in items.get(("", "DataTime"), [])}
    if row["kind"] != kind or digits not in times or row["received"] != frame["received_at"]:
        folder.find(VALUES, number, "about")
        return
    codes = (row["factor"], sent_as)
    for column, suffixes in FIGURES.get(kind, OTHER_FIGURES) + ALWAYS:
        sent = [text for suffix in suffixes for code in codes for text in items.get((code, suffix), [])]
        numbers = [float(text) for text in sent if NUMBER.fullmatch(text) and float(text) != float("inf")]
        found = row[column]
        if (not numbers and found) or (numbers and not (found and float(found) in numbers)):
            folder.find(
                VALUES,
                number,
                "value",
                factor=row["factor"],
                column=column,
                found=found or "-",
                sent=sent[0] if sent else "-",
            )
    flags = [text for code in codes for text in items.get((code, "Flag"), [])]
    if row["flag"] not in (flags or [""]):
        folder.find(
            VALUES,
            number,
            "value",
            factor=row["factor"],
            column="flag",
            found=row["flag"] or "-",
            sent=flags[0] if flags else "-",
        )


# -- the command -----------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    seal = ""
    if "--seal" in arguments:
        at = arguments.index("--seal")
        seal = "".join(arguments[at + 1 : at + 2])
        arguments = arguments[:at] + arguments[at + 2 :]
    path = arguments[0] if arguments else os.path.dirname(os.path.abspath(__file__))
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    if len(arguments) > 1 or not os.path.isdir(path):
        print(__doc__)
        return 2
    folder = check(path, seal)
    for language in (0, 1):
        for finding in folder.findings:
            where = f"{finding.file}:{finding.row}" if finding.row else finding.file
            print(_plain(f"{where}  {TEXTS[finding.code][language].format(**finding.params)}"))
    if folder.findings:
        print(f"不符，共 {len(folder.findings)} 处。 / Findings: {len(folder.findings)}.")
        return 1
    print(f"相符：{len(folder.sizes)} 个文件、{folder.frames} 条报文、{folder.values} 行数值。")
    print(f"Agrees: {len(folder.sizes)} files, {folder.frames} frames, {folder.values} rows of values.")
    print(f"SHA-256 (manifest.json)  {folder.seal}")
    return 0


def _plain(text: str) -> str:
    """A terminal obeys what cannot be printed; names and frames are whatever somebody wrote."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
