"""The sealed bundle: the same result gives the same bytes, anyone can recompute it, and a changed digit shows."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from small_policies import indicator, make_facts, marks, policy, run

from muheng.intake.facts import CODE, ROW, Facts, SourceTable
from muheng.policy.run import Result
from muheng.policy.seal import BundleError, Verification, read_bundle, verify_bundle, write_bundle


@pytest.fixture
def result() -> Result:
    facts = make_facts(marks(*range(10, 100, 7)))
    code = facts.frame[CODE][3]
    sheet = SourceTable(
        "统计局.xlsx", "年报", "统计", "statistics", "", {"成绩": "F"},
        pl.DataFrame({CODE: [code], ROW: [17], "成绩": [facts.frame["成绩"][3]]}),
    )  # fmt: skip
    return run(policy(), Facts(facts.year, facts.items, facts.frame, (sheet,))).result


def rewrite(bundle: Path, member: str, change: Callable[[bytes], bytes], target: Path) -> Verification:
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(target, "w") as new:
        assert member in old.namelist()
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info.filename, change(data) if info.filename == member else data)
    return verify_bundle(target)


def one_more(column: str, row: int) -> Callable[[bytes], bytes]:
    """A parquet file with 1 added to one figure."""

    def change(data: bytes) -> bytes:
        frame = pl.read_parquet(io.BytesIO(data))
        at = pl.int_range(pl.len()) == row
        frame = frame.with_columns(
            pl.when(at).then(pl.col(column) + 1).otherwise(pl.col(column)).alias(column)
        )
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()

    return change


def test_the_same_result_gives_the_same_bytes(result: Result, tmp_path: Path) -> None:
    seals = {write_bundle(result, tmp_path / name) for name in ("一.zip", "二.zip")}
    assert len(seals) == 1
    assert (tmp_path / "一.zip").read_bytes() == (tmp_path / "二.zip").read_bytes()


def test_moved_to_another_folder_it_is_proved_to_the_byte(result: Result, tmp_path: Path) -> None:
    seal = write_bundle(result, tmp_path / "bundle.zip")
    (tmp_path / "别处").mkdir()
    moved = tmp_path / "别处" / "改了名.zip"
    shutil.move(tmp_path / "bundle.zip", moved)
    found = verify_bundle(moved)
    assert (found.proved, found.same_bytes, found.seal) == (True, True, seal)
    again = read_bundle(moved)
    assert again.values.equals(result.values)
    assert [cell.cell for cell in again.given.cells(again.values[CODE][3], "成绩")] == ["F17"]


@pytest.mark.parametrize(
    ("member", "change", "row"),
    [
        ("policy.toml", lambda data: data.replace(b"weight = 100", b"weight = 101"), 19),
        ("facts/facts.parquet", one_more("成绩", 4), 5),
        ("facts/source-000.parquet", one_more("成绩", 0), 1),
        ("results.parquet", one_more("总分", 6), 7),
        ("results.parquet", one_more("等级", 0), 1),
        ("facts/facts.json", lambda data: data.replace(b'"year": 2024', b'"year": 2023'), 2),
    ],
)
def test_a_changed_digit_names_its_file_and_row(
    result: Result, tmp_path: Path, member: str, change: Callable[[bytes], bytes], row: int
) -> None:
    write_bundle(result, tmp_path / "bundle.zip")
    found = rewrite(tmp_path / "bundle.zip", member, change, tmp_path / "tampered.zip")
    assert not found.proved
    assert (member, row) in {(finding.file, finding.row) for finding in found.findings}


def test_figures_that_do_not_follow_are_told_with_both_values(result: Result, tmp_path: Path) -> None:
    write_bundle(result, tmp_path / "bundle.zip")
    found = rewrite(
        tmp_path / "bundle.zip", "results.parquet", one_more("总分", 6), tmp_path / "tampered.zip"
    )
    sentences = [str(finding.what) for finding in found.findings]
    assert any("封存 5201，重算 5200" in sentence for sentence in sentences), sentences


def test_members_missing_and_added_are_told(result: Result, tmp_path: Path) -> None:
    write_bundle(result, tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as old, zipfile.ZipFile(tmp_path / "less.zip", "w") as new:
        for info in old.infolist():
            if info.filename != "aggregates.json":
                new.writestr(info.filename, old.read(info))
        new.writestr("说明.txt", "多出来的")
    found = {finding.file for finding in verify_bundle(tmp_path / "less.zip").findings}
    assert {"aggregates.json", "说明.txt"} <= found


def test_another_seal_is_another_hash(result: Result, tmp_path: Path) -> None:
    other = run(policy(), marks(*range(10, 100, 8))).result
    assert write_bundle(result, tmp_path / "一.zip") != write_bundle(other, tmp_path / "二.zip")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_what_is_no_bundle_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bundle.zip").write_bytes(content)
    with pytest.raises(BundleError):
        verify_bundle(tmp_path / "bundle.zip")
    with pytest.raises(BundleError):
        read_bundle(tmp_path / "bundle.zip")


def test_a_truncated_bundle_is_refused(result: Result, tmp_path: Path) -> None:
    write_bundle(result, tmp_path / "bundle.zip")
    data = (tmp_path / "bundle.zip").read_bytes()
    (tmp_path / "half.zip").write_bytes(data[: len(data) // 2])
    with pytest.raises(BundleError):
        verify_bundle(tmp_path / "half.zip")


@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/outside.txt", "facts/../../outside.txt"])
def test_no_member_leaves_the_folder(result: Result, tmp_path: Path, name: str) -> None:
    write_bundle(result, tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip", "a") as archive:
        archive.writestr(name, "x")
    with pytest.raises(BundleError):
        verify_bundle(tmp_path / "bundle.zip")


def test_merged_and_previous_facts_are_sealed_as_given(tmp_path: Path) -> None:
    source = policy(
        """
[merge]
by = "宗地号"
land = "用地"
result = "独立与合并"
official = "合并"
""",
        inputs='宗地号 = { type = "文本", missing = "视为缺" }\n用地 = { unit = "亩", missing = 0 }',
        indicator="[class.企业]\n"
        + indicator(
            score='by = "比值", base = { of = "上年同组平均" }, cap = "不设", floor = "不设"',
            more='zero = "得零分"',
        ),
    )
    rows = {
        "主": {"成绩": 40, "宗地号": "甲", "用地": 9},
        "从": {"成绩": 30, "宗地号": "甲", "用地": 1},
        "独": {"成绩": 50, "宗地号": None, "用地": 5},
    }
    result = run(source, rows, previous=rows).result
    write_bundle(result, tmp_path / "bundle.zip")
    found = verify_bundle(tmp_path / "bundle.zip")
    assert found.proved, [str(finding.what) for finding in found.findings]
    again = read_bundle(tmp_path / "bundle.zip")
    assert again.given.frame.height == 3
    assert again.values.height == 2
    assert again.given_previous is not None
    assert again.given_previous.frame.equals(result.given.frame)
