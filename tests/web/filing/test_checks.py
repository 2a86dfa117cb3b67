"""What the checks find: slips are named, noise is left alone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.cities.demo import make_registry
from muheng.cities.pack import find_pack, load_pack
from muheng.web.filing.checks import Finding, Past, check
from muheng.web.filing.entries import read_entries
from muheng.web.filing.items import form
from muheng.web.filing.months import Month
from web.filing.figures import OCTOBER, USUAL

STEADY = Past({OCTOBER.shift(-back): USUAL for back in range(1, 14)}, {})


def found(past: Past = STEADY, **changed: str) -> list[Finding]:
    return check({**USUAL, **{name: Decimal(text) for name, text in changed.items()}}, OCTOBER, past, form())


def only(past: Past = STEADY, **changed: str) -> Finding:
    findings = [each for each in found(past, **changed) if each.level != "note"]
    assert len(findings) == 1, findings
    return findings[0]


def test_a_usual_month_has_only_notes() -> None:
    assert {each.level for each in found()} == {"note"}
    assert {each.kind for each in found()} == {"same"}


@pytest.mark.parametrize(
    ("item", "typed", "kind", "meant"),
    [
        ("用电量", "305000", "unit", "30.5"),
        ("用水量", "12000", "unit", "1.2"),
        ("工业总产值", "8000000", "unit", "800"),
        ("工业总产值", "0.08", "unit", "800"),
        ("综合能耗", "150000", "unit", "150"),
        ("危险废物产生量", "1100", "unit", "1.1"),
        ("用电量", "310", "shift", "31"),
        ("用电量", "3.05", "shift", "30.5"),
        ("一般固废产生量", "2000", "shift", "20"),
    ],
)
def test_a_slip_is_named_with_what_was_meant(item: str, typed: str, kind: str, meant: str) -> None:
    findings = [each for each in found(**{item: typed}) if each.kind != "same"]
    assert [(each.item, each.kind, each.params["meant"], each.level) for each in findings] == [
        (item, kind, meant, "warning")
    ]


def test_a_swing_that_is_no_slip_is_a_swing() -> None:
    assert only(用水量="4.4").kind == "swing"
    assert only(用水量="0.36").kind == "swing"


def test_a_season_seen_a_year_ago_is_not_odd() -> None:
    months = dict(STEADY.months)
    months[OCTOBER.shift(-12)] = {**USUAL, "用水量": Decimal("4.2")}
    assert not [each for each in found(Past(months, {}), 用水量="4.4") if each.item == "用水量"]


def test_one_odd_month_before_does_not_mislead() -> None:
    months = dict(STEADY.months)
    months[OCTOBER.shift(-1)] = {**USUAL, "用电量": Decimal(305)}
    assert not [each for each in found(Past(months, {}), 用电量="30") if each.item == "用电量"]


def test_zero_negative_digits_and_blank() -> None:
    assert (only(用水量="0").kind, only(用水量="0").level) == ("zero", "warning")
    assert (only(用水量="-1").kind, only(用水量="-1").level) == ("negative", "error")
    assert (only(工业总产值="800.123").kind, only(工业总产值="800.123").level) == ("digits", "error")
    rest = {name: value for name, value in USUAL.items() if name != "用电量"}
    assert [(e.item, e.kind) for e in check(rest, OCTOBER, STEADY, form()) if e.level == "error"] == [
        ("用电量", "missing")
    ]


def test_the_permit_of_the_year() -> None:
    # January to September made 9 × 1.1 = 9.9 t.
    def permit(limit: str) -> Past:
        return Past(STEADY.months, {"危险废物产生量": Decimal(limit)})

    above = only(permit("10.5"), 危险废物产生量="1.2")
    assert (above.kind, above.params["sum"], above.params["limit"]) == ("above_permit", "11.1", "10.5")
    assert only(permit("1.5"), 危险废物产生量="1.6").kind == "month_above_permit"
    near = [each for each in found(permit("12"), 危险废物产生量="1.2") if each.kind == "near_permit"]
    assert [each.level for each in near] == ["note"]
    assert not [each for each in found(permit("20"), 危险废物产生量="1.2") if each.kind == "near_permit"]


def test_power_cannot_be_more_than_all_energy() -> None:
    # 30.5 万kWh are 37.48 tce at 0.1229 kgce/kWh.
    finding = next(each for each in found(综合能耗="37.4") if each.kind == "above_energy")
    assert finding.params["coal"] == "37.48"
    assert not [each for each in found(综合能耗="37.5") if each.kind == "above_energy"]


@given(
    st.decimals(min_value=1, max_value=10**6, places=2),
    st.sampled_from([10, 100, Decimal("0.1"), Decimal("0.01")]),
)
def test_a_shifted_figure_is_never_missed(usual: Decimal, factor: Decimal) -> None:
    months = {OCTOBER.shift(-back): {**USUAL, "工业总产值": usual * 1000} for back in range(1, 4)}
    odd = [
        each
        for each in found(Past(months, {}), 工业总产值=f"{usual * 1000 * factor:f}")
        if each.item == "工业总产值"
    ]
    assert [each.level for each in odd] == ["warning"]
    assert odd[0].params["meant"].replace(",", "") == f"{(usual * 1000).normalize():f}"


def test_entries_as_people_type_them() -> None:
    typed = {
        "用电量": "３０．５",
        "综合能耗": " 1,500 ",
        "用水量": "1.2万",
        "工业总产值": "八百",
        "危险废物产生量": "",
    }
    entries = read_entries(typed)
    assert entries.figures == {"用电量": Decimal("30.5"), "综合能耗": Decimal(1500)}
    assert [each.item for each in entries.wrong] == ["用水量", "工业总产值"]
    assert "只填数值" in entries.wrong[0].params["fix"]


def test_too_many_decimals_are_seen() -> None:
    assert read_entries({"工业总产值": "800.123"}).figures == {"工业总产值": Decimal("800.123")}


def test_of_the_demo_city_only_what_was_planted_is_questioned() -> None:
    pack = load_pack(find_pack("maanshan"))[0]
    assert pack is not None
    registry = make_registry(pack, 1, 2025)
    limits = {
        permit.code: {"危险废物产生量": permit.hazardous_waste, "一般固废产生量": permit.general_waste}
        for permit in registry.permits
    }
    months: dict[str, dict[Month, dict[str, Decimal]]] = {}
    for row in registry.monthly.iter_rows(named=True):
        when = Month(row["月份"].year, row["月份"].month)
        figures = {name: row[name] for name in form().items if row[name] is not None}
        months.setdefault(row["统一社会信用代码"], {})[when] = figures
    questioned = {
        (code, when, each.item)
        for code, filed in months.items()
        for when, figures in filed.items()
        if when.year == 2026
        for each in check(
            figures, when, Past({k: v for k, v in filed.items() if k != when}, limits[code]), form()
        )
        if each.level == "warning"
    }
    planted = {
        (each.code, Month(each.month.year, each.month.month), each.item) for each in registry.anomalies
    }
    assert planted <= questioned
    # After an amount above the permit the rest of the year is above it too.
    rest = {(code, item) for code, _when, item in questioned - planted}
    assert rest <= {(each.code, each.item) for each in registry.anomalies if each.kind == "超许可量"}
