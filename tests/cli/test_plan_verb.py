"""``muheng plan`` on plain folders: the city T1 worked by hand, its twin that cannot be reached, and hostile inputs."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from small_town import make_code, muheng

from emergency.options.t1_list import t1_list, t1_twin
from muheng.emergency.inventory.model import Inventory
from muheng.emergency.inventory.reading import read_inventory
from muheng.emergency.inventory.writing import write_inventory
from muheng.emergency.plan.answer import Plan
from muheng.emergency.plan.solve import solve

LINES = """line,firm,county,industry,grade
L1,虚构钢铁厂,甲县,钢铁,A
L2,虚构第二水泥厂,甲县,水泥,B
L3,虚构第三水泥厂,乙县,水泥,B
L4,虚构铸造厂,乙县,铸造,C
L5,虚构涂装厂,甲县,涂装,D
L6,虚构热电厂,甲县,供热,保障
L7,虚构玻璃厂,乙县,玻璃,C
L8,虚构家具厂,乙县,家具,C
"""
OPTIONS = """line,option,order,loss,so2,nox,pm,voc
L1,none,0,0,0,0,0,0
L2,none,0,0,0,0,0,0
L2,30,1,27000,18,78,21,0
L2,50,2,45000,30,130,35,0
L2,stop,3,90000,60,260,70,0
L3,none,0,0,0,0,0,0
L3,30,1,30000,18,72,19.5,0
L3,50,2,50000,30,120,32.5,0
L3,stop,3,100000,60,240,65,0
L4,none,0,0,0,0,0,0
L4,50,1,20000,15,10,42.5,20
L4,stop,2,40000,30,20,85,40
L5,stop,0,50000,0,5,10,160
L6,none,0,0,0,0,0,0
L7,none,0,0,0,0,0,0
L7,30,1,42000,27,54,15,1.5
L8,none,0,0,0,0,0,0
L8,50,1,15000,0,1,7.5,60
L8,stop,2,30000,0,2,15,120
"""
TARGETS = """[yellow]
so2 = 48
nox = 143.7
pm = 42.5
voc = 73.5
[orange]
so2 = 96
nox = 277.4
pm = 85
voc = 147
[red]
so2 = 144
nox = 401.1
pm = 127.5
voc = 210.5
"""
WORKED = {
    "yellow": (125_000, ["none", "50", "30", "none", "stop", "none", "none", "none"]),
    "orange": (202_000, ["none", "stop", "none", "50", "stop", "none", "30", "none"]),
    "red": (287_000, ["none", "stop", "50", "stop", "stop", "none", "30", "50"]),
}


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "T1 清单"
    folder.mkdir()
    for name, text in (("lines.csv", LINES), ("options.csv", OPTIONS), ("targets.toml", TARGETS)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def measures(out: Path) -> dict[str, list[str]]:
    with (out / "plan.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["line"] for row in rows] == sorted(row["line"] for row in rows)
    return {level: [row[level] for row in rows] for level in rows[0] if level != "line"}


def plan(city: Path, out: Path, *more: object) -> Any:
    outcome = muheng("plan", city, "--out", out, "--quiet", "--json", *more)
    assert outcome.code == 0, outcome.err + outcome.out
    return outcome.data


@pytest.mark.parametrize("level", WORKED)
def test_each_level_alone_is_as_worked_by_hand(city: Path, tmp_path: Path, level: str) -> None:
    data = plan(city, tmp_path / "out", "--levels", level)
    loss, chosen = WORKED[level]
    assert list(data) == [level]
    assert data[level]["loss"] == loss
    assert loss * 0.999 <= data[level]["bound"] <= loss
    assert 0 <= data[level]["gap"] <= 0.001
    assert data[level]["feasible"] is True
    assert data[level]["shortfall"] == {"so2": 0, "nox": 0, "pm": 0, "voc": 0}
    assert set(data[level]["prices"]) == {"so2", "nox", "pm", "voc"}
    assert all(data[level]["reductions"][each] >= need for each, need in data[level]["need"].items())
    assert measures(tmp_path / "out") == {level: chosen}


def test_yellow_reaches_its_sulphur_exactly(city: Path, tmp_path: Path) -> None:
    data = plan(city, tmp_path / "out", "--levels", "yellow")
    assert data["yellow"]["reductions"] == {"so2": 48, "nox": 207, "pm": 64.5, "voc": 160}


def test_levels_together_are_nested_and_cost_no_less(city: Path, tmp_path: Path) -> None:
    data = plan(city, tmp_path / "out", "--levels", "red,yellow,orange")
    assert list(data) == ["yellow", "orange", "red", "joint"]
    assert all(data[level]["loss"] >= loss for level, (loss, _) in WORKED.items())
    assert data["joint"]["loss"] == sum(data[level]["loss"] for level in WORKED)
    assert sum(loss for loss, _ in WORKED.values()) < data["joint"]["loss"]
    assert data["joint"]["bound"] <= data["joint"]["loss"]
    assert data["joint"]["weights"] == {"yellow": 1, "orange": 1, "red": 1}
    chosen = measures(tmp_path / "out")
    order = {(row["line"], row["option"]): int(row["order"]) for row in csv.DictReader(OPTIONS.splitlines())}
    for at in range(8):
        steps = [order[f"L{at + 1}", chosen[level][at]] for level in ("yellow", "orange", "red")]
        assert steps == sorted(steps)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert {key: summary[key] for key in data} == data
    assert (summary["lines"], summary["options"], summary["firms"], summary["asked_gap"]) == (8, 19, 8, 0.001)
    assert set(summary["source"]) == {"lines.csv", "options.csv", "targets.toml"}
    with (tmp_path / "out/explanation.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["option"] for row in rows if row["level"] == "orange"] == chosen["orange"]
    assert {row["reason"] for row in rows if row["line"] == "L1"} == {"只此一项"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "plan.csv", "explanation.csv", "summary.json"
    }  # fmt: skip


def test_the_order_of_rows_does_not_matter(city: Path, tmp_path: Path) -> None:
    plan(city, tmp_path / "first")
    for name in ("lines.csv", "options.csv"):
        head, *rows = (city / name).read_text(encoding="utf-8").splitlines()
        random.Random(3).shuffle(rows)
        (city / name).write_text("\n".join([head, *rows]), encoding="utf-8")
    plan(city, tmp_path / "second")
    assert (tmp_path / "first/plan.csv").read_bytes() == (tmp_path / "second/plan.csv").read_bytes()


def test_words_say_the_same(city: Path, tmp_path: Path) -> None:
    said = muheng("plan", city, "--levels", "orange", "--out", tmp_path / "out", "--quiet").out
    assert "8 条生产线，8 家企业" in said
    assert ["橙色", "20.20", "20.20"] in [line.split()[:3] for line in said.splitlines()]
    assert ["NOx", "277.4", "329"] in [line.split()[:3] for line in said.splitlines()]
    assert "橙色：各项都达到" in said
    english = muheng(
        "plan", city, "--levels", "orange", "--out", tmp_path / "out", "--quiet", "--lang", "en"
    ).out
    assert "orange: every target is reached" in english


def test_what_cannot_be_reached_is_told(city: Path, tmp_path: Path) -> None:
    """Much more SO2 is emitted elsewhere, and less by the lines that may cut."""
    less = {"L2": 40, "L3": 40, "L4": 10, "L7": 110}
    stop = {"L2": 60, "L3": 60, "L4": 30, "L7": 90}
    rows = []
    for row in csv.DictReader(OPTIONS.splitlines()):
        if row["line"] in less:
            row["so2"] = f"{float(row['so2']) * less[row['line']] / stop[row['line']]:.10g}"
        rows.append(row)
    with (city / "options.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (city / "targets.toml").write_text(
        "[orange]\nso2 = 162\nnox = 277.4\npm = 85\nvoc = 147\n", encoding="utf-8"
    )
    data = plan(city, tmp_path / "out")
    assert data["orange"]["feasible"] is False
    assert data["orange"]["shortfall"] == {"so2": 39, "nox": 0, "pm": 0, "voc": 0}
    assert data["orange"]["reductions"]["so2"] == 123
    assert [measures(tmp_path / "out")["orange"][at] for at in (1, 2, 3, 6)] == ["stop", "stop", "stop", "30"]
    said = muheng("plan", city, "--out", tmp_path / "out", "--quiet")
    assert said.code == 0
    assert "橙色：达不到" in said.out
    assert "橙色：SO2 应减 162 千克/日，还差 39 千克/日。" in said.out


def test_a_loss_above_a_bound_of_nought_has_no_gap() -> None:
    from muheng.cli.plan import _gap

    assert _gap(5, 0, float("inf")) is None
    assert _gap(0, 0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--levels", "purple"), 2, "“purple”不是级别"),
        (("--levels", ""), 2, "不是级别"),
        (("--levels", "yellow", "--gap", "-1"), 2, "不是差距"),
        (("--levels", "yellow", "--gap", "nan"), 2, "不是差距"),
        (("--levels", "yellow", "--gap", "1/0"), 2, "不是差距"),
        (("--levels", "yellow", "--gap", "100%"), 2, "不是差距"),
    ],
)
def test_options_that_mean_nothing(
    city: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    outcome = muheng("plan", city, "--out", tmp_path / "out", *arguments)
    assert outcome.code == code
    assert said in outcome.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("gap", ["0.01%", "０．０００１", "1e-4", "0"])
def test_gaps_as_people_write_them(city: Path, tmp_path: Path, gap: str) -> None:
    data = plan(city, tmp_path / "out", "--levels", "orange", "--gap", gap)
    assert data["orange"]["loss"] == 202_000


def test_errors_are_told_with_their_place_and_nothing_is_written(city: Path, tmp_path: Path) -> None:
    (city / "options.csv").write_text(OPTIONS.replace("L4,50,1,20000", "L9,50,1,2万"), encoding="utf-8")
    outcome = muheng("plan", city, "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 1
    assert "options.csv:12  loss" in outcome.err
    assert "“2万” 不是数字" in outcome.err
    assert not (tmp_path / "out").exists()
    error = muheng("plan", city, "--out", tmp_path / "out", "--quiet", "--json").data["error"]
    assert error["kind"] == "data"
    assert [(each["file"], each["line"], each["path"]) for each in error["diagnostics"]] == [
        ("options.csv", 12, "loss")
    ]


def test_warnings_do_not_stop(city: Path, tmp_path: Path) -> None:
    (city / "targets.toml").write_text("[yellow]\nso2 = 48\n", encoding="utf-8")
    outcome = muheng("plan", city, "--out", tmp_path / "out", "--quiet", "--json")
    assert outcome.code == 0
    assert list(outcome.data) == ["yellow"]
    assert "没有写 nox、pm、voc" in outcome.err


def test_sources_that_are_none(tmp_path: Path) -> None:
    assert "找不到" in muheng("plan", tmp_path / "nowhere", "--out", tmp_path / "out").err
    (tmp_path / "empty").mkdir()
    outcome = muheng("plan", tmp_path / "empty", "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 1
    assert all(name in outcome.err for name in ("lines.csv", "options.csv", "targets.toml"))


def enumerate_plans() -> Iterator[tuple[dict[str, dict[str, Any]], float, list[float]]]:
    """Every plan of T1: the option of each line, the loss, the cuts."""
    by_line: dict[str, list[dict[str, Any]]] = {}
    for row in csv.DictReader(OPTIONS.splitlines()):
        by_line.setdefault(row["line"], []).append(row)
    for options in product(*by_line.values()):
        chosen = {row["line"]: row for row in options}
        cuts = [sum(float(row[each]) for row in options) for each in ("so2", "nox", "pm", "voc")]
        yield chosen, sum(float(row["loss"]) for row in options), cuts


ORANGE = (96, 277.4, 85, 147)


def test_caps_of_enterprises_hold(city: Path, tmp_path: Path) -> None:
    (city / "firms.csv").write_text("firm,cap\n虚构第二水泥厂,45000\n", encoding="utf-8")
    best = min(
        loss
        for chosen, loss, cuts in enumerate_plans()
        if all(cut >= need for cut, need in zip(cuts, ORANGE, strict=True))
        and float(chosen["L2"]["loss"]) <= 45_000
    )
    assert plan(city, tmp_path / "out", "--levels", "orange")["orange"]["loss"] == best > 202_000


def test_shares_of_counties_hold(city: Path, tmp_path: Path) -> None:
    shares = city / "counties.csv"
    shares.write_text("county,level,so2,nox,pm,voc\n乙县,orange,60,0,0,0\n", encoding="utf-8")
    best = min(
        loss
        for chosen, loss, cuts in enumerate_plans()
        if all(cut >= need for cut, need in zip(cuts, ORANGE, strict=True))
        and sum(float(chosen[line]["so2"]) for line in ("L3", "L4", "L7", "L8")) >= 60
    )
    assert plan(city, tmp_path / "out", "--levels", "orange")["orange"]["loss"] == best > 202_000
    shares.write_text("county,level,so2,nox,pm,voc\n乙县,orange,600,0,0,0\n", encoding="utf-8")
    outcome = muheng("plan", city, "--out", tmp_path / "none", "--quiet")
    assert (outcome.code, "乙县" in outcome.err, (tmp_path / "none").exists()) == (1, True, False)


def test_a_plan_that_fails_its_check_is_not_written(
    city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def solve_badly(*given: Any) -> Plan:
        good = solve(*given)
        return replace(good, chosen=good.chosen * 0)

    monkeypatch.setattr("muheng.emergency.plan.solve.solve", solve_badly)
    outcome = muheng("plan", city, "--out", tmp_path / "out", "--quiet", "--json")
    assert (outcome.code, outcome.data["error"]["kind"]) == (1, "internal")
    assert outcome.data["error"]["details"][0]["level"] == "yellow"
    assert not (tmp_path / "out").exists()


def write_list(inventory: Inventory, path: Path) -> Path:
    """The list's workbook, with credit codes in it that are well formed."""

    def real(line: str) -> str:
        firm, own = line.split("-")
        return f"{make_code(int(firm[1:]))}-{own}"

    write_inventory(
        replace(
            inventory,
            firms=tuple(replace(firm, code=make_code(int(firm.code[1:]))) for firm in inventory.firms),
            lines=tuple(
                replace(line, id=real(line.id), firm=make_code(int(line.firm[1:])))
                for line in inventory.lines
            ),
            offers=tuple(replace(offer, line=real(offer.line)) for offer in inventory.offers),
        ),
        path,
    )
    return path


