"""What the check of a list finds: one small list for each finding, and none in a list that is sound."""

from __future__ import annotations

import datetime
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from list_samples import inventories, make_code, make_name

from muheng.emergency.inventory.change import FieldChange, compare
from muheng.emergency.inventory.checking import check
from muheng.emergency.inventory.filed import filed_cuts, filed_ratios
from muheng.emergency.inventory.finding import KIND_NAMES, Finding
from muheng.emergency.inventory.model import Filed, Firm, Inventory, Level, Line, Source, Transport
from muheng.emergency.inventory.reading import read_inventory
from muheng.emergency.inventory.writing import write_inventory

KG = 1000
CODE = make_code(1)
FIRM = Firm(CODE, make_name(1), "东县", grade="C")
LINE = Line(
    f"{CODE}-1",
    CODE,
    "一号窑",
    step="烧成",
    days=300,
    yearly=(3_000_000, 6_000_000, 1_500_000, 0),
    daily=(10 * KG, 20 * KG, 5 * KG, 0),
    meter="户1",
    outlet="DA001",
)


def measure(level: Level, name: str = "停产", part: int = 1000, **more: Any) -> Filed:
    kind = more.pop("kind", "停产" if part == 1000 else "限产")
    return Filed(more.pop("line", LINE.id), level, name, kind, part, **more)


NESTED = (measure("yellow", "限产30%", 300), measure("orange", "限产50%", 500), measure("red"))


def make(firm: Firm = FIRM, *lines: Line, filed: tuple[Filed, ...] = NESTED, **more: Any) -> Inventory:
    return Inventory("清单", (firm,), lines or (LINE,), filed=filed, **more)


def words(findings: list[Finding]) -> list[str]:
    return [str(finding.what) for finding in findings]


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, words(findings)
    return findings[0]


def test_a_sound_list_has_no_findings() -> None:
    assert check(make()) == []


def test_the_day_is_held_against_the_year() -> None:
    told = only(check(make(FIRM, replace(LINE, daily=(11 * KG, 20 * KG, 5 * KG, 0)))))
    assert (told.kind, told.line) == ("amounts", LINE.id)
    assert str(told.what) == "SO2 日排放量写的是 11 kg；年排放量 3 t ÷ 300 天是 10 kg。"
    assert check(make(FIRM, replace(LINE, daily=(10 * KG + 40, 20 * KG, 5 * KG, 0)))) == []


def test_lines_are_held_against_the_permit() -> None:
    tight = replace(FIRM, permitted=(2_999_999, 6_000_000, None, 0))
    assert str(only(check(make(tight))).what) == (
        f"“{FIRM.name}”各生产线的 SO2 合计 3 t/年，超过许可的 2.999999 t/年。"
    )


def test_lines_and_enterprises_are_held_against_monitoring() -> None:
    assert check(make(), {LINE.id: (9 * KG, 17 * KG, None, 0)}) == []
    told = check(make(), {LINE.id: (8 * KG, None, None, None), CODE: (None, 30 * KG, None, None)})
    assert [(finding.kind, finding.line) for finding in told] == [
        ("monitoring", None),
        ("monitoring", LINE.id),
    ]
    assert words(told) == [
        f"“{FIRM.name}”各生产线的 NOx 合计 20 kg/日，监测数据是 30 kg/日。",
        "SO2 日排放量写的是 10 kg，监测数据是 8 kg。",
    ]


def test_no_step_is_counted_twice() -> None:
    stop_and_step = (*NESTED, measure("red", "停喷涂", kind="停止工序", cut=(KG, 0, 0, 0)))
    told = only(check(make(filed=stop_and_step)))
    assert (told.severity, told.kind) == ("error", "twice")
    assert "已经整线停产，又另算了“停喷涂”" in str(told.what)
    too_much = (*NESTED[:2], measure("red", cut=(11 * KG, 20 * KG, 5 * KG, 0)))
    told = only(check(make(filed=too_much)))
    assert (told.severity, told.kind) == ("error", "measures")
    assert str(told.what) == "红色预警减 SO2 11 kg，比这条线的日排放量 10 kg 还多。"
    twin = replace(LINE, id=f"{CODE}-2")
    told = only(check(make(FIRM, LINE, twin)))
    assert (told.kind, told.line) == ("twice", twin.id)
    boiler = replace(twin, name="锅炉", serves=(LINE.id,))
    told = only(check(make(FIRM, LINE, boiler)))
    assert "同一个排放口 DA001，SO2、NOx、颗粒物 两处都有" in str(told.what)


