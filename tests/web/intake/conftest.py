"""A city, and batches in it that have been read. Django is set up after this file is read: imports are inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from web.population import Population

Read = Callable[..., Any]
"""Drop files as a person, ``read(actor, *files, year=2025)``, and have the worker read them; gives the batch."""


@pytest.fixture
def city(db: None) -> Population:
    from web.population import make_city

    return make_city()


@pytest.fixture
def read() -> Read:
    from muheng.web.intake.actions import drop_workbooks
    from muheng.web.jobs.actions import run_pending

    def run(actor: Any, *files: Any, year: int = 2025) -> Any:
        batch = drop_workbooks(actor, year, files)
        run_pending()
        batch.refresh_from_db()
        return batch

    return run
