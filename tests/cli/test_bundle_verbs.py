"""The verbs that read a sealed result: explain, advise, whatif, compare, verify."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from small_town import POLICY, YEAR, make_code, make_name, muheng

VERBS: list[tuple[str, ...]] = [
    ("explain", "{bundle}", make_code(20)),
    ("advise", "{bundle}", make_code(20), "--grade", "A"),
    ("whatif", "{bundle}", "--set", "grading.quota.A=30%"),
    ("compare", "{bundle}", "{bundle}"),
    ("verify", "{bundle}"),
]


def fill(verb: tuple[str, ...], bundle: Path) -> list[str]:
    return [str(bundle) if part == "{bundle}" else part for part in verb]


def tamper(bundle: Path, target: Path, inside: str, change: Callable[[bytes], bytes]) -> Path:
    """A copy of the bundle with one file inside changed."""
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info, change(data) if info.filename == inside else data)
    return target


def lift(data: bytes) -> bytes:
    """One more grade A in the results."""
    frame = pl.read_parquet(io.BytesIO(data))
    grades = frame["等级"].to_list()
    grades[grades.index(1)] = 0
    out = io.BytesIO()
    frame.with_columns(pl.Series("等级", grades, frame.schema["等级"])).write_parquet(out)
    return out.getvalue()


def test_explain_goes_down_to_the_cell(bundle: Path) -> None:
    words = muheng("explain", bundle, make_code(20))
    assert words.code == 0
    assert "小镇.csv · 小镇 · C22" in words.out
    assert "240.25" in words.out
    data = muheng("explain", bundle, make_name(20), "--json").data
    assert data["code"] == make_code(20)
    assert muheng("explain", bundle, make_code(20).lower(), "--json").data == data
    assert data["grade"] == "B"
    assert {"code", "name", "subject", "grade", "reason", "open"} <= set(data)
    assert {"sentence", "parts", "cells"} <= set(data["reason"])


def test_an_enterprise_that_is_not_there(bundle: Path) -> None:
    for verb in (("explain", bundle, "第2"), ("advise", bundle, "第2", "--grade", "A")):
        outcome = muheng(*verb)
        assert outcome.code == 1
        assert outcome.out == ""
        # 2 and 20 to 29
        assert "相近的有 11 户" in outcome.err
    error = muheng("explain", bundle, "没有的企业", "--json")
    assert error.code == 1
    assert error.data["error"]["kind"] == "unknown"
    assert error.data["error"]["fix"] is None


def test_advice_names_a_verified_way(bundle: Path) -> None:
    data = muheng("advise", bundle, make_code(20), "--grade", "A", "--json").data
    assert (data["now"], data["wanted"], data["reachable"]) == ("B", "A", True)
    assert all(way["grade"] == "A" for way in data["ways"])
    assert "入库税收" in muheng("advise", bundle, make_code(20), "--grade", "A").out
    outcome = muheng("advise", bundle, make_code(20), "--grade", "甲")
    assert outcome.code == 1
    assert "A、B、C" in outcome.err


def test_whatif_moves_those_at_the_cut(bundle: Path) -> None:
    data = muheng("whatif", bundle, "--set", "grading.quota.A=30%", "--json").data
    # 30 % of 38 is 11.4: three more in A.
    assert data["moved"] == 3
    assert {(move["before"], move["after"]) for move in data["moves"]} == {("B", "A")}
    both = muheng(
        "whatif", bundle, "--set", "grading.quota.A=30%", "bonus[高新技术企业].add=0", "--json"
    ).data
    assert len(both["causes"][0]["changes"]) == 2
    assert "3 户等级变动" in muheng("whatif", bundle, "--set", "grading.quota.A=30%").out


@pytest.mark.parametrize(
    ("assignment", "kind", "word"),
    [
        ("grading.quota.X=30%", "policy", "A、B、C"),
        ("grading.quota.A", "policy", "路径=值"),
        ("class.工业.indicator[亩均税首].weight=5", "policy", "亩均税首"),
        ("scoring.total_digits=两位", "policy", "total_digits"),
    ],
)
def test_a_change_that_cannot_be_made(bundle: Path, assignment: str, kind: str, word: str) -> None:
    outcome = muheng("whatif", bundle, "--set", assignment, "--json")
    assert outcome.code == 1
    assert outcome.data["error"]["kind"] == kind
    assert word in outcome.out


def test_compare_attributes_moves_to_the_changed_rule(town: Path, bundle: Path, tmp_path: Path) -> None:
    policy = tmp_path / "新规则.toml"
    policy.write_text(POLICY.replace('A = "20%"', 'A = "30%"'), encoding="utf-8")
    done = muheng(
        "evaluate", policy, "--data", town / "小镇.csv", "--year", YEAR, "--out", tmp_path / "新", "--quiet"
    )
    assert done.code == 0
    data = muheng("compare", bundle, tmp_path / "新", "--json").data
    assert data["moved"] == 3
    assert [cause["moved"] for cause in data["causes"]] == [3]
    assert "quota" in data["causes"][0]["what"]
    assert muheng("compare", bundle, bundle, "--json").data["moved"] == 0


def test_verify_proves_a_bundle_that_was_moved(bundle: Path, tmp_path: Path) -> None:
    moved = tmp_path / "别处 的" / "包.zip"
    moved.parent.mkdir()
    moved.write_bytes(bundle.read_bytes())
    data = muheng("verify", moved, "--json").data
    assert (data["proved"], data["same_bytes"], data["findings"]) == (True, True, [])
    assert "逐字节相同" in muheng("verify", moved).out
    assert muheng("verify", bundle.parent, "--json").data["seal"] == data["seal"]


def test_verify_finds_a_changed_digit_and_its_row(bundle: Path, tmp_path: Path) -> None:
    changed = tamper(bundle, tmp_path / "改.zip", "results.parquet", lift)
    outcome = muheng("verify", changed, "--json")
    assert outcome.code == 1
    assert outcome.data["proved"] is False
    assert {finding["file"] for finding in outcome.data["findings"]} == {"results.parquet"}
    assert any(finding["row"] for finding in outcome.data["findings"])
    text = tamper(bundle, tmp_path / "文.zip", "policy.toml", lambda data: data.replace(b"20%", b"21%"))
    outcome = muheng("verify", text)
    assert outcome.code == 1
    assert "policy.toml" in outcome.out


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (f'"year": {YEAR}', f'"year": {YEAR - 1}', "年度"),
        ('"id": "small-town"', '"id": "other-town"', "规则编号"),
        ("小镇工业企业亩均效益评价", "大镇工业企业亩均效益评价", "规则名称"),
        ('"enterprises": 40', '"enterprises": 41', "户数"),
    ],
)
def test_verify_finds_what_the_manifest_says_wrongly(
    bundle: Path, tmp_path: Path, old: str, new: str, word: str
) -> None:
    def forge(data: bytes) -> bytes:
        assert old.encode() in data
        return data.replace(old.encode(), new.encode())

    outcome = muheng("verify", tamper(bundle, tmp_path / "清单改过.zip", "manifest.json", forge))
    assert outcome.code == 1
    assert f"manifest.json：清单上的{word}" in outcome.out


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_what_is_no_bundle(verb: tuple[str, ...], bundle: Path, tmp_path: Path) -> None:
    text = tmp_path / "文本.zip"
    text.write_text("不是封存包", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "空.zip", "w"):
        pass
    cut = tmp_path / "截断.zip"
    cut.write_bytes(bundle.read_bytes()[:-300])
    gone = tamper(bundle, tmp_path / "坏表.zip", "results.parquet", lambda data: data[: len(data) // 2])
    for path, kind in (
        (tmp_path / "没有.zip", "file"),
        (tmp_path, "file"),
        (text, "bundle"),
        (tmp_path / "空.zip", "bundle"),
        (cut, "bundle"),
        (gone, "bundle"),
    ):
        outcome = muheng(*fill(verb, path), "--json")
        assert outcome.code == 1, path
        if verb[0] == "verify" and path == gone:
            assert outcome.data["proved"] is False
        else:
            assert outcome.data["error"]["kind"] == kind, path


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_json_is_the_only_thing_on_standard_output(verb: tuple[str, ...], bundle: Path) -> None:
    outcome = muheng(*fill(verb, bundle), "--json")
    assert outcome.code == 0
    assert isinstance(outcome.data, dict)
    assert outcome.err == ""
    assert muheng(*fill(verb, bundle), "--json", "--lang", "en").data.keys() == outcome.data.keys()
