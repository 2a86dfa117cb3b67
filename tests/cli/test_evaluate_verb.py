"""``muheng evaluate``: real files in, a whole folder out, or nothing and clear words."""

from __future__ import annotations

import os
import shutil
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from small_town import (
    COUNT,
    POLICY,
    POLICY_OF_TWO_YEARS,
    YEAR,
    Outcome,
    make_code,
    make_name,
    muheng,
    town_rows,
    write_csv,
    write_departments,
    write_workbook,
)

from muheng.intake.facts import read_facts, write_facts
from muheng.policy.seal import read_bundle

OUTPUTS = {"results.xlsx", "report.html", "results.parquet", "bundle.zip"}


def evaluate(town: Path, out: Path, *more: object, data: object = None, policy: object = None) -> Outcome:
    given = [] if data is False else ["--data", data or town / "小镇.csv"]
    return muheng(
        "evaluate", policy or town / "规则.toml", *given, "--year", YEAR, "--out", out, "--quiet", *more
    )


def test_json_says_what_came_out(evaluated: tuple[Path, Outcome]) -> None:
    out, outcome = evaluated
    data = outcome.data
    assert data["policy"] == {"id": "small-town", "name": "小镇工业企业亩均效益评价", "illustrative": False}
    assert (data["year"], data["city"], data["engine"]) == (YEAR, None, "polars")
    assert (data["enterprises"], data["subjects"]) == (COUNT, COUNT)
    # 38 are rated: 20 % is 7.6, 70 % is 26.6; the veto takes one place of A and falls to C.
    assert data["grades"] == {"A": 7, "B": 19, "C": 12, "ungraded": 2}
    assert data["classes"] == {"工业": {"A": 7, "B": 19, "C": 12, "ungraded": 2}}
    assert data["read"] == [
        {
            "file": "小镇.csv", "sheet": "小镇", "read_as": "plain", "layout": "plain", "kind": "数据",
            "department": "", "rows": COUNT, "imported": COUNT, "listed": 0, "skipped": 0,
        }
    ]  # fmt: skip
    assert data["problems"]["errors"] == 0
    assert data["open"] == ["同分怎样排序，文本没有说明"]
    assert {Path(file).name for file in data["files"]} == OUTPUTS
    assert all(Path(file).parent == out and Path(file).is_file() for file in data["files"])
    assert set(os.listdir(out)) == OUTPUTS


def test_words_say_the_same(town: Path, tmp_path: Path) -> None:
    outcome = evaluate(town, tmp_path / "出", "--lang", "zh")
    assert outcome.code == 0
    assert "小镇工业企业亩均效益评价 · 2025 年" in outcome.out
    assert "平表" in outcome.out
    assert [line.split() for line in outcome.out.splitlines() if line.startswith("  工业")] == [
        ["工业", "7", "19", "12", "2", "40"]
    ]
    english = evaluate(town, tmp_path / "out", "--lang", "en")
    assert "a plain table" in english.out
    assert [line.split()[1:] for line in english.out.splitlines() if line.startswith("  工业")] == [
        ["7", "19", "12", "2", "40"]
    ]


def test_table_has_decimals_that_people_read(evaluated: tuple[Path, Outcome]) -> None:
    table = pl.read_parquet(evaluated[0] / "results.parquet")
    assert table.height == COUNT
    row = table.row(by_predicate=pl.col("企业名称") == make_name(4), named=True)
    assert row["统一社会信用代码"] == make_code(4)
    assert table.schema["入库税收"] == pl.Decimal(38, 2)
    assert row["入库税收"] == Decimal("128.25")
    # 128.25 ÷ 11.5 = 11.15217…
    assert row["亩均税收"] == Decimal("11.1522")
    assert row["加分"] == Decimal(3)
    assert row["投产日期"].isoformat() == "2010-05-01"
    assert (row["类别"], row["评价状态"], row["安全事故等级"]) == ("工业", "参评", "无")
    result = read_bundle(evaluated[0] / "bundle.zip")
    assert table["等级"].to_list() == result.grades["等级"].to_list()
    assert table["总分"].cast(pl.String).to_list() == result.grades["总分"].to_list()
    assert table["名次"].to_list() == result.grades["名次"].to_list()


