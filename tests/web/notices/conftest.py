"""The city of the tests, for notices. Django is set up after this file is read: imports are inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from web.population import Population


@pytest.fixture
def city(db: None) -> Population:
    from web.population import make_city

    return make_city()