@pytest.mark.parametrize(
    ("filed", "word"),
    [
        (
            (measure("yellow", "限产50%", 500), measure("orange", "限产30%", 300), measure("red")),
            "比黄色预警的",
        ),
        ((measure("yellow"), measure("orange")), "红色预警的 SO2 减排 0 kg"),
        ((*NESTED[:2], measure("red", "停产", 800, kind="停产")), "比例却是 80%"),
    ],
)
def test_measures_that_do_not_fit_each_other(filed: tuple[Filed, ...], word: str) -> None:
    assert word in str(only(check(make(filed=filed))).what)


def test_a_measure_that_says_nothing() -> None:
    vague = measure("red", "按要求落实", 0, kind=None)
    told = only(check(make(filed=(vague,))))
    assert str(told.what) == "红色预警的“按要求落实”看不出停什么、压多少，减排量按 0 计。"
    assert check(make(filed=(replace(vague, cut=(KG, 0, 0, 0)),))) == []


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ({"continuous": True}, "连续工序停不下来"),
        ({"least_load": 600}, "剩下的低于最低负荷 60%"),
        ({"daily": (0, 0, 0, 0), "yearly": (None,) * 4}, "没有排放，却要求"),
        ({"meter": "", "outlet": ""}, "无法核查"),
    ],
)
def test_measures_that_do_not_fit_the_line(line: dict[str, Any], word: str) -> None:
    assert word in str(only(check(make(FIRM, replace(LINE, **line)))).what)


def test_evidence_needs_what_it_rests_on() -> None:
    filed = tuple(replace(each, evidence="用电") for each in NESTED)
    told = only(check(make(FIRM, replace(LINE, meter=""), filed=filed)))
    assert str(told.what) == "核查方式是“用电”，但没有填电表户号。"


def test_grades_and_what_they_are_asked() -> None:
    told = only(check(make(replace(FIRM, grade="A"))))
    assert str(told.what) == "A 级企业自主减排，黄色、橙色、红色却要求停限产。"
    voluntary = tuple(replace(each, kind="自主减排", part=0) for each in NESTED)
    assert check(make(replace(FIRM, grade="引领性"), filed=voluntary)) == []
    assert "黄色、橙色没有停" in str(only(check(make(replace(FIRM, grade="D")))).what)
    expired = replace(FIRM, grade_until=datetime.date(2026, 6, 30))
    assert check(make(expired), today=datetime.date(2026, 6, 30)) == []
    assert "2026-06-30，已经过期" in str(only(check(make(expired), today=datetime.date(2026, 7, 1))).what)


def test_guarantees_hold_up_to_their_level_and_no_further() -> None:
    spared = replace(FIRM, guarantee="民生保障", guarantee_level="orange")
    assert "保障到橙色，黄色、橙色却要求停限产" in str(only(check(make(spared))).what)
    assert check(make(spared, filed=NESTED[2:])) == []
    beyond = check(
        make(spared, filed=(measure("red", line=LINE.id, name="自主减排", kind="自主减排", part=0),))
    )
    assert beyond == []
    other = replace(LINE, id=f"{CODE}-2", name="二号窑")
    told = only(check(make(spared, LINE, other, filed=NESTED[2:])))
    assert (told.line, "只保障到橙色，红色没有措施" in str(told.what)) == (other.id, True)


def test_who_stands_still_cuts_nothing() -> None:
    still = make(replace(FIRM, stopped=True))
    assert "填报的减排量不计入" in str(only(check(still)).what)
    assert set(filed_cuts(still).values()) == {(0, 0, 0, 0)}


def test_an_enterprise_without_lines_and_a_small_one() -> None:
    empty = Inventory("清单", (FIRM,), ())
    assert "没有一条生产线" in str(only(check(empty)).what)
    small = replace(LINE, yearly=(60 * KG, 40 * KG, 0, 0), daily=(200, 133, 0, 0))
    told = only(check(make(FIRM, small)))
    assert (told.severity, "合计 100 kg" in str(told.what)) == ("note", True)
    assert check(make(FIRM, replace(small, yearly=(60 * KG, 41 * KG, 0, 0)))) == []


def test_a_stopped_boiler_stops_its_lines() -> None:
    boiler = replace(LINE, id=f"{CODE}-GL", name="锅炉", outlet="DA002", serves=(LINE.id,))
    filed = (*NESTED, *(measure(level, line=boiler.id) for level in ("yellow", "orange", "red")))
    told = only(check(make(FIRM, LINE, boiler, filed=filed)))
    assert str(told.what) == "黄色预警公用设施停了，靠它生产的 1 没有停。"


