"""Which enterprise each row's figures go to: ordinary rows, contracts between two parties, shared meters.

A claim is a row with the enterprise that it was matched to. Nothing is added up here and nothing withheld.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from muheng.documents.message import Message, say
from muheng.intake.facts import CODE, NAME, ROW, Item
from muheng.intake.identity import (
    BY_FORMER_NAME,
    BY_NAME_DAMAGED,
    BY_NAME_UNKNOWN,
    BY_SPLIT,
    ON_ROSTER,
    OUTSIDE,
    REASON,
    Roster,
    check_codes,
    code_key,
    ends_with_any,
    explain_unmatched,
    is_identity,
    match,
    name_key,
)
from muheng.intake.layout import Layout, Meter, Repeat, Sheet, Subject
from muheng.intake.sheet import SKIP, Flaw, TypedSheet
from muheng.standards.credit_code import check_credit_code
from muheng.standards.rounding import format_scaled

SHEET = "表"
GIVEN_CODE = "原信用代码"
GIVEN_NAME = "原企业名称"
OUT_OF_TERM = str(say("租期不在本年度"))

# Looking for like names is for a person who mends a few rows, not for a wrong file.
_SUGGESTED_ROWS = 300


@dataclass
class Batch:
    """All sheets of one kind. `flaws` has a list for each sheet and grows while the batch is worked on.

    `withheld` are the codes of enterprises whose figures here cannot be complete.
    """

    layout: Layout
    kind: str
    sheets: list[TypedSheet]
    flaws: list[list[Flaw]] = field(init=False)
    withheld: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.flaws = [list(sheet.flaws) for sheet in self.sheets]

    @property
    def declared(self) -> Sheet:
        return self.layout.sheet[self.kind]

    def rows(self) -> pl.DataFrame:
        """The rows of all sheets: 表 (position of the sheet), 行, then the declared columns found."""
        return pl.concat(
            [
                sheet.frame.select(pl.lit(at, pl.UInt32).alias(SHEET), pl.all())
                for at, sheet in enumerate(self.sheets)
            ],
            how="diagonal",
        )

    def note(
        self,
        at: int,
        row: int,
        column: str | None,
        what: Message,
        fix: Message | None,
        *,
        error: bool,
        found: str = "",
    ) -> None:
        """Add a flaw to a row of the sheet at position `at`."""
        place = self.sheets[at].header.columns.get(column) if column is not None else None
        letters = None if place is None else place.letters
        self.flaws[at].append(Flaw("error" if error else "warning", row, column, letters, found, what, fix))

    def bad_rows(self) -> pl.DataFrame:
        """表 and 行 of every row with an error."""
        pairs = {
            (at, flaw.row)
            for at, flaws in enumerate(self.flaws)
            for flaw in flaws
            if flaw.severity == "error" and flaw.row is not None
        }
        return pl.DataFrame(sorted(pairs), {SHEET: pl.UInt32, ROW: pl.UInt32}, orient="row")


@dataclass(frozen=True)
class Gain:
    """An item and the column of the claims that gives it; `cited` is the declared column to point at."""

    item: Item
    column: str
    cited: str
    repeat: Repeat | None
    by: str | None = None


@dataclass(frozen=True)
class Claims:
    """`frame`: 表, 行, 统一社会信用代码 (null: unmatched), 依据, 原信用代码, 原企业名称, declared columns."""

    role: str
    frame: pl.DataFrame
    gains: tuple[Gain, ...]


def claim_roster(batch: Batch, *, any_code: bool) -> Claims:
    """Each row names itself. With `any_code`, any text is an identity (researchers' and test tables)."""
    rows, party = batch.rows(), _party(batch)
    codes = _column(rows, party.code)
    keys = rows.select(code_key(pl.lit(codes)).alias(CODE)).to_series()
    suspects = (~check_codes(keys)).arg_true() if not any_code else keys.is_null().arg_true()
    refused = []
    for at in suspects:
        sheet, row = rows[SHEET][at], rows[ROW][at]
        code = codes[at]
        usable = code is not None and (any_code or is_identity(keys[at]))
        if not usable:
            refused.append(at)
        problem = check_credit_code(code or "").problem or say("没有填统一社会信用代码。")
        fix = say("名单里的信用代码是认企业的依据，请核对。")
        batch.note(sheet, row, party.code, problem, fix, error=not usable, found=code or "")
    if refused:
        keys = keys.scatter(refused, [None] * len(refused))
    frame = rows.with_columns(
        keys.alias(CODE),
        pl.when(keys.is_not_null()).then(pl.lit(ON_ROSTER)).alias(REASON),
        codes.alias(GIVEN_CODE),
        _column(rows, party.name).alias(GIVEN_NAME),
    )
    return Claims("", frame, _ordinary_gains(batch))


def claim_ordinary(batch: Batch, roster: Roster) -> Claims:
    """Rows that each speak of one enterprise; those that fit none are errors."""
    frame = _match_party(batch, batch.rows(), _party(batch), roster, strict=True)
    return Claims("", frame, _ordinary_gains(batch))


def claim_contracts(batch: Batch, roster: Roster, known: pl.DataFrame, year: int) -> list[Claims]:
    """Rows that speak of two enterprises. `known` has the roster's items, for counts such as 出租规下户数."""
    rows = _drop_out_of_term(batch, batch.rows(), year)
    subjects = batch.declared.subjects
    matched = {
        role: _match_party(batch, rows, subject, roster, strict=False) for role, subject in subjects.items()
    }
    for frame in list(matched.values())[1:]:
        same = rows.filter(frame.get_column(CODE) == next(iter(matched.values())).get_column(CODE))
        for sheet, row in same.select(SHEET, ROW).iter_rows():
            batch.note(sheet, row, None, say("各方是同一家企业。"), say("请核对名称和信用代码。"), error=True)
    claims = []
    items = batch.declared.items()
    for role, subject in subjects.items():
        frame = matched[role]
        gains = [Gain(items[item], column, column, "相加") for item, column in subject.gives.items()]
        for item, count in subject.counts.items():
            other = matched[count.of]
            counted = _first_of_each(frame, other)
            if count.when is not None and count.when not in known.columns:
                what = say("名单里没有“{known}”，“{item}”没有算。", known=count.when, item=item)
                batch.flaws[0].append(Flaw("warning", None, None, None, "", what))
                continue
            if count.when is not None:
                codes = known.filter(pl.col(count.when) == count.is_).get_column(CODE)
                counted = counted & other.get_column(CODE).is_in(codes.implode())
            frame = frame.with_columns(counted.cast(pl.Int64).alias(item))
            party = subjects[count.of]
            gains.append(Gain(items[item], item, party.name or party.code or "", "相加"))
        claims.append(Claims(role, frame, tuple(gains)))
    return claims


def claim_shares_alone(splits: Batch, roster: Roster) -> Claims:
    """A split sheet whose meters nobody sent: every row is told of."""
    shares = _read_shares(splits, roster)
    _note_strangers(splits, shares, set())
    return Claims("", shares.frame, ())


def claim_meters(
    batch: Batch, meter: Meter, splits: Batch | None, roster: Roster
) -> tuple[Claims, Claims | None]:
    """Rows of meters; a shared meter's figures go to its users by their shares, exactly, to the last digit.

    The second claims, where there is a split sheet, only say whom its rows were matched to.
    """
    rows = batch.rows()
    shares = None if splits is None else _read_shares(splits, roster)
    numbers = _column(rows, meter.number)
    kinds = _column(rows, meter.kind)
    shared = kinds.is_in(list(meter.shared)).fill_null(False)
    if splits is not None and shares is not None:
        shared = shared | numbers.is_in(list({*shares.parts, *shares.invalid})).fill_null(False)
        metered = set(numbers.drop_nulls())
        _note_strangers(splits, shares, metered)
        for number, users in shares.invalid.items():
            if number in metered:
                batch.withheld |= users
    valid = numbers.is_in(list(shares.parts if shares is not None else ())).fill_null(False)
    for at in (shared & ~valid).arg_true():
        batch.note(
            rows[SHEET][at],
            rows[ROW][at],
            meter.number,
            say("户号 {number} 是公用电表，没有可用的分摊。", number=numbers[at] or ""),
            say("请在“{sheet}”表里补上各使用企业的比例，合计 100%。", sheet=meter.split),
            error=True,
            found=numbers[at] or "",
        )
    own = _match_party(batch, rows.filter(~(shared & valid)), _party(batch), roster, strict=True)
    frame = own
    if shares is not None and (shared & valid).any():
        divided = _divide(batch, rows.filter(shared & valid), meter, shares)
        frame = pl.concat([own, divided], how="diagonal_relaxed")
    return Claims("", frame, _ordinary_gains(batch)), None if shares is None else Claims("", shares.frame, ())


@dataclass(frozen=True)
class _Shares:
    """`parts`: meter number → (user's code or null, scaled part) of each user; `invalid`: numbers refused."""

    frame: pl.DataFrame
    parts: dict[str, list[tuple[str | None, int]]]
    invalid: dict[str, set[str]]


def _read_shares(splits: Batch, roster: Roster) -> _Shares:
    declared = splits.declared
    assert declared.share is not None
    rows = splits.rows()
    frame = _match_party(splits, rows, _party(splits), roster, strict=False)
    number, part = declared.share.number, declared.share.part
    column = declared.columns[part]
    whole = 100 * 10**column.scale
    bad = set(splits.bad_rows().iter_rows())
    groups: dict[str, list[tuple[int, int, str | None, int | None]]] = defaultdict(list)
    for sheet, row, key, code, share in frame.select(SHEET, ROW, number, CODE, part).iter_rows():
        if key is None:
            splits.note(sheet, row, number, say("没有填户号。"), say("请补填。"), error=True)
        else:
            groups[key].append((sheet, row, code, share))
    parts: dict[str, list[tuple[str | None, int]]] = {}
    invalid: dict[str, set[str]] = {}
    for key, users in groups.items():
        given = [share for *_, share in users if share is not None]
        # 40% typed into a percent cell is stored as 0.4, so parts of one are parts of a hundred.
        complete = len(given) == len(users) and sum(given) in (whole, whole // 100)
        if complete and not any((sheet, row) in bad for sheet, row, *_ in users):
            parts[key] = [(code, share or 0) for _, _, code, share in users]
            continue
        invalid[key] = {code for _, _, code, _ in users if code is not None}
        for sheet, row, _, _ in users:
            if (sheet, row) not in bad:
                splits.note(
                    sheet,
                    row,
                    part,
                    say(
                        "户号 {number} 的分摊比例合计 {total}%，应为 100%。",
                        number=key,
                        total=format_scaled(sum(given), column.scale),
                    ),
                    say("请改正比例；改正之前这只电表的电量不计入任何企业。"),
                    error=True,
                )
    return _Shares(frame, parts, invalid)


def _note_strangers(splits: Batch, shares: _Shares, metered: set[str]) -> None:
    assert splits.declared.share is not None
    number = splits.declared.share.number
    for sheet, row, key in shares.frame.select(SHEET, ROW, number).iter_rows():
        if key is not None and key not in metered:
            splits.note(
                sheet,
                row,
                number,
                say("户号 {number} 不在用电表里，分摊没有用上。", number=key),
                say("请核对户号。"),
                error=True,
                found=key,
            )


def _divide(batch: Batch, rows: pl.DataFrame, meter: Meter, shares: _Shares) -> pl.DataFrame:
    amounts = [
        gain.column
        for gain in _ordinary_gains(batch)
        if gain.repeat == "相加" and gain.column in rows.columns
    ]
    divided: list[dict[str, object]] = []
    for row in rows.iter_rows(named=True):
        users = shares.parts[row[meter.number]]
        split = {name: _split_exactly(row[name], [part for _, part in users]) for name in amounts}
        party = _party(batch)
        for at, (code, _) in enumerate(users):
            divided.append(
                {
                    **row,
                    **{name: values[at] for name, values in split.items()},
                    CODE: code,
                    REASON: BY_SPLIT,
                    GIVEN_CODE: row.get(party.code or ""),
                    GIVEN_NAME: row.get(party.name or ""),
                }
            )
    added = dict.fromkeys((CODE, REASON, GIVEN_CODE, GIVEN_NAME), pl.String())
    return pl.DataFrame(divided, {**rows.schema, **added})


def _split_exactly(amount: int | None, parts: list[int]) -> list[int | None]:
    """Shares of `amount` that add up to it: the largest remainders take what rounding down leaves."""
    if amount is None:
        return [None] * len(parts)
    whole = sum(parts)
    shares = [divmod(amount * part, whole) for part in parts]
    left = amount - sum(share for share, _ in shares)
    order = sorted(range(len(parts)), key=lambda at: (-shares[at][1], at))
    return [share + (at in order[:left]) for at, (share, _) in enumerate(shares)]


def _party(batch: Batch) -> Subject:
    return next(iter(batch.declared.parties().values()))


def _column(rows: pl.DataFrame, name: str | None) -> pl.Series:
    """A text column, or blanks when the sheet has none."""
    if name is not None and name in rows.columns:
        return rows.get_column(name)
    return pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)


def _ordinary_gains(batch: Batch) -> tuple[Gain, ...]:
    return tuple(
        Gain(item, name, name, column.repeat, column.by)
        for name, column in batch.declared.columns.items()
        if (item := column.describe_item()) is not None
    )


def _match_party(
    batch: Batch, rows: pl.DataFrame, party: Subject, roster: Roster, *, strict: bool
) -> pl.DataFrame:
    """Match one party of every row. Rows that fit nobody are errors when `strict`, else only told of."""
    codes, names = _column(rows, party.code), _column(rows, party.name)
    matched = match(codes, names, roster)
    frame = rows.with_columns(
        matched.get_column(CODE),
        matched.get_column(REASON),
        codes.alias(GIVEN_CODE),
        names.alias(GIVEN_NAME),
    )
    # Whichever of the two it belongs to, the other rows of that enterprise are not all of them.
    for name in ("conflict", "claimed"):
        batch.withheld |= set(matched.get_column(name).drop_nulls())
    if party.outside:
        outside = matched.get_column(CODE).is_null() & ends_with_any(names, party.outside)
        frame = frame.with_columns(
            pl.when(outside).then(pl.lit(OUTSIDE)).otherwise(pl.col(REASON)).alias(REASON)
        )
    _note_matches(batch, frame, matched, roster, party, strict=strict)
    return frame


def _note_matches(
    batch: Batch, frame: pl.DataFrame, matched: pl.DataFrame, roster: Roster, party: Subject, *, strict: bool
) -> None:
    """Tell of rows that fit nobody, two enterprises, or one by its name alone or under another name."""
    table = frame.select(SHEET, ROW, CODE, REASON, GIVEN_CODE, GIVEN_NAME).with_columns(
        matched.get_column("conflict"), matched.get_column("renamed")
    )
    told = table.filter(
        pl.col(REASON).is_null()
        | pl.col(REASON).is_in([BY_NAME_DAMAGED, BY_NAME_UNKNOWN, BY_FORMER_NAME])
        | pl.col("renamed")
    )
    roster_names = dict(
        roster.frame.filter(
            pl.col(CODE).is_in(pl.concat([told.get_column(CODE), told.get_column("conflict")]).implode())
        ).iter_rows()
    )
    suggested = 0
    for sheet, row, code, reason, given_code, given_name, conflict, _ in told.iter_rows():
        found = given_code or given_name or ""
        if conflict is not None:
            what = say("信用代码 {code} 和名称“{name}”属于两家企业。", code=given_code, name=given_name)
            fix = say("请核对后改正其中一个。")
            batch.note(sheet, row, party.code, what, fix, error=True, found=found)
        elif code is None:
            suggested += 1
            known = roster if suggested <= _SUGGESTED_ROWS else _NOBODY
            what, fix = explain_unmatched(given_code, given_name, known)
            if not strict:
                fix = say("名单外的单位不用改：只计另一方的数；是名单内企业的，请改正代码或名称。")
            batch.note(sheet, row, party.code or party.name, what, fix, error=strict, found=found)
        elif reason == BY_FORMER_NAME:
            what = say("“{name}”是“{known}”的曾用名。", name=given_name, known=roster_names[code])
            fix = say("已按曾用名认出，代码是 {code}，请核对。", code=code)
            batch.note(sheet, row, party.name, what, fix, error=False, found=given_name)
        elif reason == BY_NAME_DAMAGED:
            problem = check_credit_code(given_code).problem or say("信用代码受损。")
            what = say("{problem}已按名称“{name}”认出。", problem=problem, name=given_name)
            fix = say("应为 {code}。", code=code)
            batch.note(sheet, row, party.code, what, fix, error=False, found=found)
        elif reason == BY_NAME_UNKNOWN:
            what = say(
                "信用代码 {found} 不在名单里，已按名称“{name}”认出。", found=given_code, name=given_name
            )
            fix = say("名单里的代码是 {code}，请核对。", code=code)
            batch.note(sheet, row, party.code, what, fix, error=False, found=found)
        else:
            what = say("名称“{name}”与名单里的“{known}”不同。", name=given_name, known=roster_names[code])
            fix = say("按信用代码认定；请核对是否更名。")
            batch.note(sheet, row, party.name, what, fix, error=False, found=given_name)


_NOBODY = Roster(pl.DataFrame(schema={CODE: pl.String, NAME: pl.String}))


def _drop_out_of_term(batch: Batch, rows: pl.DataFrame, year: int) -> pl.DataFrame:
    """Leave out contracts that do not count for the year; they join the sheet's skipped rows."""
    period = batch.declared.period
    if period is None or period.start not in rows.columns or period.end not in rows.columns:
        return rows
    start, end = pl.col(period.start), pl.col(period.end)
    for sheet, row in rows.filter(start > end).select(SHEET, ROW).iter_rows():
        batch.note(sheet, row, period.end, say("租期止早于租期起。"), say("请核对租期。"), error=True)
    last = date(year, 12, 31)
    since = last if period.counted == "年末有效" else date(year, 1, 1)
    begun, running = start <= last, end >= since
    counted = (begun.fill_null(True) & running.fill_null(True)) | (start > end).fill_null(False)
    left = rows.filter(~counted)
    for at, sheet in enumerate(batch.sheets):
        out = left.filter(pl.col(SHEET) == at).select(ROW, pl.lit(OUT_OF_TERM).alias(SKIP))
        if out.height:
            batch.sheets[at] = replace(
                sheet,
                frame=sheet.frame.filter(~pl.col(ROW).is_in(out.get_column(ROW).implode())),
                skipped=pl.concat([sheet.skipped, out]),
            )
            gone = set(out.get_column(ROW))
            batch.flaws[at] = [flaw for flaw in batch.flaws[at] if flaw.row not in gone]
    return rows.filter(counted)


def _first_of_each(frame: pl.DataFrame, other: pl.DataFrame) -> pl.Series:
    """True on the first row of each different counterparty of an enterprise; a village is one too."""
    pairs = frame.select(CODE).with_columns(
        pl.coalesce(
            other.get_column(CODE),
            name_key(pl.lit(other.get_column(GIVEN_NAME))),
            other.get_column(GIVEN_CODE),
        ).alias("other")
    )
    return pairs.select(
        pl.struct(CODE, "other").is_first_distinct() & pl.col("other").is_not_null()
    ).to_series()
