"""A reading that is watched: told often, in order, and stopped by whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import xlsxwriter

from muheng.documents.message import Message
from muheng.intake.layout import Layout
from muheng.intake.workbooks import read_workbooks, recognise_workbooks

from .conftest import make_code, make_name, roster_rows

ROWS = 20_000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A roster, a large workbook and a large text."""
    folder = tmp_path_factory.mktemp("large")
    roster, tax, water = folder / "经信局.xlsx", folder / "税务局.xlsx", folder / "水务.csv"
    with xlsxwriter.Workbook(str(roster)) as book:
        sheet = book.add_worksheet("名单")
        for at, row in enumerate(roster_rows(50)):
            sheet.write_row(at, 0, row)
    with xlsxwriter.Workbook(str(tax)) as book:
        sheet = book.add_worksheet("税收")
        sheet.write_row(0, 0, ["信用代码", "企业名称", "入库税收", "增值税", "企业所得税", "房产税"])
        for number in range(ROWS):
            known = number % 50
            sheet.write_row(number + 1, 0, [make_code(known), make_name(known), number, 1, number, 3])
    lines = (f"{make_code(n % 50)},{make_name(n % 50)},{n}" for n in range(ROWS))
    water.write_text("\n".join(["信用代码,企业名称,用水量", *lines]), "utf-8")
    return [roster, tax, water]


def test_it_is_told_often_and_in_order(files: list[Path], layouts: list[Layout]) -> None:
    told: list[tuple[str, int, int]] = []
    read_workbooks(files, layouts, 2022, progress=lambda what, done, of: told.append((str(what), done, of)))
    done = [each for _, each, _ in told]
    assert done == sorted(done)
    assert done[0] == 0
    assert (done[-1], told[-1][2]) == (1000, 1000)
    words = [what for what, *_ in told]
    assert words.count("检查 税务局.xlsx") >= 5
    assert words.count("读取 水务.csv") >= 4
    assert max(after - before for before, after in pairwise(done)) < 400


class Enough(RuntimeError):
    """Of a kind that the reader takes for a damaged file when it comes from elsewhere."""


@pytest.mark.parametrize("raised", [Enough, KeyError, KeyboardInterrupt])
@pytest.mark.parametrize("read", [read_workbooks, recognise_workbooks])
def test_what_the_watcher_raises_ends_it_wherever_it_is(
    files: list[Path], layouts: list[Layout], read: Callable[..., object], raised: type[BaseException]
) -> None:
    calls = 0

    def count(what: Message, done: int, of: int) -> None:
        nonlocal calls
        calls += 1

    read(files, layouts, 2022, progress=count)
    whole = calls
    for stop in {1, 2, whole // 4, whole // 2, whole - 1, whole}:
        calls = 0

        def stop_there(what: Message, done: int, of: int, stop: int = stop) -> None:
            nonlocal calls
            calls += 1
            if calls == stop:
                raise raised("enough")

        with pytest.raises(raised, match="enough"):
            read(files, layouts, 2022, progress=stop_there)
        assert calls == stop