def test_lorries_do_not_grow_with_the_level() -> None:
    told = only(check(make(transport=(Transport(CODE, 50, 40, 45, 10),))))
    assert str(told.what) == f"“{FIRM.name}”橙色预警的车次 45 比低一级的 40 多。"
    assert check(make(transport=(Transport(CODE, 50, 40, 40, 0),))) == []


def test_the_list_is_no_more_than_industry() -> None:
    told = only(check(make(base=(Source("工业源", (9 * KG, 20 * KG, 5 * KG, 0)),))))
    assert (told.severity, str(told.what)) == (
        "error",
        "清单各线的 SO2 合计 10 kg/日，大于减排基数里工业源的 9 kg/日。",
    )
    assert "没有“工业源”" in str(only(check(make(base=(Source("移动源", (KG, KG, KG, KG)),)))).what)


BASE = (
    Source("工业源", (40 * KG, 60 * KG, 30 * KG, 5 * KG), {"red": (KG, KG, KG, KG)}),
    Source("移动源", (0, 40 * KG, 10 * KG, 5 * KG), {"yellow": (0, KG, 0, 0), "red": (0, 5 * KG, 2 * KG, 0)}),
)


def test_ratios_of_what_is_filed() -> None:
    shares = filed_ratios(make(base=BASE))
    assert shares["yellow"].ratios == (Fraction(3, 40), Fraction(7, 100), Fraction(3, 80), 0)
    assert shares["red"].ratios == (Fraction(1, 4), Fraction(1, 4), Fraction(7, 40), 0)
    third = (Fraction(1, 4), Fraction(1, 4), Fraction(1, 4), Fraction(0))
    told = only(check(make(base=BASE), required={"red": third}))
    assert str(told.what) == "红色预警现行措施的 颗粒物 减排比例是 17.5%，要求 25%。"
    assert filed_ratios(make())["red"].ratios == (None,) * 4


@settings(max_examples=30)
@given(inventories())
def test_any_list_is_checked_and_nothing_cuts_more_than_it_emits(inventory: Inventory) -> None:
    for finding in check(inventory, {line.id: line.daily for line in inventory.lines}):
        assert finding.kind in KIND_NAMES
        assert finding.what.render("en") != ""
        assert finding.kind != "monitoring"
    emitted = [sum(line.daily[at] for line in inventory.lines) for at in range(4)]
    for cut in filed_cuts(inventory).values():
        assert all(part <= whole for part, whole in zip(cut, emitted, strict=True))


@settings(max_examples=20)
@given(inventories())
def test_a_list_does_not_differ_from_itself(inventory: Inventory) -> None:
    assert compare(inventory, inventory) == []


def test_what_changed_from_one_year_to_the_next() -> None:
    new = replace(FIRM, code=make_code(2), name=make_name(2))
    before = make()
    after = Inventory(
        "清单",
        (replace(FIRM, grade="B", name="虚构新名有限公司"), new),
        (replace(LINE, daily=(9 * KG, 20 * KG, 5 * KG, 0), least_load=300),),
        filed=(measure("yellow", "限产20%", 200), *NESTED[1:2]),
    )
    changes = compare(before, after)
    assert [(change.sheet, change.what, change.firm) for change in changes] == [
        ("企业", "changed", CODE),
        ("企业", "added", new.code),
        ("生产线", "changed", CODE),
        ("减排措施", "changed", CODE),
        ("减排措施", "gone", CODE),
    ]
    assert changes[0].fields == (
        FieldChange("企业名称", FIRM.name, "虚构新名有限公司"),
        FieldChange("绩效等级", "C", "B"),
    )
    assert changes[2].fields == (
        FieldChange("日排放量 SO2", "10 kg", "9 kg"),
        FieldChange("最低负荷", "0%", "30%"),
    )
    assert changes[2].line == LINE.id
    assert changes[3].fields[-1] == FieldChange("限产比例", "30%", "20%")
    assert [change.what for change in compare(after, before)] == [
        "changed",
        "gone",
        "changed",
        "changed",
        "added",
    ]


def test_findings_say_where_a_row_stands(tmp_path: Path) -> None:
    path = tmp_path / "清单.xlsx"
    write_inventory(make(replace(FIRM, grade="A")), path)
    read, _ = read_inventory(path)
    assert read is not None
    assert only(check(read)).place == "生产线!A4"
