"""The small town on disk, evaluated once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_town import POLICY, YEAR, Outcome, muheng, town_rows, write_csv


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a space and Chinese in its name: 规则.toml, 小镇.csv, 上年.csv. Not to be written to."""
    folder = tmp_path_factory.mktemp("小镇 资料")
    (folder / "规则.toml").write_text(POLICY, encoding="utf-8")
    write_csv(folder / "小镇.csv", town_rows())
    write_csv(folder / "上年.csv", town_rows(YEAR - 1))
    return folder


@pytest.fixture(scope="session")
def evaluated(town: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """The output folder, not to be changed, and what evaluate said in JSON."""
    out = tmp_path_factory.mktemp("结果") / "小镇 2025"
    outcome = muheng(
        "evaluate", town / "规则.toml", "--data", town / "小镇.csv", "--year", YEAR, "--out", out, "--quiet", "--json"
    )  # fmt: skip
    assert outcome.code == 0, outcome.err + outcome.out
    return out, outcome


@pytest.fixture(scope="session")
def bundle(evaluated: tuple[Path, Outcome]) -> Path:
    return evaluated[0] / "bundle.zip"
