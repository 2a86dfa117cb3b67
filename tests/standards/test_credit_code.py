"""Credit codes: every slip found, and the ones Excel makes called by name. Codes here are made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn.uscc import calc_check_digit

from muheng.standards.credit_code import check_credit_code, normalise

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
VALID = "91440101MA5ABCDE1M"

BODIES = st.builds(
    lambda head, region, rest: head + region + rest,
    st.sampled_from(["91", "92", "93", "12", "N2"]),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(ALPHABET, min_size=9, max_size=9),
)
CODES = BODIES.map(lambda body: body + calc_check_digit(body)).filter(lambda code: not code.endswith("000"))


@given(CODES)
def test_a_right_code_is_found_right(code: str) -> None:
    assert check_credit_code(code).problem is None
    assert check_credit_code(code).code == code


@given(CODES, st.integers(0, 17), st.characters(codec="utf-8"))
def test_any_changed_character_is_found(code: str, position: int, character: str) -> None:
    changed = code[:position] + character + code[position + 1 :]
    if normalise(changed) != code:
        assert check_credit_code(changed).problem is not None


@given(CODES)
def test_harmless_dress_is_taken_off(code: str) -> None:
    dressed = f"'\ufeff {code[:8].lower()} - {code[8:].lower()}\u200b\t"
    assert check_credit_code(dressed).code == code
    assert check_credit_code(dressed).problem is None


@given(CODES.filter(lambda code: code.isdigit()) | st.integers(10**17, 10**18 - 1).map(str))
def test_excel_damage_is_called_by_name(code: str) -> None:
    shown = f"{int(code):.5E}"
    kept = code[:15] + "000"
    for damaged in (shown, shown.lower(), f"{float(code):.0f}.0"):
        assert "Excel" in str(check_credit_code(damaged).problem)
    if check_credit_code(kept).problem is not None:
        assert "Excel" in str(check_credit_code(kept).problem)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("9.1E+17", "Excel"),
        ("9.13402E+17", "Excel"),
        ("913402006992296000", "后 3 位已丢失"),
        ("913402006992296170.0", "Excel"),
        ("", "没有填"),
        ("91440101MA5ABCDE1", "有 17 位"),
        (VALID + "0", "有 19 位"),
        ("340500000012345", "旧的工商注册号"),
        ("91440101MA5ABCDEOM", "可能是 0"),
        ("9I440101MA5ABCDE1M", "可能是 1"),
        ("91440101MA5ABCDE1中", "第 18 位“中”"),
        ("9144010AMA5ABCDE1M", "行政区划"),
        ("91440101MA5ABCDE1N", "按前 17 位算应为 M"),
        ("91440101MA5ABCDE１M", "改成半角是 " + VALID),
        ("９１４４０１０１", "全角"),
    ],
)
def test_problems_told_apart(text: str, word: str) -> None:
    assert word in str(check_credit_code(text).problem)


def test_codes_of_the_facts() -> None:
    assert check_credit_code("91130200699229617X").problem is None
    assert check_credit_code(VALID).problem is None


def test_an_all_digit_code_that_really_ends_in_000() -> None:
    """Both check digits bear it out, so it is not taken for a damaged one."""
    assert check_credit_code("913405000046172000").problem is None