def test_the_list_s_workbook_gives_the_same_plan(tmp_path: Path) -> None:
    book = write_list(t1_list(), tmp_path / "应急减排清单.xlsx")
    data = plan(book, tmp_path / "out", "--levels", "yellow")
    assert data["yellow"]["loss"] == WORKED["yellow"][0]
    assert data["yellow"]["reductions"]["so2"] == 48
    again, found = read_inventory(tmp_path / "out/plan.xlsx")
    assert again is not None, found
    assert len(again.lines) == 8
    summary = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    assert set(summary["source"]) == {book.name}
    said = muheng("plan", book, "--levels", "yellow", "--out", tmp_path / "out", "--quiet").out
    row = next(
        line.split()
        for line in said.splitlines()
        if line.split()[:2] == ["黄色", "12.50"] and "%" not in line
    )
    assert float(row[2]) > 12.5
    assert "plan.xlsx" in said


def test_the_list_s_twin_says_whose_exemption_closes_the_gap(tmp_path: Path) -> None:
    book = write_list(t1_twin(), tmp_path / "清单.xlsx")
    outcome = muheng("plan", book, "--levels", "orange", "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 0
    assert "橙色：达不到" in outcome.out
    assert "示例企业1现在免于强制；不再免除，就能补上缺口。" in outcome.out


def test_a_workbook_with_errors_is_told_by_cell(tmp_path: Path) -> None:
    book = write_list(t1_list(), tmp_path / "清单.xlsx")
    workbook = openpyxl.load_workbook(book)
    sheet = next(each for each in workbook.worksheets if "生产线" in each.title)
    losses = next(
        cell
        for row in sheet.iter_rows(max_row=3)
        for cell in row
        if "停产" in str(cell.value or "") and "损失" in str(cell.value or "")
    )
    sheet.cell(sheet.max_row, losses.column).value = "很多"
    workbook.save(book)
    outcome = muheng("plan", book, "--out", tmp_path / "out", "--quiet", "--json")
    assert outcome.code == 1
    found = outcome.data["error"]["diagnostics"]
    assert [(each["line"], "很多" in each["what"]) for each in found if each["severity"] == "error"] == [
        (sheet.max_row, True)
    ]
    assert not (tmp_path / "out").exists()


def test_a_city_is_for_workbooks(city: Path, tmp_path: Path) -> None:
    outcome = muheng("plan", city, "--out", tmp_path / "out", "--city", "jining", "--quiet")
    assert (outcome.code, "--city" in outcome.err) == (2, True)
    book = write_list(t1_list(), tmp_path / "清单.xlsx")
    unknown = muheng("plan", book, "--out", tmp_path / "out", "--city", "nowhere", "--quiet")
    assert (unknown.code, "nowhere" in unknown.err) == (1, True)
    assert muheng("plan", book, "--out", tmp_path / "out", "--city", "jining", "--quiet").code == 0


def test_files_of_others_stay(city: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "plan.csv").write_text("mine", encoding="utf-8")
    outcome = muheng("plan", city, "--out", out, "--quiet")
    assert (outcome.code, (out / "plan.csv").read_text(encoding="utf-8")) == (1, "mine")
    assert "plan.csv" in outcome.err


def test_it_starts_fast_because_the_engine_is_loaded_late() -> None:
    code = (
        "import sys, muheng.cli.plan; print([n for n in ('polars', 'numpy', 'highspy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
