"""Text to scaled integers: exact, and refused with the right word."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import fastexcel
import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.documents.message import Message
from muheng.intake.numbers import NumberColumn, Numbers, parse_number, read_numbers
from muheng.standards.units import parse_unit


def column(source: str = "万元", unit: str = "万元", digits: int = 2, limit: int = 10**9) -> NumberColumn:
    return NumberColumn("A", parse_unit(source), parse_unit(unit), digits, Decimal(-limit), Decimal(limit))


def read(texts: list[str | None], spec: NumberColumn) -> Numbers:
    return read_numbers(pl.DataFrame({"A": pl.Series(texts, dtype=pl.String)}), [spec])[0]


def excel_digits(value: Decimal) -> Decimal:
    """Round to 15 significant digits, halves away from zero, as the column does."""
    if not value:
        return value
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 14), ROUND_HALF_UP)


decimals = st.decimals(
    min_value=Decimal(-(10**8)), max_value=Decimal(10**8), allow_nan=False, allow_infinity=False, places=None
).map(lambda value: value.quantize(Decimal("1e-9")) if value.as_tuple().exponent < -9 else value)  # type: ignore[operator]


@settings(deadline=None)
@given(st.lists(decimals, min_size=1, max_size=30), st.integers(0, 6))
def test_plain_numbers_are_exact(values: list[Decimal], digits: int) -> None:
    texts = [f"{value:f}" for value in values]
    result = read(texts, column(digits=digits))
    expected = [int(excel_digits(v).scaleb(digits).quantize(Decimal(1), ROUND_HALF_UP)) for v in values]
    assert result.values.to_list() == expected
    assert result.faults == ()
    lost = [v for v, e in zip(values, expected, strict=True) if excel_digits(v) != Decimal(e).scaleb(-digits)]
    assert result.rounded == len(lost)


@settings(deadline=None)
@given(st.lists(decimals, min_size=1, max_size=20), st.sampled_from(["元", "千元", "亿元"]))
def test_units_are_converted_exactly(values: list[Decimal], source: str) -> None:
    result = read([f"{value:f}" for value in values], column(source, limit=10**13))
    factor = parse_unit(source).factor / parse_unit("万元").factor
    for value, got in zip(values, result.values, strict=True):
        exact = Fraction(excel_digits(value)) * factor * 100
        assert abs(got - exact) <= Fraction(1, 2)
        assert abs(exact) % 1 != Fraction(1, 2) or abs(got) > abs(exact)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
@settings(deadline=None)
def test_every_way_of_writing_gives_the_same_number(value: Decimal) -> None:
    plain = f"{value:f}"
    full_width = plain.translate(str.maketrans("0123456789.-", "０１２３４５６７８９．－"))
    grouped = f"{value:,f}"
    written = [plain, full_width, grouped, grouped.replace(",", "，"), f"  {plain}\u3000", f"{plain}\n"]
    if value > 0:
        written.append("+" + plain)
    if value < 0:
        written += [f"({-value:,f})", f"（{-value:f}）", plain.replace("-", "−")]
    result = read([*written], column())
    assert result.faults == ()
    assert set(result.values) == {int(value * 100)}


@given(
    st.lists(st.floats(min_value=-1e9, max_value=1e9, allow_nan=False).map(lambda x: round(x, 2)), min_size=1)
)
@settings(max_examples=25, deadline=None)
def test_a_workbooks_floats_are_what_excel_shows(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    """Binary noise of a formula, such as 0.1 + 0.2, goes; two decimals typed by a clerk stay."""
    path = tmp_path_factory.mktemp("floats") / "a.xlsx"
    book = openpyxl.Workbook()
    for value in values:
        book.worksheets[0].append([value * 3 / 3])
    book.save(path)
    frame: pl.DataFrame = (
        fastexcel.read_excel(path).load_sheet(0, dtypes="string", header_row=None, skip_rows=0).to_polars()
    )
    frame.columns = ["A"]
    result = read_numbers(frame, [column(limit=10**10)])[0]
    assert result.values.to_list() == [
        int((Decimal(repr(value)) * 100).to_integral_value()) for value in values
    ]
    assert result.faults == ()


@pytest.mark.parametrize("text", ["—", "-", "--", "/", "无", "／", "暂无", " — ", "N/A", "", "　"])
def test_signs_for_nothing_mean_nothing(text: str) -> None:
    result = read([text], column())
    assert result.values.to_list() == [None]
    assert result.faults == ()


@pytest.mark.parametrize(
    ("text", "source", "what", "fix"),
    [
        ("1,234.5万", "万元", "“1,234.5万” 不是数字。", "本列单位是 万元；请只填数值 1234.5。"),
        ("1,234.5万", "元", "“1,234.5万” 不是数字。", "本列单位是 元；请只填数值 12345000。"),
        ("3亿元", "万元", "“3亿元” 不是数字。", "本列单位是 万元；请只填数值 30000。"),
        ("480万元", "万元", "“480万元” 不是数字。", "本列单位是 万元；请只填数值 480。"),
        ("约12", "万元", "“约12” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        ("40亩", "万元", "“40亩” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        ("1,23", "万元", "“1,23” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        ("12,34.5", "万元", "“12,34.5” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        ("1.2.3", "万元", "“1.2.3” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        ("一百", "万元", "“一百” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        ("5①", "万元", "“5①” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        ("12.5²", "万元", "“12.5²” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        ("true", "万元", "“true” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        ("5%", "万元", "“5%” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        ("inf", "万元", "“inf” 不是数字。", "本列单位是 万元；请只填数值，没有就留空。"),
        (
            "1.2E+08",
            "元",
            "“1.2E+08”是科学计数法，后面的位数可能已丢失。",
            "本列单位是 元；请只填数值，没有就留空。",
        ),
        (
            "2021-03-05 00:00:00",
            "万元",
            "“2021-03-05”是日期格式的单元格，不是数字。",
            "本列单位是 万元；请只填数值，没有就留空。",
        ),
    ],
)
def test_what_is_no_number_is_refused_in_words(text: str, source: str, what: str, fix: str) -> None:
    result = read(["1", text, "2"], column(source, limit=10**12))
    assert result.values.null_count() == 1
    (fault,) = result.faults
    assert (fault.at, fault.found, str(fault.what), str(fault.fix)) == (1, text, what, fix)


def test_what_nobody_can_have_is_refused() -> None:
    result = read(["10000000", "10000000.01", "-10000001", "99999999999999999999"], column(limit=10**7))
    assert result.values.to_list() == [10**9, None, None, None]
    assert [fault.at for fault in result.faults] == [1, 2, 3]
    assert "超出一家企业一年可信的范围（-10,000,000 至 10,000,000 万元）" in str(result.faults[0].what)


def test_percent_is_a_number_only_where_there_is_no_dimension() -> None:
    assert read(["12.5%", "12.5", "１２．５％"], column("%", "%", 4)).values.to_list() == [125000] * 3
    assert read(["12.5%"], column("1", "1", 4)).values.to_list() == [1250]


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_a_number_or_missing_or_told_of(text: str) -> None:
    number = parse_number(text, parse_unit("万元"))
    assert number is None or isinstance(number, Fraction | Message)
    result = read([text], column(limit=10**14))
    if isinstance(number, Message):
        assert len(result.faults) == 1
        assert text in str(number) or text[:10] in str(number)
    elif number is not None and not result.faults:
        assert abs(result.values[0] - number * 100) <= Fraction(1, 2)
