"""What the tests of results share: one city with a run for each module; what a test changes is undone after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_django import DjangoDbBlocker

if TYPE_CHECKING:
    from web.evaluation.results_city import Results


@pytest.fixture(scope="module")
def results(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Results]:
    """Within it each test has a savepoint of its own."""
    from django.db import transaction

    from muheng.web.evaluation import simulations
    from web.evaluation.results_city import make_results

    with django_db_blocker.unblock(), transaction.atomic():
        yield make_results()
        transaction.set_rollback(True)
    simulations._ready.clear()
    simulations._locks.clear()
