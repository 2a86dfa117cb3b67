"""Which enterprise of the roster a row speaks of: by credit code first, then by a name that only one bears.

Every match has its reason. Nothing is guessed: a row that fits no enterprise stays unmatched, with the
roster's nearest names beside it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

import numpy as np
import polars as pl

from muheng.documents.message import Message, say
from muheng.intake.facts import CODE, NAME
from muheng.standards.credit_code import ALPHABET, SHAPE, check_credit_code

REASON = "依据"

BY_CODE = str(say("按信用代码"))
BY_NAME_NO_CODE = str(say("按名称：没有代码"))
BY_NAME_DAMAGED = str(say("按名称：代码受损"))
BY_NAME_UNKNOWN = str(say("按名称：代码不在名单"))
BY_FORMER_NAME = str(say("按曾用名"))
ON_ROSTER = str(say("名单"))
OUTSIDE = str(say("村、街道等，不计"))
BY_SPLIT = str(say("公用电表：按分摊"))

_WELL_FORMED = rf"^{SHAPE}$"
_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)], np.int64)
# Pairs of characters that occur in this share of all names (有限, 公司) say nothing about which name is near.
_COMMON_PAIR = 0.05


def code_key(text: pl.Expr) -> pl.Expr:
    """A credit code as it is compared: half width, upper case, without blanks, hyphens and apostrophes."""
    return text.str.normalize("NFKC").str.replace_all(r"[\s\-'’‘`\u{200b}\u{feff}]", "").str.to_uppercase()


def name_key(text: pl.Expr) -> pl.Expr:
    """A name as it is compared: half width, without blanks, brackets, asterisks; 有限责任公司 is 有限公司."""
    return (
        text.str.normalize("NFKC")
        .str.replace_all(r"[\s()\[\]{}<>〈〉《》【】〔〕*·.,\u{200b}\u{feff}]", "")
        .str.replace_all("有限责任公司", "有限公司", literal=True)
        .str.to_lowercase()
    )


def check_codes(codes: pl.Series) -> pl.Series:
    """True where a code has the right shape and check digit (GB 32100-2015), for a whole column at once."""
    shaped = codes.str.contains(_WELL_FORMED).fill_null(False)
    good = np.zeros(len(codes), bool)
    text = codes.filter(shaped)
    if len(text):
        letters = np.array(text.to_list(), "S18").view(np.uint8).reshape(-1, 18)
        table = np.zeros(256, np.int64)
        table[[ord(letter) for letter in ALPHABET]] = np.arange(31)
        values = table[letters]
        good[shaped.to_numpy()] = (31 - values[:, :17] @ _WEIGHTS % 31) % 31 == values[:, 17]
    return pl.Series(codes.name, good)


def show_as_excel(codes: pl.Series) -> pl.Series:
    """Codes that were stored as numbers, the way Excel shows them: 913405210000569000, not …568960.

    Only codes whose check digit is wrong are changed, so a code that was typed as text stays as it is.
    """
    suspects = codes.str.contains(r"^[0-9]{16,18}$").fill_null(False) & ~check_codes(codes)
    shown = {}
    for code in codes.filter(suspects):
        kept = f"{float(code):.14e}"
        if int(float(kept)) == int(code):
            shown[code] = str(int(Decimal(kept)))
    return codes.replace(shown) if shown else codes


def is_identity(code: str) -> bool:
    """Can the code stand for an enterprise on the roster? A wrong check digit alone does not forbid it."""
    problem = check_credit_code(code).problem
    return problem is None or (
        pl.Series([code]).str.contains(_WELL_FORMED).item() and not (code.isdigit() and code.endswith("000"))
    )


def _nobody() -> pl.DataFrame:
    return pl.DataFrame(schema={CODE: pl.String, NAME: pl.String})


@dataclass(frozen=True)
class Roster:
    """The enterprises that are evaluated: `frame` has 统一社会信用代码 (unique) and 企业名称.

    `former` has the same columns, a row for every other name that an enterprise bore; `known` has
    统一社会信用代码 and what is known of the enterprises besides, such as 规模, under the items' names.
    Enterprises in `unoffered` (codes) are matched, but never offered as what a row may have meant.
    """

    frame: pl.DataFrame
    former: pl.DataFrame = field(default_factory=_nobody)
    known: pl.DataFrame = field(default_factory=_nobody)
    unoffered: frozenset[str] = frozenset()

    @cached_property
    def names(self) -> pl.DataFrame:
        """Compared name → code and `former`, for the names that only one enterprise bears or bore."""
        keys = pl.concat(
            table.select(
                name_key(pl.col(NAME)).alias("key"),
                pl.col(CODE).alias("by_name"),
                pl.lit(old).alias("former"),
            )
            for table, old in ((self.frame, False), (self.former.join(self.frame, on=CODE, how="semi"), True))
        )
        return (
            keys.drop_nulls()
            .unique(["key", "by_name"], keep="first", maintain_order=True)
            .filter(pl.col("key").is_unique())
        )

    @cached_property
    def _pairs(self) -> dict[str, list[int]]:
        pairs: dict[str, list[int]] = defaultdict(list)
        codes = self.frame.get_column(CODE)
        for position, name in enumerate(self._keys):
            if self.unoffered and codes[position] in self.unoffered:
                continue
            for pair in _pairs_of(name):
                pairs[pair].append(position)
        most = max(20, int(len(self._keys) * _COMMON_PAIR))
        return {pair: positions for pair, positions in pairs.items() if len(positions) <= most}

    @cached_property
    def _keys(self) -> list[str]:
        return self.frame.select(name_key(pl.col(NAME)).fill_null("")).to_series().to_list()

    def nearest(self, name: str) -> list[str]:
        """Up to three names of the roster that share most character pairs with `name`."""
        key = pl.select(name_key(pl.lit(name))).item()
        wanted = _pairs_of(key)
        shared = Counter(position for pair in wanted for position in self._pairs.get(pair, ()))
        likeness = {
            position: 2
            * len(wanted & _pairs_of(self._keys[position]))
            / (len(wanted) + len(self._keys[position]))
            for position, _ in shared.most_common(50)
        }
        best = sorted(likeness, key=lambda position: (-likeness[position], self._keys[position]))[:3]
        named = self.frame.get_column(NAME)
        return [named[position] for position in best if likeness[position] >= 0.5]


def _pairs_of(name: str) -> set[str]:
    return {name[at : at + 2] for at in range(len(name) - 1)}


def match(codes: pl.Series | None, names: pl.Series | None, roster: Roster) -> pl.DataFrame:
    """One row for each row given: 统一社会信用代码 (null: unmatched), 依据, `conflict`, `claimed`, `renamed`.

    A row that bears the code of one enterprise (`claimed`) and the name of another (`conflict`) is unmatched;
    `renamed` is true where the code matched and the name is one that the enterprise is not known to have borne.
    """
    height = len(codes) if codes is not None else len(names) if names is not None else 0
    blank = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    given = pl.DataFrame(
        {"code": blank if codes is None else codes, "name": blank if names is None else names}
    ).with_row_index("at")
    known = roster.frame.select(
        pl.col(CODE).alias("by_code"),
        name_key(pl.col(NAME)).alias("roster_key"),
        code_key(pl.col(CODE)).alias("code_key"),
    )
    joined = (
        given.with_columns(code_key(pl.col("code")).alias("code_key"), name_key(pl.col("name")).alias("key"))
        .join(known, on="code_key", how="left", maintain_order="left")
        .join(roster.names, on="key", how="left", maintain_order="left")
    )
    damaged = ~check_codes(joined.get_column("code_key"))
    differs = pl.col("key").is_not_null() & (pl.col("key") != pl.col("roster_key"))
    conflict = pl.when(
        pl.col("by_code").is_not_null() & differs & (pl.col("by_name") != pl.col("by_code"))
    ).then(pl.col("by_name"))
    reason = (
        pl.when(conflict.is_not_null())
        .then(None)
        .when(pl.col("by_code").is_not_null())
        .then(pl.lit(BY_CODE))
        .when(pl.col("by_name").is_null())
        .then(None)
        .when(pl.col("former"))
        .then(pl.lit(BY_FORMER_NAME))
        .when(pl.col("code_key").is_null())
        .then(pl.lit(BY_NAME_NO_CODE))
        .when(damaged)
        .then(pl.lit(BY_NAME_DAMAGED))
        .otherwise(pl.lit(BY_NAME_UNKNOWN))
    )
    return joined.select(
        pl.when(conflict.is_null()).then(pl.coalesce("by_code", "by_name")).alias(CODE),
        reason.alias(REASON),
        conflict.alias("conflict"),
        pl.when(conflict.is_not_null()).then(pl.col("by_code")).alias("claimed"),
        (pl.col("by_code").is_not_null() & differs & (pl.col("by_name").ne_missing(pl.col("by_code"))))
        .fill_null(False)
        .alias("renamed"),
    )


def explain_unmatched(code: str | None, name: str | None, roster: Roster) -> tuple[Message, Message]:
    """Why a row fits no enterprise, and what to do about it."""
    problem = None if code is None else check_credit_code(code).problem
    if code is None and name is None:
        return say("没有信用代码，也没有企业名称，认不出是哪家企业。"), say("请补填统一社会信用代码。")
    if problem is not None:
        what = say("{problem}按名称“{name}”也没有唯一对应的企业。", problem=problem, name=name or "")
    elif code is None:
        what = say("没有信用代码，按名称“{name}”没有唯一对应的企业。", name=name or "")
    else:
        what = say("信用代码 {code}（{name}）不在名单里。", code=code, name=name or "")
    near = roster.nearest(name) if name is not None else []
    if near:
        return what, say("名单里相近的有：{names}。请核对，或把企业补进名单。", names="、".join(near))
    return what, say("请核对信用代码，或把企业补进名单。")


def ends_with_any(names: pl.Series, endings: Iterable[str]) -> pl.Series:
    """True where a name ends with one of the texts (村, 街道办事处 …)."""
    marks = pl.any_horizontal([pl.lit(names).str.strip_chars().str.ends_with(ending) for ending in endings])
    return pl.select(marks.fill_null(False)).to_series()
