"""``points.csv``, written and read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.monitoring.store.points import COLUMNS, FILE, StoredPoint, read_points, write_points

NUMBERS = st.none() | st.decimals(0, 1000, places=3).map(float)
POINTS = st.lists(
    st.builds(
        StoredPoint,
        st.integers(1, 99999).map(str),
        st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20),
        st.sampled_from(("stack", "water")),
        NUMBERS,
        st.lists(st.tuples(st.sampled_from(("a21026", "w01001")), NUMBERS, NUMBERS), max_size=3).map(tuple),
    ),
    unique_by=lambda point: point.id,
    max_size=6,
)


@given(POINTS)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, points: list[StoredPoint]) -> None:
    path = tmp_path_factory.mktemp("store") / FILE
    write_points(path, points)
    assert read_points(path) == {point.id: point for point in points}


def test_a_store_without_it_has_none(tmp_path: Path) -> None:
    assert read_points(tmp_path / FILE) == {}


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(",".join(reversed(COLUMNS)) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=FILE):
        read_points(tmp_path / FILE)
