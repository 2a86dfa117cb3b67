"""What one set of facts changes in another, figure by figure. Changes nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from muheng.intake.facts import CODE, NAME, Facts, Item
from muheng.intake.overlay import unite_items

ITEM = "项目"
OLD = "原值"
NEW = "新值"
KIND = "变化"
ADDED, CHANGED, SAME, REMOVED = "新增", "改变", "相同", "去掉"


@dataclass(frozen=True)
class FactsChange:
    """`counts`: 项目, 新增, 改变, 相同, 去掉 for every item that either side gives, in the order of items.

    `cells`: 统一社会信用代码, 企业名称, 项目, 变化, 原值, 新值 (as text, with the item's digits) for all figures
    that are not the same, or the first of each kind and item. `joined` and `gone` have 统一社会信用代码 and
    企业名称 of the enterprises that only one side has; `renamed` also 原值 and 新值.
    """

    counts: pl.DataFrame
    cells: pl.DataFrame
    joined: pl.DataFrame
    gone: pl.DataFrame
    renamed: pl.DataFrame

    @property
    def figures(self) -> dict[str, int]:
        """How many figures are 新增, 改变, 相同, 去掉."""
        kinds = (ADDED, CHANGED, SAME, REMOVED)
        return dict(zip(kinds, (int(n) for n in self.counts.select(kinds).sum().row(0)), strict=True))


def compare_facts(before: Facts | None, after: Facts | None, *, examples: int | None = None) -> FactsChange:
    """From `before` to `after` (None: nothing); with `examples`, so many cells of each item and kind.

    Raises Refusal as `overlay` does, for facts that cannot be of one year.
    """
    old, new = _frame(before), _frame(after)
    items = unite_items([facts for facts in (before, after) if facts is not None])
    codes = pl.concat([old.select(CODE), new.select(CODE)]).unique().sort(CODE)
    was = codes.join(old, on=CODE, how="left", maintain_order="left")
    now = codes.join(new, on=CODE, how="left", maintain_order="left")
    names = pl.select(pl.coalesce(now.get_column(NAME), was.get_column(NAME)).alias(NAME)).to_series()
    counts: list[tuple[str, int, int, int, int]] = []
    parts = [pl.DataFrame(schema=_CELLS)]
    for name, item in items.items():
        left, right = _column(was, name, item), _column(now, name, item)
        has, gets = left.is_not_null(), right.is_not_null()
        differs = has & gets & (left != right).fill_null(False)
        marks = {ADDED: ~has & gets, CHANGED: differs, REMOVED: has & ~gets}
        found = {kind: int(mark.sum()) for kind, mark in marks.items()}
        same = int((has & gets).sum()) - found[CHANGED]
        if not same and not any(found.values()):
            continue
        counts.append((name, found[ADDED], found[CHANGED], same, found[REMOVED]))
        for kind, mark in marks.items():
            if not found[kind]:
                continue
            at = mark.arg_true() if examples is None else mark.arg_true().head(examples)
            parts.append(
                pl.DataFrame(
                    {
                        CODE: codes.get_column(CODE).gather(at),
                        NAME: names.gather(at),
                        ITEM: pl.repeat(name, len(at), dtype=pl.String, eager=True),
                        KIND: pl.repeat(kind, len(at), dtype=pl.String, eager=True),
                        OLD: _show(left.gather(at), item),
                        NEW: _show(right.gather(at), item),
                    },
                    _CELLS,
                )
            )
    both = now.select(CODE, pl.col(NAME).alias(NEW)).with_columns(was.get_column(NAME).alias(OLD))
    return FactsChange(
        pl.DataFrame(
            counts,
            {ITEM: pl.String, ADDED: pl.Int64, CHANGED: pl.Int64, SAME: pl.Int64, REMOVED: pl.Int64},
            orient="row",
        ),
        pl.concat(parts),
        new.select(CODE, NAME).join(old, on=CODE, how="anti").sort(CODE),
        old.select(CODE, NAME).join(new, on=CODE, how="anti").sort(CODE),
        both.filter(pl.col(OLD) != pl.col(NEW)).select(CODE, pl.col(NEW).alias(NAME), OLD, NEW),
    )


_CELLS = dict.fromkeys((CODE, NAME, ITEM, KIND, OLD, NEW), pl.String)


def _frame(facts: Facts | None) -> pl.DataFrame:
    return facts.frame if facts is not None else pl.DataFrame(schema={CODE: pl.String, NAME: pl.String})


def _column(frame: pl.DataFrame, name: str, item: Item) -> pl.Series:
    if name not in frame.columns:
        return pl.Series(name, [None], dtype=item.dtype).new_from_index(0, frame.height)
    return frame.get_column(name)


def _show(values: pl.Series, item: Item) -> pl.Series:
    if item.kind != "number" or not item.digits:
        return values.cast(pl.String)
    scale = 10**item.digits
    size = values.abs()
    return pl.select(
        pl.concat_str(
            pl.when(values < 0).then(pl.lit("-")).otherwise(pl.lit("")),
            pl.lit((size // scale).cast(pl.String)),
            pl.lit("."),
            pl.lit((size % scale).cast(pl.String)).str.zfill(item.digits),
        ).alias(values.name)
    ).to_series()
