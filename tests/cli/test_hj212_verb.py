"""``muheng hj212 decode``: a line of JSON for each frame, or what a person reads."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_town import muheng

SOUND = (
    b"##0171QN=20260801120000123;ST=31;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20260801120000;"
    b"a21026-Rtd=12.34,a21026-Flag=N;a34013-Rtd=3.42,a34013-Flag=N&&7700\r\n"
)
BAD = SOUND.replace(b"12.34", b"12.35")


def write(folder: Path, data: bytes) -> Path:
    path = folder / "通讯 记录.bin"
    path.write_bytes(data)
    return path


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_line_of_json_for_each_frame(tmp_path: Path) -> None:
    found = muheng("hj212", "decode", write(tmp_path, b"noise" + SOUND + BAD), "--json")
    sound, bad = lines(found.out)
    assert sound == {
        "offset": 5,
        "valid": True,
        "reasons": [],
        "usable": True,
        "forgiven": [],
        "remarks": [],
        "version": 2017,
        "header": {
            "QN": "20260801120000123", "ST": "31", "CN": "2011", "PW": "123456", "MN": "010000A8900016F000169DC0", "Flag": "5",
        },
        "cp": {"DataTime": "20260801120000"},
        "factors": {"a21026": {"Rtd": "12.34", "Flag": "N"}, "a34013": {"Rtd": "3.42", "Flag": "N"}},
        "crc": "7700",
        "crc_due": "7700",
        "length": 171,
        "length_due": 171,
        "encoding": "utf-8",
        "cipher": None,
    }  # fmt: skip
    assert (bad["valid"], bad["usable"], bad["reasons"], bad["crc"], bad["crc_due"]) == (
        False, False, ["crc"], "7700", "74C0",
    )  # fmt: skip


def test_what_stands_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SOUND * 3)))
    assert [line["valid"] for line in lines(muheng("hj212", "decode", "-", "--json").out)] == [True] * 3


def start(*arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "muheng.cli.main", "hj212", "decode", *arguments]
    return subprocess.Popen(command, **streams)


def test_a_packet_is_told_when_it_came_and_nothing_is_held() -> None:
    pipe = subprocess.PIPE
    decoding = start("-", "--json", stdin=pipe, stdout=pipe)
    assert decoding.stdin is not None
    assert decoding.stdout is not None
    for number in range(3):
        # All but the line's end, which says nothing.
        decoding.stdin.write(SOUND[:-2])
        decoding.stdin.flush()
        assert json.loads(decoding.stdout.readline())["offset"] == number * (len(SOUND) - 2)
    for noise, times in ((bytes(1 << 20), 50), (b"##9999" * 10_000, 10)):
        for _ in range(times):
            decoding.stdin.write(noise)
    decoding.stdin.write(b"\n" + SOUND)
    decoding.stdin.flush()
    assert json.loads(decoding.stdout.readline())["valid"]
    status = Path(f"/proc/{decoding.pid}/status").read_text(encoding="ascii")
    assert int(status.partition("VmHWM:")[2].split()[0]) < 45 << 10
    assert decoding.communicate() == (b"", None)
    assert decoding.returncode == 0


def test_nobody_reads_and_nothing_is_written(tmp_path: Path) -> None:
    path = write(tmp_path, SOUND * 3000)
    gone = start(str(path), "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert gone.stdout is not None
    assert gone.stdout.readline()
    gone.stdout.close()
    with Path("/dev/full").open("wb") as full:
        filled = start(str(path), "--json", stdout=full, stderr=subprocess.PIPE)
    assert gone.communicate()[1] == b""
    said = filled.communicate()[1].decode()
    assert (gone.returncode, filled.returncode) == (1, 1)
    assert said == "文件读写失败：磁盘满了。\n"


def test_no_standard_input_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    (said,) = lines(muheng("hj212", "decode", "-", "--json").out)
    assert said["error"]["what"] == "没有打开标准输入。"


def test_a_few_packets_in_words(tmp_path: Path) -> None:
    said = muheng("hj212", "decode", write(tmp_path, SOUND + BAD)).out
    assert "二氧化硫" in said
    assert "毫克/立方米" in said
    assert "无效：校验码写的是 7700，应为 74C0。" in said
    assert "共 2 包：有效 1，可用 1，不能用 1。" in said
    english = muheng("hj212", "decode", write(tmp_path, SOUND), "--lang", "en").out
    assert "2011 real-time data" in english
    assert "1 packets: 1 valid, 1 usable, 0 not usable." in english


def test_many_packets_in_a_table(tmp_path: Path) -> None:
    said = muheng("hj212", "decode", write(tmp_path, SOUND * 600 + b"##9999")).out
    assert said.count("2026-08-01 12:00:00") == 600
    assert "共 600 包：有效 600，可用 600，不能用 0。" in said
    assert "另有 6 字节不属于任何报文。" in said


def test_nothing_found_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, b"")
    assert "没有找到报文。" in muheng("hj212", "decode", path).out
    assert muheng("hj212", "decode", path, "--json").out == ""


def test_keys_of_devices(tmp_path: Path) -> None:
    from muheng.monitoring.hj212.encoding import encode

    key = b"sixteen letters!"
    header = {"QN": "20260801120000123", "ST": "31", "CN": "2011", "PW": "1", "MN": "A" * 24, "Flag": "9"}
    path = write(tmp_path, encode(header, "DataTime=20260801120000;a21026-Rtd=1.5", key))
    keys = tmp_path / "密钥.csv"
    keys.write_text(f"MN,key\n{'A' * 24},{key.hex()}\n", encoding="utf-8")
    (shut,) = lines(muheng("hj212", "decode", path, "--json").out)
    assert (shut["valid"], shut["reasons"], shut["cipher"], shut["crc_due"]) == (
        False,
        ["key"],
        "unknown",
        None,
    )
    (opened,) = lines(muheng("hj212", "decode", path, "--json", "--keys", keys).out)
    assert (opened["valid"], opened["factors"], opened["cipher"]) == (
        True,
        {"a21026": {"Rtd": "1.5"}},
        "device",
    )
    assert opened["length"] == opened["length_due"]
    keys.write_text(f"*,{key.hex()}\n{'A' * 24},abc\n", encoding="utf-8")
    wrong = muheng("hj212", "decode", path, "--keys", keys)
    assert wrong.code == 1
    assert "第 2 行" in wrong.err
    # In the encoding of a spreadsheet, and what is no row at all.
    keys.write_bytes(f"MN,密钥\n{'A' * 24},{key.hex()},备注\n".encode("gbk"))
    assert lines(muheng("hj212", "decode", path, "--json", "--keys", keys).out) == [opened]
    for text in (b"\xff\xfeM\0N\0", b'"' + b"0" * 200_000):
        keys.write_bytes(text)
        assert "第 1 行" in muheng("hj212", "decode", path, "--keys", keys).err


def test_what_cannot_be_read(tmp_path: Path) -> None:
    missing = muheng("hj212", "decode", tmp_path / "没有.bin", "--json")
    assert missing.code == 1
    assert missing.data["error"]["kind"] == "file"
    assert muheng("hj212", "encode", "-").code == 2
