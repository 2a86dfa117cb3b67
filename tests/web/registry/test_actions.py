from __future__ import annotations

import pytest

from web.population import make_city

pytestmark = pytest.mark.django_db


def test_population() -> None:
    city = make_city()
    assert len(city.enterprises) == 12
