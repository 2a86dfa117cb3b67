"""Text to dates, tags and plain text. Equal texts are understood once, however often they stand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, timedelta

import polars as pl

from muheng.documents.message import Message, say
from muheng.intake.numbers import MISSING, Fault

_BLANKS = " \t\r\n\u3000\xa0\u200b\ufeff"
_DASHES = frozenset(["-", "--", "---", "—", "——", "–", "/", "//", "\\", "－", "／"])
_EXCEL_EPOCH = date(1899, 12, 30)
# Days from 1900 to 2100 as Excel counts them: other bare numbers are no dates.
_SERIALS = range(1, 73_051)
_YEARS = range(1900, 2101)
_PARTED = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:00:00(?::00)?)?")
_SOLID = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_MONTH = re.compile(r"[0-9]{4}(?:年[0-9]{1,2}月?|[-/.][0-9]{1,2})|[0-9]{6}|[0-9]{4}年?")
_QUOTED = r'^="(.*)"$'

Outcome = tuple[object, Message | None, Message | None]


def clean_text(text: pl.Expr) -> pl.Expr:
    """Without blanks around it, and without the `="…"` that keeps a CSV cell from becoming a number."""
    cleaned = text.str.strip_chars(_BLANKS).str.replace(_QUOTED, "${1}")
    return pl.when(cleaned != "").then(cleaned)


def read_texts(
    text: pl.Series, values: Mapping[str, tuple[str, ...]] | None
) -> tuple[pl.Series, list[Fault]]:
    """Plain text; with `values`, only those (or an alias of one). Dashes and 无: nothing given."""
    if values is None:
        nothing = [*_DASHES, "无", "暂无"]
        return pl.select(pl.when(~text.is_in(nothing)).then(text).alias(text.name)).to_series(), []
    known = {_fold(alias): value for value, aliases in values.items() for alias in (value, *aliases)}

    def understand(found: str) -> Outcome:
        folded = _fold(found)
        if folded in known:
            return known[folded], None, None
        if folded in MISSING:
            return None, None, None
        return (
            None,
            say("“{found}” 不是本列的取值。", found=found),
            say("请填 {values} 之一，或留空。", values="、".join(values)),
        )

    return _understand(text, understand, pl.String())


def read_dates(text: pl.Series) -> tuple[pl.Series, list[Fault]]:
    """Dates as 2021-03-05, 2021/3/5, 2021.3.5, 20210305, 2021年3月5日 or Excel's day number, to Date."""
    return _understand(text, _understand_date, pl.Date())


def read_tags(text: pl.Series) -> tuple[pl.Series, list[Fault]]:
    """`高新技术企业、专精特新：省级` to `高新技术企业|专精特新:省级`; each tag once, in the order written."""
    return _understand(text, lambda found: (join_tags(found), None, None), pl.String())


def join_tags(text: str) -> str | None:
    """Tags divided by | 、 ; , or lines as ``甲|乙:级``, each once; None where nothing is given."""
    folded = unicodedata.normalize("NFKC", text)
    tags = (re.sub(r"\s*:\s*", ":", tag.strip()) for tag in re.split(r"[|、;,\n]", folded))
    kept = dict.fromkeys(tag for tag in tags if tag.casefold() not in MISSING)
    return "|".join(kept) or None


def _understand_date(found: str) -> Outcome:
    folded = _fold(found)
    if folded in MISSING:
        return None, None, None
    parts = _PARTED.fullmatch(folded) or _SOLID.fullmatch(folded)
    if parts is not None:
        try:
            day = date(*(int(part) for part in parts.groups()))
        except ValueError:
            return None, say("“{found}” 没有这一天。", found=found), say("请按 2021-03-05 的样子填写。")
        if day.year in _YEARS:
            return day, None, None
    elif folded.isascii() and folded.isdigit() and len(folded) == 5 and int(folded) in _SERIALS:
        return _EXCEL_EPOCH + timedelta(int(folded)), None, None
    elif _MONTH.fullmatch(folded):
        return None, say("“{found}” 没有写到日。", found=found), say("请按 2021-03-05 的样子填写。")
    return None, say("“{found}” 不是日期。", found=found), say("请按 2021-03-05 的样子填写，没有就留空。")


def _understand(
    text: pl.Series, understand: Callable[[str], Outcome], dtype: pl.DataType
) -> tuple[pl.Series, list[Fault]]:
    distinct = text.drop_nulls().unique(maintain_order=True).to_list()
    outcomes = {found: understand(found) for found in distinct}
    values = pl.Series([outcome[0] for outcome in outcomes.values()], dtype=dtype)
    read = text.replace_strict(pl.Series(distinct, dtype=pl.String), values, default=None, return_dtype=dtype)
    wrong = {found: outcome for found, outcome in outcomes.items() if outcome[1] is not None}
    if not wrong:
        return read, []
    positions = text.is_in(list(wrong)).arg_true()
    faults = []
    for at in positions:
        what, fix = wrong[text[at]][1:]
        assert what is not None
        faults.append(Fault(at, text[at], what, fix))
    return read, faults


def _fold(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