def test_the_same_call_gives_the_same_bytes_also_into_its_own_folder(town: Path, tmp_path: Path) -> None:
    out = tmp_path / "出"
    assert evaluate(town, out).code == 0
    first = {name: (out / name).read_bytes() for name in OUTPUTS}
    (out / "我的笔记.txt").write_text("留着", encoding="utf-8")
    (out / "annotated").mkdir()
    (out / "annotated" / "旧的.xlsx").write_bytes(b"old")
    assert evaluate(town, out).code == 0
    assert {name: (out / name).read_bytes() for name in OUTPUTS} == first
    assert set(os.listdir(out)) == OUTPUTS | {"我的笔记.txt"}


def test_a_folder_with_files_of_others_is_left_alone(town: Path, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("别人的", encoding="utf-8")
    outcome = evaluate(town, tmp_path, "--json")
    assert outcome.code == 1
    assert outcome.data["error"]["kind"] == "output"
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused_before_the_work(town: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        outcome = evaluate(town, tmp_path / "出")
    finally:
        tmp_path.chmod(0o700)
    assert outcome.code == 1
    assert "没有权限" in outcome.err


def test_an_output_path_through_a_file_is_refused(town: Path, tmp_path: Path) -> None:
    (tmp_path / "文件").write_text("", encoding="utf-8")
    for out in (tmp_path / "文件", tmp_path / "文件" / "出"):
        outcome = evaluate(town, out, "--json")
        assert outcome.code == 1
        assert outcome.data["error"]["kind"] == "output"
    assert (tmp_path / "文件").read_text(encoding="utf-8") == ""


def test_duckdb_gives_the_same_table(town: Path, tmp_path: Path, evaluated: tuple[Path, Outcome]) -> None:
    outcome = evaluate(town, tmp_path / "出", "--engine", "duckdb", "--json")
    assert (outcome.code, outcome.data["engine"]) == (0, "duckdb")
    assert outcome.data["grades"] == evaluated[1].data["grades"]
    name = "results.parquet"
    assert (tmp_path / "出" / name).read_bytes() == (evaluated[0] / name).read_bytes()


def test_a_bundle_of_duckdb_is_proved_by_polars(town: Path, tmp_path: Path) -> None:
    assert evaluate(town, tmp_path / "出", "--engine", "duckdb").code == 0
    assert muheng("verify", tmp_path / "出").code == 0


# -- how files are read ----------------------------------------------------------------------------


def test_departments_workbooks_come_back_marked(town: Path, tmp_path: Path) -> None:
    files = write_departments(tmp_path / "部门 表格")
    outcome = evaluate(town, tmp_path / "出", "--json", data=tmp_path / "部门 表格")
    assert outcome.code == 0, outcome.out
    data = outcome.data
    assert {row["department"] for row in data["read"]} == {"经信", "税务", "自然资源"}
    assert [problem["cell"] for problem in data["problems"]["list"] if problem["severity"] == "error"] == [
        "C6"
    ]
    # Whose tax is not a number has no tax: zero points by the policy, not a silent figure.
    assert data["enterprises"] == COUNT
    back = tmp_path / "出" / "annotated" / files[1].name
    cell = openpyxl.load_workbook(back)["税收"]["C6"]
    assert cell.comment is not None
    assert cell.fill.fgColor.rgb == "FFFFC7CE"
    assert str(back) in data["files"]
    result = read_bundle(tmp_path / "出" / "bundle.zip")
    assert result.figure(result.rows[make_code(3)], "入库税收") is None
    assert result.figure(result.rows[make_code(4)], "入库税收") == "128.25"


def test_files_may_follow_one_flag_or_several_and_patterns_are_spread(town: Path, tmp_path: Path) -> None:
    files = write_departments(tmp_path / "表")
    calls: list[list[object]] = [
        ["--data", *files],
        [part for file in files for part in ("--data", file)],
        ["--data", tmp_path / "表" / "*.xlsx"],
        ["--data", tmp_path / "表", files[0]],
    ]
    seals = set()
    for number, given in enumerate(calls):
        out = tmp_path / str(number)
        outcome = muheng(
            "evaluate", town / "规则.toml", *given, "--year", YEAR, "--out", out, "--quiet", "--json"
        )
        assert outcome.code == 0, outcome.out
        seals.add(outcome.data["seal"])
    assert len(seals) == 1


def test_facts_and_bundles_are_data_too(
    town: Path, tmp_path: Path, bundle: Path, evaluated: tuple[Path, Outcome]
) -> None:
    write_facts(read_bundle(bundle).facts, tmp_path / "已核")
    grades = evaluated[1].data["grades"]
    for way, given in (("facts", tmp_path / "已核"), ("bundle", bundle)):
        outcome = evaluate(town, tmp_path / way, "--json", data=given)
        assert outcome.code == 0, outcome.out
        assert outcome.data["read"] == [{"read_as": way, "rows": COUNT}]
        assert outcome.data["grades"] == grades
        assert read_facts(tmp_path / "已核").year == YEAR


def test_a_plain_workbook_in_yuan_is_the_same(
    town: Path, tmp_path: Path, evaluated: tuple[Path, Outcome]
) -> None:
    rows: list[list[object]] = [list(row) for row in town_rows()]
    rows[0][2] = "入库税收（元）"
    for row in rows[1:]:
        row[2] = float(str(row[2])) * 10_000
    given = write_workbook(tmp_path / "平表.xlsx", 数据=rows)
    outcome = evaluate(town, tmp_path / "出", "--json", data=given)
    assert outcome.data["read"][0]["read_as"] == "plain"
    assert outcome.data["grades"] == evaluated[1].data["grades"]


def test_last_years_data_are_asked_for_and_used(town: Path, tmp_path: Path) -> None:
    policy = tmp_path / "两年.toml"
    policy.write_text(POLICY_OF_TWO_YEARS, encoding="utf-8")
    without = evaluate(town, tmp_path / "出", "--json", policy=policy)
    assert without.code == 1
    assert without.data["error"]["kind"] == "data"
    assert "--previous" in without.data["error"]["details"][0]["fix"]
    assert not (tmp_path / "出").exists()
    done = evaluate(town, tmp_path / "出", "--previous", town / "上年.csv", "--json", policy=policy)
    assert done.code == 0, done.out
    assert muheng("verify", tmp_path / "出").code == 0


def test_last_years_grades_come_from_last_years_bundle(town: Path, tmp_path: Path) -> None:
    last = muheng(
        "evaluate", town / "规则.toml", "--data", town / "上年.csv", "--year", YEAR - 1, "--out", tmp_path / "上年", "--quiet"
    )  # fmt: skip
    assert last.code == 0
    done = evaluate(town, tmp_path / "今年", "--previous", tmp_path / "上年" / "bundle.zip")
    assert done.code == 0
    book = openpyxl.load_workbook(tmp_path / "今年" / "results.xlsx", read_only=True)
    texts = {str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
    assert "上年等级" in texts
    wrong = evaluate(town, tmp_path / "x", data=tmp_path / "上年" / "bundle.zip")
    assert wrong.code == 1
    assert "2024 年的数据" in wrong.err


# -- what is refused -------------------------------------------------------------------------------


def refused(outcome: Outcome, kind: str) -> str:
    """The words of a refusal in JSON, which is the one document on standard output."""
    assert outcome.code == 1
    error = outcome.data["error"]
    assert error["kind"] == kind
    assert set(error) >= {"kind", "what", "fix", "details"}
    return str(error)


def test_a_policy_with_errors_never_runs(town: Path, tmp_path: Path) -> None:
    policy = tmp_path / "坏.toml"
    policy.write_text(
        POLICY.replace("weight  = 100", "weight  = 90").replace('"C"', "'C'") + "\n[oops]\n", "utf-8"
    )
    outcome = evaluate(town, tmp_path / "出", "--json", policy=policy)
    refused(outcome, "policy")
    assert [found["severity"] for found in outcome.data["error"]["diagnostics"]].count("error") >= 1
    assert not (tmp_path / "出").exists()
    words = evaluate(town, tmp_path / "出", policy=policy)
    assert words.out == ""
    assert "坏.toml:" in words.err
    assert "未运行" in words.err


def test_every_misfit_is_told_and_nothing_is_written(town: Path, tmp_path: Path) -> None:
    rows = town_rows()
    rows[3][3], rows[5][3] = "99999999", "88888888"
    rows[7][6] = "灾难"
    outcome = evaluate(town, tmp_path / "出", "--json", data=write_csv(tmp_path / "坏.csv", rows))
    refused(outcome, "data")
    details = outcome.data["error"]["details"]
    assert {(detail["item"], detail["code"]) for detail in details} == {
        ("自有用地", make_code(2)),
        ("自有用地", make_code(4)),
        ("安全事故等级", make_code(6)),
    }
    assert sorted(os.listdir(tmp_path)) == ["坏.csv"]
    words = evaluate(town, tmp_path / "出", data=tmp_path / "坏.csv")
    assert make_name(6) in words.err


def test_files_that_cannot_be_data(town: Path, tmp_path: Path) -> None:
    (tmp_path / "空").mkdir()
    (tmp_path / "乱.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    (tmp_path / "别的.csv").write_text("甲,乙\n1,2\n", encoding="utf-8")
    assert "找不到" in refused(evaluate(town, tmp_path / "出", "--json", data=tmp_path / "没有.xlsx"), "file")
    assert "没有数据文件" in refused(evaluate(town, tmp_path / "出", "--json", data=tmp_path / "空"), "file")
    for name in ("乱.xlsx", "别的.csv"):
        error = refused(evaluate(town, tmp_path / "出", "--json", data=tmp_path / name), "data")
        assert name in error
    assert not (tmp_path / "出").exists()


def test_two_files_of_one_name_are_refused(town: Path, tmp_path: Path) -> None:
    for folder in ("一", "二"):
        (tmp_path / folder).mkdir()
        shutil.copy(town / "小镇.csv", tmp_path / folder)
    error = refused(
        evaluate(town, tmp_path / "出", "--data", tmp_path / "二" / "小镇.csv", "--json", data=tmp_path / "一" / "小镇.csv"),
        "file",
    )  # fmt: skip
    assert "同名" in error


def test_policies_and_packs_that_are_not_there(town: Path, tmp_path: Path) -> None:
    error = refused(evaluate(town, tmp_path / "出", "--json", policy="zj-huangyan-202"), "policy")
    assert "zj-huangyan-202" in error
    assert "是不是" in error
    refused(evaluate(town, tmp_path / "出", "--json", policy=tmp_path / "没有.toml"), "policy")
    refused(evaluate(town, tmp_path / "出", "--json", policy=tmp_path), "policy")
    refused(evaluate(town, tmp_path / "出", "--city", "亚特兰蒂斯", "--json"), "policy")


def test_a_figure_that_nobody_has_is_told_up_front(town: Path, tmp_path: Path) -> None:
    departments = write_departments(tmp_path / "部门")
    departments[1].write_bytes(b"")
    arguments = ("evaluate", town / "规则.toml", "--data", *departments, "--year", YEAR, "--quiet", "--out")
    said = muheng(*arguments, tmp_path / "出").out
    assert "入库税收：没有一家企业有“入库税收”，全部按缺数据处理。" in said
    assert "请向税务要这一项。" in said
    (problem,) = [
        problem
        for problem in muheng(*arguments, tmp_path / "再", "--json").data["problems"]["list"]
        if problem["file"] == ""
    ]
    assert (problem["severity"], problem["column"]) == ("warning", "入库税收")
