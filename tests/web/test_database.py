"""The database under test is the one that was asked for, and behaves as it will in use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction


@pytest.fixture
def asked(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("database"))


@pytest.mark.django_db
def test_it_is_the_one_that_was_asked_for(asked: str) -> None:
    assert connection.vendor == asked


@pytest.mark.django_db(transaction=True)
def test_it_is_nobody_elses(asked: str) -> None:
    home = os.environ["MUHENG_HOME"]
    if asked == "sqlite":
        assert Path(connection.settings_dict["NAME"]).is_relative_to(home)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)
    else:
        assert Path(connection.settings_dict["HOST"]).name.startswith("muheng-pg-")


@pytest.mark.django_db(transaction=True)
def test_writers_wait_from_their_first_statement_on(asked: str) -> None:
    if asked == "sqlite":
        with transaction.atomic():
            assert connection.connection.in_transaction


def test_files_go_where_they_are_removed_afterwards() -> None:
    assert Path(settings.MEDIA_ROOT).is_relative_to(os.environ["MUHENG_HOME"])
    assert Path(os.environ["MUHENG_HOME"]).name != "var"
