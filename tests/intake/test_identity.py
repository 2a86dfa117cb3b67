"""Whose row it is: codes, names, and reasons."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.intake.facts import CODE, NAME
from muheng.intake.identity import (
    BY_CODE,
    REASON,
    Roster,
    check_codes,
    is_identity,
    match,
    name_key,
    show_as_excel,
)
from muheng.standards.credit_code import check_credit_code

from .conftest import ALPHABET, make_code, make_name


def keys(*names: str) -> list[str]:
    return pl.DataFrame({"n": names}).select(name_key(pl.col("n"))).to_series().to_list()


@settings(deadline=None)
@given(
    st.lists(st.text(ALPHABET + "IO- ａ", max_size=20) | st.integers(0, 10**6).map(make_code), max_size=20)
)
def test_whole_columns_are_checked_as_single_codes_are(codes: list[str]) -> None:
    checked = check_codes(pl.Series("c", codes, pl.String)).to_list()
    for code, good in zip(codes, checked, strict=True):
        expected = check_credit_code(code).problem is None and check_credit_code(code).code == code
        assert good == expected or (code.isdigit() and code.endswith("000")), code


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_any_single_mistake_is_seen(number: int, place: int, letter: str) -> None:
    code = make_code(number)
    wrong = code[:place] + letter + code[place + 1 :]
    assert check_codes(pl.Series([wrong])).item() == (wrong == code)


def test_a_wrong_check_digit_still_names_an_enterprise_and_a_damaged_code_does_not() -> None:
    code = make_code(1)
    assert is_identity(code)
    assert is_identity(code[:-1] + ("A" if code[-1] != "A" else "B"))
    for damaged in ("9.134E+17", "913405000000001000", "913405000000001", "", code[:-1], code + "1"):
        assert not is_identity(damaged)


def test_codes_stored_as_numbers_are_shown_as_excel_shows_them() -> None:
    stored = str(int(float("913405210000569000")))
    assert stored != "913405210000569000"
    shown = show_as_excel(pl.Series([stored, make_code(1), "123", None]))
    assert shown.to_list() == ["913405210000569000", make_code(1), "123", None]


def test_names_are_compared_without_what_people_vary() -> None:
    same = keys(
        "虚构（集团）机械有限公司", "虚构(集团)机械有限责任公司", " 虚构 集团\u3000机械有限公司*", "虚构【集团】机械有限公司",
    )  # fmt: skip
    assert len(set(same)) == 1
    assert len(set(keys("虚构机械有限公司", "虚构机械股份有限公司", "虚构机械厂"))) == 3
    assert keys("ＡＢＣ公司") == keys("abc公司")


@settings(deadline=None)
@given(st.data())
def test_every_match_has_a_reason_and_is_right(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 8))
    names = [make_name(data.draw(st.integers(0, 3))) for _ in range(size)]
    roster = Roster(pl.DataFrame({CODE: [make_code(n) for n in range(size)], NAME: names}))
    count = data.draw(st.integers(0, 8))
    codes = [
        data.draw(st.none() | st.integers(0, size + 1).map(make_code) | st.just("9.1E+17"))
        for _ in range(count)
    ]
    given_names = [data.draw(st.none() | st.integers(0, 5).map(make_name)) for _ in range(count)]
    matched = match(pl.Series(codes, dtype=pl.String), pl.Series(given_names, dtype=pl.String), roster)
    assert matched.height == count
    known = dict(roster.frame.iter_rows())
    for code, name, row in zip(codes, given_names, matched.iter_rows(named=True), strict=True):
        by_name = [c for c, n in known.items() if n == name]
        assert (row[CODE] is None) == (row[REASON] is None)
        if code in known:
            clash = name is not None and known[code] != name and len(by_name) == 1
            assert row[CODE] == (None if clash else code)
            assert clash or row[REASON] == BY_CODE
        else:
            assert row[CODE] == (by_name[0] if len(by_name) == 1 else None)


def test_the_nearest_names_are_offered() -> None:
    names = [
        "虚构长江机械有限公司",
        "虚构长江电机有限公司",
        "虚构黄河化工有限公司",
        *(make_name(n) for n in range(300)),
    ]
    roster = Roster(pl.DataFrame({CODE: [make_code(n) for n in range(len(names))], NAME: names}))
    assert roster.nearest("虚构长江机戒有限公司")[0] == "虚构长江机械有限公司"
    assert roster.nearest("某某村") == []
    assert Roster(pl.DataFrame(schema={CODE: pl.String, NAME: pl.String})).nearest("甲") == []
