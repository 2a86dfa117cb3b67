"""The site under test: its settings, and its English compiled. Database and home are chosen in tests/conftest.py.

Tests ask for the database with pytest-django's ``db``; which one it is, ``--database`` says.
"""

from __future__ import annotations

import os

import django
import pytest
from pytest_django import DjangoDbBlocker

from muheng.web.languages import compile_languages

compile_languages()
os.environ["DJANGO_SETTINGS_MODULE"] = "muheng.web.settings.test"
django.setup()


@pytest.fixture(scope="session", autouse=True)
def no_unasked_database(django_db_blocker: DjangoDbBlocker) -> None:
    """A test that did not ask for the database fails when it touches one."""
    django_db_blocker.block()
