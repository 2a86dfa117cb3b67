"""Evidence: what is sealed verifies anywhere; whatever is changed, where ever, is found and named."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from store_frames import MN, START, make_records

from muheng.cli.main import run as command
from muheng.documents.message import Refusal, english_catalogue
from muheng.monitoring.dialogue.devices import Device, write_devices
from muheng.monitoring.evidence import (
    EvidenceError,
    Photo,
    Request,
    Sealed,
    export_evidence,
    is_evidence,
    seal_evidence,
    standalone,
    verify_evidence,
)
from muheng.monitoring.store.digest import digest
from muheng.monitoring.store.segments import Record, SegmentWriter, list_segments, make_paths, make_root

OTHER = "FEDCBA987654321001234567"
SECRET = "98765.4"
KEY = bytes(range(16))
LONG = {f"a{number:05d}": {"Avg": f"{number}.5", "Flag": "N"} for number in range(60)}


def hour(at: int, value: str, mn: str = MN, **more: Any) -> list[Record]:
    sulphur, oxygen = ("02", "S01") if more.get("edition") == 2005 else ("a21026", "a19001")
    factors = {
        sulphur: {"Min": "1", "Avg": value, "Max": "99", "Cou": "0.5", "ZsAvg": value, "Flag": "N"},
        oxygen: {"Avg": "6.1", "Flag": "N"},
    }
    moment = START + timedelta(hours=at)
    return make_records(moment, factors, "hour", mn, delay=timedelta(hours=1, seconds=at), **more)


def make_request(**changes: Any) -> Request:
    judged = pl.DataFrame(
        {
            "time": [START, START + timedelta(hours=1), START + timedelta(hours=3)],
            "factor": ["a21026"] * 3,
            "limit": [35.0] * 3,
            "ratio": [1.2, 1.5, None],
            "verdict": ["超标", "超标", "缺失"],
        }
    )
    given: dict[str, Any] = {
        "event": {"number": "JC-20261120-001", "title": "二氧化硫超标"},
        "outlet": {"name": "1号焚烧炉", "enterprise": "示例企业"},
        "mn": MN,
        "begin": START,
        "end": START + timedelta(hours=4),
        "operator": "值班员",
        "sealed": datetime(2026, 11, 21, 1, 0, tzinfo=UTC),
        "limits": [{"factor": "a21026", "basis": "hour", "most": 35.0}],
        "rules": {"alerts.toml": b"x = 1\n"},
        "judged": judged,
        "answers": [{"at": "2026-11-20 12:00", "by": "环保负责人", "text": "=脱硫泵故障"}],
        "steps": [{"at": "2026-11-20 11:00", "step": "推送", "by": "值班员", "note": ""}],
        "photos": [Photo("现场.jpg", b"\xff\xd8 photo", "2026-11-20 13:00", "执法员", "烟囱")],
    }
    return Request(**(given | changes))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three segments: the first two full and sealed; others' frames among ours."""
    store = tmp_path_factory.mktemp("store")
    write_devices(store / "devices.csv", [Device(MN, "123456", key=KEY)])
    other = hour(0, SECRET, OTHER)
    with SegmentWriter(store / "segments", limit=900) as writer:
        writer.append([*other, *hour(0, "42")])
        writer.append(other)
        writer.append([*hour(1, "52.5"), *hour(1, SECRET, OTHER)])
        writer.append(other)
        writer.append(hour(2, "33", edition=2025, key=KEY))
    while digest(store, START + timedelta(hours=6)).records:
        pass
    return store


def keys(mn: str) -> bytes | None:
    return KEY if mn == MN else None


@pytest.fixture(scope="module")
def sealed(store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sealed]:
    folder = tmp_path_factory.mktemp("evidence") / "JC-20261120-001"
    return folder, seal_evidence(folder, make_request(), store, keys)


