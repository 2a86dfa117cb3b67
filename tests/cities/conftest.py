"""The demo city, made once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from muheng.cities.demo import DemoCity, make_demo, write_demo
from muheng.cities.pack import Pack, load_pack

SEED, YEAR = 7, 2025


@pytest.fixture(scope="session")
def maanshan() -> Pack:
    pack, found = load_pack("maanshan")
    assert pack is not None, found
    return pack


@pytest.fixture(scope="session")
def city(maanshan: Pack) -> DemoCity:
    return make_demo(maanshan, SEED, YEAR)


@pytest.fixture(scope="session")
def files(city: DemoCity, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_demo(city, tmp_path_factory.mktemp("demo"))
