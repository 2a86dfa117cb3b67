"""The site under test: its settings, and its English compiled. Database and home are chosen in tests/conftest.py.

Tests ask for the database with pytest-django's ``db``; which one it is, ``--database`` says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from muheng.web.languages import compile_languages


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput"):
        return  # this process runs no test; what it set here, its workers would take over too early
    if settings.configured:
        pytest.exit("Unset DJANGO_SETTINGS_MODULE: the suite has settings of its own.", returncode=1)
    compile_languages()
    Path(os.environ["MUHENG_HOME"]).mkdir(exist_ok=True)
    os.environ["DJANGO_SETTINGS_MODULE"] = "muheng.web.settings.test"
    django.setup()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what asks for a database: the rest would do the same again as on SQLite."""
    if config.getoption("database") == "sqlite":
        return
    asking = [item for item in items if _asks_for_a_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if not _asks_for_a_database(item)])
    items[:] = asking


def _asks_for_a_database(item: pytest.Item) -> bool:
    asked = {"db", "transactional_db", "django_db_setup", "database"}
    return item.get_closest_marker("django_db") is not None or not asked.isdisjoint(
        getattr(item, "fixturenames", ())
    )


@pytest.fixture(scope="session", autouse=True)
def no_unasked_database(django_db_blocker: DjangoDbBlocker) -> None:
    """A test that did not ask for the database fails when it touches one."""
    django_db_blocker.block()


@pytest.fixture(scope="session", autouse=True)
def emptied_histories() -> Iterator[None]:
    """Tests that commit empty every table afterwards; SQLite does that by removing rows, which histories refuse."""
    from django.test import TransactionTestCase

    from muheng.web.casework.guard import lift_guard

    empty = TransactionTestCase._fixture_teardown

    def empty_unguarded(self: TransactionTestCase) -> None:
        lift_guard()
        empty(self)  # ends as a migration does, which sets the guard again

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_unguarded)
        yield