@pytest.fixture
def copy(sealed: tuple[Path, Sealed], tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed[0], tmp_path / "copy"))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Its own verify.py, with no package of ours in reach."""
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), *arguments]
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def names_of(folder: Path) -> set[str]:
    return {finding.file for finding in verify_evidence(folder).findings}


def test_it_verifies_by_every_way(sealed: tuple[Path, Sealed], tmp_path: Path) -> None:
    folder, result = sealed
    found = verify_evidence(folder, result.seal)
    assert found.findings == ()
    assert (found.frames, found.values) == (result.frames, result.values) == (3, 7)
    assert (found.event, found.outlet, found.sealed_by) == (
        "JC-20261120-001 二氧化硫超标",
        "示例企业 1号焚烧炉",
        "值班员",
    )
    assert found.sealed_at == "2026-11-21T09:00:00+08:00"
    own = run(folder, "--seal", result.seal)
    assert (own.returncode, own.stderr) == (0, "")
    assert result.seal in own.stdout
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=True)
    packed = tmp_path / "evidence.zip"
    packed.write_bytes(export_evidence(folder))
    assert packed.read_bytes() == export_evidence(folder)
    assert verify_evidence(packed) == verify_evidence(folder)
    # As other programs pack it.
    again = [(path.relative_to(folder).as_posix(), path.read_bytes(), 0o600) for path in folder.rglob("*.*")]
    sums = [("SHA256SUMS", (folder / "SHA256SUMS").read_bytes(), 0)]
    packed.write_bytes(make_zip([("chain/", b"", 0o040755), *again, *sums]))
    assert verify_evidence(packed).proved
    assert is_evidence(packed)
    assert is_evidence(folder)


def test_what_stands_in_it(sealed: tuple[Path, Sealed], store: Path) -> None:
    folder, _ = sealed
    values = pl.read_csv(folder / "values.csv")
    over = values.filter(pl.col("factor") == "a21026")
    assert over.select("time", "value", "limit", "ratio", "verdict").rows() == [
        ("2026-11-20T08:00:00", 42.0, 35.0, 1.2, "超标"),
        ("2026-11-20T09:00:00", 52.5, 35.0, 1.5, "超标"),
        ("2026-11-20T10:00:00", 33.0, None, None, None),
        ("2026-11-20T11:00:00", None, 35.0, None, "缺失"),
    ]
    assert pl.read_csv(folder / "answers.csv")["text"].to_list() == ["'=脱硫泵故障"]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["rules"] == {"alerts.toml": hashlib.sha256(b"x = 1\n").hexdigest()}
    assert manifest["photos"] == [
        {"name": "现场.jpg", "taken": "2026-11-20 13:00", "by": "执法员", "note": "烟囱"}
    ]
    chains = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "chain").iterdir())]
    assert [chain["seal"] is not None for chain in chains] == [True, True, False]
    # The chain leads from seal to seal, and shows nothing of what others sent.
    assert chains[1]["before"] == hashlib.sha256(chains[0]["seal"].encode()).hexdigest()
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert OTHER.encode() not in everything
    assert SECRET.encode().hex().encode() not in everything
    readme = (folder / "说明.txt").read_text(encoding="utf-8")
    assert "二氧化硫超标" in readme
    assert "{" not in readme


def test_every_changed_byte_is_found_and_named(copy: Path, sealed: tuple[Path, Sealed]) -> None:
    assert sum(path.stat().st_size for path in copy.rglob("*") if path.is_file()) < 60_000
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        data = path.read_bytes()
        name = path.relative_to(copy).as_posix()
        step = max(len(data) // 40, 1)
        for at in range(0, len(data), step):
            path.write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
            found = verify_evidence(copy)
            assert found.findings, (name, at)
            assert name in {finding.file for finding in found.findings}, (name, at)
        path.write_bytes(data)
    assert verify_evidence(copy, sealed[1].seal).proved


def test_the_folders_own_check_finds_it_too(copy: Path) -> None:
    for path in sorted(path for path in copy.rglob("*") if path.is_file() and path.name != "verify.py"):
        data = path.read_bytes()
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
        found = run(copy)
        assert found.returncode == 1, path
        assert path.relative_to(copy).as_posix() in found.stdout
        assert found.stderr == ""
        path.write_bytes(data)
    (copy / "verify.py").write_bytes((copy / "verify.py").read_bytes() + b"# changed\n")
    assert "verify.py" in run(copy).stdout


def forge(copy: Path, name: str, change: Callable[[bytes], bytes], whole: bool) -> None:
    """Changes a file and then what lists it, as whoever forges would: SHA256SUMS, or the manifest as well."""
    path = copy / name
    path.write_bytes(change(path.read_bytes()))
    manifest = json.loads((copy / "manifest.json").read_bytes())
    files = manifest["files"]
    if whole:
        data = path.read_bytes()
        files[name] |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        (copy / "manifest.json").write_text(
            json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    names = [*files, "manifest.json"]
    digests = {each: hashlib.sha256((copy / each).read_bytes()).hexdigest() for each in names}
    (copy / "SHA256SUMS").write_bytes(standalone.write_sums(digests))


def test_sums_that_were_rewritten_help_nobody(copy: Path) -> None:
    forge(copy, "values.csv", lambda data: data.replace(b"52.5", b"12.5"), whole=False)
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=copy, check=True)
    assert names_of(copy) == {"values.csv", "SHA256SUMS"}


def test_a_forger_who_rewrites_the_manifest_too_meets_the_frames_and_the_chain(
    copy: Path, sealed: tuple[Path, Sealed]
) -> None:
    forge(copy, "values.csv", lambda data: data.replace(b"52.5", b"12.5"), whole=True)
    found = verify_evidence(copy)
    assert {(finding.file, str(finding.what)) for finding in found.findings} == {
        ("values.csv", "a21026 的 value 是 12.5，报文里是 52.5。"),
        ("values.csv", "a21026 的 converted 是 12.5，报文里是 52.5。"),
    }

    # The frame too, with its checksum made right: it is not the one that stands in the chain.
    def change(data: bytes) -> bytes:
        lines = [json.loads(line) for line in data.splitlines()]
        raw = bytes.fromhex(lines[1]["raw"]).replace(b"52.5", b"12.5")
        lines[1]["raw"] = (raw[:-4] + b"%04X" % standalone.compute_crc(raw[6:-4])).hex()
        return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)

    forge(copy, "frames.jsonl", change, whole=True)
    found = verify_evidence(copy)
    assert [(finding.file, finding.row) for finding in found.findings] == [("frames.jsonl", 2)]
    assert run(copy).returncode == 1
    # And whatever is made to agree, the manifest is another one than was signed.
    assert "manifest.json" in {finding.file for finding in verify_evidence(copy, sealed[1].seal).findings}


@pytest.mark.parametrize(
    ("name", "change", "row"),
    [
        ("frames.jsonl", lambda data: data.replace(b"192.0.2.7", b"192.0.2.8"), 1),
        ("frames.jsonl", lambda data: data.replace(b'T09:00:00.000000+', b'T09:00:01.000000+'), 1),
        ("frames.jsonl", lambda data: data.replace(b'"reasons": []', b'"reasons": ["crc"]'), 1),
        ("values.csv", lambda data: data.replace(b"T08:00:00,", b"T07:00:00,"), 2),
        ("values.csv", lambda data: data.replace(b",N,", b",D,"), 2),
        ("values.csv", lambda data: data.replace(b"2026-11-20/000001", b"2026-11-20/000009"), 2),
        ("values.csv", lambda data: data.replace(b"2026-11-20/000001", b""), 2),
        ("values.csv", lambda data: b"kind\r\nhour\r\n", None),
        ("frames.jsonl", lambda data: b"[]\n", None),
        ("frames.jsonl", lambda data: b"[" * 100_000, None),
    ],
)  # fmt: skip
def test_forged_lines_are_named(
    copy: Path, name: str, change: Callable[[bytes], bytes], row: int | None
) -> None:
    forge(copy, name, change, whole=True)
    found = [(finding.file, finding.row) for finding in verify_evidence(copy).findings]
    assert (name, row) in found
    assert run(copy).returncode == 1


def test_a_forged_chain_is_found(copy: Path) -> None:
    name = "chain/2026-11-20_000001.json"
    for change in (
        lambda data: data.replace(b'"batches": 2', b'"batches": 3'),
        lambda data: data.replace(b'"root": "', b'"root": "00'),
        lambda data: data.replace(b'"path": [\n    "', b'"path": [\n    "00'),
        lambda data: data.replace(b'"path": [\n', b'"path": [\n    "00",\n'),
        lambda data: data.replace(b'\\"batches\\": 2', b'\\"batches\\": 3'),
        lambda data: data.replace(b'\\"root\\": \\"', b'\\"root\\": \\"00'),
    ):
        data = (copy / name).read_bytes()
        assert change(data) != data
        forge(copy, name, change, whole=True)
        assert name in names_of(copy)
        forge(copy, name, lambda _, data=data: data, whole=True)
    assert verify_evidence(copy).proved


def test_only_the_right_way_leads_to_the_root() -> None:
    digests = [hashlib.sha256(bytes([number])).digest() for number in range(33)]
    for count in range(1, 34):
        some = digests[:count]
        root = make_root(some)
        for number, path in make_paths(some, range(count)).items():
            assert standalone.climb(some[number], number, count, path) == root
            assert standalone.climb(digests[number - 1], number, count, path) != root or count == number == 0
    assert make_root(digests[:2]) != make_root(digests[1::-1])


def test_missing_and_added_files_are_named(copy: Path) -> None:
    (copy / "marks.csv").unlink()
    (copy / "photos" / "后加.jpg").write_bytes(b"x")
    (copy / "empty").mkdir()
    found = {finding.file: str(finding.what) for finding in verify_evidence(copy).findings}
    assert found == {"marks.csv": "缺这个文件。", "photos/后加.jpg": "清单里没有这个文件。"}


def test_hostile_folders_are_refused_in_words(copy: Path, tmp_path: Path) -> None:
    (copy / "photos" / "link.jpg").symlink_to("/etc/hostname")
    os.mkfifo(copy / "pipe")
    assert {finding.file for finding in verify_evidence(copy).findings} == {"photos/link.jpg", "pipe"}
    assert run(copy).returncode == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    assert names_of(empty) == {"manifest.json"}
    assert not is_evidence(empty)
    for text in (
        "",
        "[]",
        '{"files": 3}',
        '{"files": {"a": {}}}',
        "[" * 100_000,
        '{"files": {"../a": {"size": 1, "sha256": ""}}}',
    ):
        (empty / "manifest.json").write_text(text)
        assert "manifest.json" in names_of(empty) or "../a" in names_of(empty)


def test_what_no_file_can_be_called_and_what_a_terminal_obeys(copy: Path) -> None:
    (copy / "\x1b[2J相符.txt").write_bytes(b"")
    said = run(copy)
    assert said.returncode == 1
    assert "\\x1b[2J" in said.stdout
    assert "\x1b" not in said.stdout
    manifest = json.loads((copy / "manifest.json").read_bytes())
    manifest["files"]["\ud800"] = {"size": 1, "sha256": ""}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert names_of(copy) == {"manifest.json"}
    assert run(copy).returncode == 1


def make_zip(entries: list[tuple[str, bytes, int]]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return data.getvalue()


@pytest.mark.parametrize(
    "entries",
    [
        [("../escaped", b"x", 0o100644)],
        [("/absolute", b"x", 0o100644)],
        [("a/b/c", b"x", 0o100644)],
        [("c:evil", b"x", 0o100644)],
        [("link", b"/etc/passwd", 0o120777)],
        [("bomb", bytes(64 << 20), 0o100644)],
        [("folder/", b"x", 0o040755)],
    ],
)
def test_hostile_zips_are_not_unpacked(tmp_path: Path, entries: list[tuple[str, bytes, int]]) -> None:
    path = tmp_path / "evidence.zip"
    path.write_bytes(make_zip(entries))
    with pytest.raises(EvidenceError, match=r"不是普通文件|太大"):
        verify_evidence(path)
    assert [each.name for each in tmp_path.iterdir()] == ["evidence.zip"]


def test_a_broken_zip_is_told(tmp_path: Path, sealed: tuple[Path, Sealed]) -> None:
    path = tmp_path / "evidence.zip"
    data = export_evidence(sealed[0])
    for broken in (b"", b"not a zip", data[: len(data) // 2], data[:200] + bytes(300) + data[500:]):
        path.write_bytes(broken)
        with pytest.raises(EvidenceError, match="打不开"):
            verify_evidence(path)


def test_a_message_in_parts_brings_all_its_parts(store: Path, tmp_path: Path) -> None:
    own = tmp_path / "store"
    parts = make_records(START, LONG, "hour", delay=timedelta(hours=1))
    assert len(parts) == 3
    with SegmentWriter(own / "segments", limit=1000) as writer:
        for number in (2, 0, 1):
            writer.append([parts[number]._replace(received=parts[0].received + number)])
    digest(own, START + timedelta(hours=2))
    result = seal_evidence(tmp_path / "out", make_request(judged=None), own)
    assert (result.frames, result.values) == (3, 60)
    assert verify_evidence(tmp_path / "out").proved


def test_old_codes_and_forgiven_frames_agree(tmp_path: Path) -> None:
    own = tmp_path / "store"
    (record,) = hour(0, "42", edition=2005)
    swapped = record._replace(raw=record.raw[:-4] + record.raw[-2:] + record.raw[-4:-2])
    (later,) = hour(1, "43", edition=2005)
    with SegmentWriter(own / "segments") as writer:
        writer.append([swapped, later])
    digest(own, START + timedelta(hours=3))
    seal_evidence(tmp_path / "out", make_request(judged=None), own)
    assert verify_evidence(tmp_path / "out").proved
    frames = [json.loads(line) for line in (tmp_path / "out" / "frames.jsonl").read_text().splitlines()]
    assert [frame["reasons"] for frame in frames] == [["crc"], []]
    # What 2005 called 02 and S01.
    assert set(pl.read_csv(tmp_path / "out" / "values.csv")["factor"]) == {"a21026", "a19001"}


def test_what_cannot_be_evidence_is_refused(store: Path, tmp_path: Path, sealed: tuple[Path, Sealed]) -> None:
    folder = tmp_path / "out"
    for changes, said in (
        ({"begin": START + timedelta(days=1), "end": START + timedelta(days=2)}, "无从取证"),
        ({"photos": [Photo("../x.jpg", b"")]}, "不能用"),
        ({"photos": [Photo("x.jpg", b""), Photo("x.jpg", b"")]}, "两张"),
    ):
        with pytest.raises(Refusal, match=said):
            seal_evidence(folder, make_request(**changes), store, keys)
    with pytest.raises(Refusal, match="密钥"):
        seal_evidence(folder, make_request(), store)
    with pytest.raises(Refusal, match="不再改写"):
        seal_evidence(sealed[0], make_request(), store, keys)
    own = Path(shutil.copytree(store, tmp_path / "store"))
    path = list_segments(own / "segments")[0]
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(Refusal, match="损坏"):
        seal_evidence(folder, make_request(), own, keys)
    path.unlink()
    with pytest.raises(Refusal, match="不见了"):
        seal_evidence(folder, make_request(), own, keys)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["store"]


def test_the_command_says_what_it_found(
    copy: Path, sealed: tuple[Path, Sealed], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "evidence.zip"
    packed.write_bytes(export_evidence(copy))
    assert command(["verify", str(packed), "--seal", sealed[1].seal], {}) == 0
    assert "相符：13 个文件、3 条报文、7 行数值。" in capsys.readouterr().out
    assert command(["verify", str(packed), "--seal", "0" * 64, "--json"], {}) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["file"] == "manifest.json"
    forge(copy, "values.csv", lambda data: data.replace(b"52.5", b"12.5"), whole=True)
    assert command(["verify", str(copy), "--lang", "en"], {}) == 1
    assert "· values.csv:5: value of a21026 is 12.5; the frame says 52.5." in capsys.readouterr().out
    packed.write_bytes(packed.read_bytes()[:5000] + bytes(100) + packed.read_bytes()[5100:])
    assert command(["verify", str(packed)], {}) == 1
    assert "打不开" in capsys.readouterr().err


def test_the_command_checks_a_whole_store(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["verify", str(store)], {}) == 0
    assert "3 段报文" in capsys.readouterr().out
    own = Path(shutil.copytree(store, tmp_path / "store"))
    path = list_segments(own / "segments")[1]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert command(["verify", str(own), "--json"], {}) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {finding["file"] for finding in findings} == {"2026-11-20/000002"}


def test_both_checks_say_the_same_in_both_languages() -> None:
    for chinese, english in standalone.TEXTS.values():
        assert english_catalogue()[chinese] == english
