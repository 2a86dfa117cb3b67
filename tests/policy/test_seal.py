"""The sealed bundle: the same result gives the same bytes, anyone can recompute it, and a changed digit shows."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import HealthCheck, given, reject, settings
from small_city import City, cities
from small_policies import indicator, make_facts, marks, policy, run

from muheng.intake.facts import CODE, NAME, ROW, Facts, Item, SourceTable
from muheng.policy.bind import DataError
from muheng.policy.explain import explain
from muheng.policy.run import Result, evaluate
from muheng.policy.seal import BundleError, Verification, read_bundle, verify_bundle, write_bundle

MANY = int(os.environ.get("MUHENG_EXAMPLES", "1"))


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


# -- hostile and damaged bundles -----------------------------------------------------------------------


@pytest.fixture
def bundle(result: Result, tmp_path: Path) -> Path:
    write_bundle(result, tmp_path / "bundle.zip")
    return tmp_path / "bundle.zip"


def members_of(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def pack(members: Mapping[str, bytes], target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"year": 2024', b'"year": 2025'),
        (b'"enterprises": 13', b'"enterprises": 14'),
        (b'"engine": "polars"', b'"engine": "duckdb"'),
        (b'"format": 1', b'"format": 2'),
        (b'"python": "', b'"python": "9'),
        (b'"wording": "', b'"wording": "0'),
        (b'"manifest": "', b'"manifest": "0'),
        (b"\n}", b"\n }"),
    ],
)
def test_a_manifest_changed_anywhere_is_told(bundle: Path, tmp_path: Path, old: bytes, new: bytes) -> None:
    found = rewrite(bundle, "manifest.json", lambda data: data.replace(old, new), tmp_path / "t.zip")
    assert not found.proved
    assert {finding.file for finding in found.findings} == {"manifest.json"}


def test_every_digit_of_every_text_is_held(bundle: Path, tmp_path: Path) -> None:
    """A digit of the texts, one in each hundred of them: the file is always named, and the line where there is one."""
    members = members_of(bundle)
    for name, data in members.items():
        if name.endswith(".parquet"):
            continue
        places = [at for at, byte in enumerate(data) if byte in b"0123456789"][
            :: 97 if name.startswith("cal") else 41
        ]
        for at in places:
            changed = data[:at] + bytes([48 + (data[at] - 47) % 10]) + data[at + 1 :]
            found = verify_bundle(pack({**members, name: changed}, tmp_path / "t.zip"))
            line = data[:at].count(b"\n") + 1
            told = {(finding.file, finding.row) for finding in found.findings}
            assert ((name, line) in told) or (name == "manifest.json" and ("manifest.json", None) in told), (
                name,
                line,
            )


def test_every_file_may_be_missing_or_damaged(bundle: Path, tmp_path: Path) -> None:
    members = members_of(bundle)
    random = Random(5)
    for name in members:
        without = pack({other: data for other, data in members.items() if other != name}, tmp_path / "t.zip")
        if name == "manifest.json":
            with pytest.raises(BundleError):
                verify_bundle(without)
            continue
        assert name in {finding.file for finding in verify_bundle(without).findings}
        for _ in range(4):
            data = bytearray(members[name])
            at = random.randrange(len(data))
            data[at] ^= 1 << random.randrange(8)
            damaged = pack({**members, name: bytes(data)}, tmp_path / "t.zip")
            assert name in {finding.file for finding in verify_bundle(damaged).findings}
            with contextlib.suppress(BundleError):
                read_bundle(damaged)


@pytest.mark.parametrize(
    "name", ["policy.toml", "facts/facts.json", "facts/facts.parquet", "results.parquet"]
)
def test_a_bundle_that_cannot_be_read_is_refused_in_words(bundle: Path, tmp_path: Path, name: str) -> None:
    for content in (b"", b"\x00" * 50, b"{}"):
        broken = pack({**members_of(bundle), name: content}, tmp_path / "t.zip")
        with pytest.raises(BundleError):
            read_bundle(broken)
        assert not verify_bundle(broken).proved


def test_facts_that_no_policy_can_run_on_are_a_finding(bundle: Path, tmp_path: Path) -> None:
    """Another kind, another unit, another name of a figure: told as what they are, never as a crash."""
    for old, new in (
        (b'"number"', b'"text"'),
        (b'"digits": 6', b'"digits": null'),
        (b'"unit": "1"', b'"unit": "?"'),
        ("成绩".encode(), "成就".encode()),
    ):
        changed = members_of(bundle)
        assert old in changed["facts/facts.json"]
        changed["facts/facts.json"] = changed["facts/facts.json"].replace(old, new)
        found = verify_bundle(pack(changed, tmp_path / "t.zip"))
        assert not found.proved
        assert "facts/facts.json" in {finding.file for finding in found.findings}


def test_results_of_other_rows_are_not_shown_as_these(bundle: Path, tmp_path: Path) -> None:
    def fewer(data: bytes) -> bytes:
        buffer = io.BytesIO()
        pl.read_parquet(io.BytesIO(data)).head(3).write_parquet(buffer)
        return buffer.getvalue()

    members = members_of(bundle)
    changed = pack({**members, "results.parquet": fewer(members["results.parquet"])}, tmp_path / "t.zip")
    with pytest.raises(BundleError):
        read_bundle(changed)


def test_a_bomb_is_refused_before_it_unpacks(bundle: Path, tmp_path: Path) -> None:
    """300 MB of zeros in 300 kB."""
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members_of(bundle).items():
            archive.writestr(name, data)
        with archive.open("说明.bin", "w") as member:
            for _ in range(300):
                member.write(bytes(1 << 20))
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(BundleError, match="过大"):
        verify_bundle(bomb)


def test_one_name_for_two_files_is_refused(bundle: Path) -> None:
    with zipfile.ZipFile(bundle, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("policy.toml", "另一份")
    with pytest.raises(BundleError, match=r"两个 policy\.toml"):
        read_bundle(bundle)


def test_damage_to_the_zip_itself_is_damage(bundle: Path, tmp_path: Path) -> None:
    """Any bit: it is refused, found, or of no consequence for what is inside."""
    data = bundle.read_bytes()
    random = Random(3)
    for _ in range(60):
        changed = bytearray(data)
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
        (tmp_path / "t.zip").write_bytes(changed)
        try:
            found = verify_bundle(tmp_path / "t.zip")
        except BundleError:
            continue
        if found.proved:
            assert members_of(tmp_path / "t.zip") == members_of(bundle)


@pytest.mark.parametrize(
    "text",
    [b"[]", b"3", b'{"files": 3}', b'{"files": {}, "policy": 5, "year": 1, "enterprises": 2}', b"[" * 20_000],
)
def test_a_manifest_of_something_else_is_no_bundle(bundle: Path, tmp_path: Path, text: bytes) -> None:
    with pytest.raises(BundleError):
        verify_bundle(pack({**members_of(bundle), "manifest.json": text}, tmp_path / "t.zip"))


@settings(max_examples=6 * MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(cities())
def test_any_small_city_is_sealed_opened_and_proved(
    tmp_path_factory: pytest.TempPathFactory, city: City
) -> None:
    try:
        result = evaluate(city.plan, city.facts, previous=city.previous)
    except DataError:
        reject()
    path = tmp_path_factory.mktemp("seal") / "bundle.zip"
    write_bundle(result, path)
    found = verify_bundle(path)
    assert (found.proved, found.same_bytes) == (True, True), [str(finding.what) for finding in found.findings]
    again = read_bundle(path)
    assert again.grades.equals(result.grades)
    code = result.values[CODE][0]
    assert explain(again, code).json() == explain(result, code).json()


def test_one_row_among_fifty_thousand_is_found(tmp_path: Path) -> None:
    count = 50_000
    frame = pl.DataFrame(
        {
            CODE: [f"91{at:016d}" for at in range(count)],
            NAME: [f"企业{at}" for at in range(count)],
            "成绩": [at * 7919 % 99_991 for at in range(count)],
        }
    )
    facts = Facts(2024, {"成绩": Item("成绩", "number", "1", 3)}, frame)
    write_bundle(run(policy(), facts).result, tmp_path / "bundle.zip")
    assert verify_bundle(tmp_path / "bundle.zip").proved
    found = rewrite(
        tmp_path / "bundle.zip", "facts/facts.parquet", one_more("成绩", 41_234), tmp_path / "t.zip"
    )
    assert ("facts/facts.parquet", 41_235) in {(finding.file, finding.row) for finding in found.findings}
