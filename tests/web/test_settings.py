"""The settings of a city's server leave nothing open, and a laptop's keep their secret to themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.utils import translation


def manage(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MUHENG_", "DJANGO_"))}
    return subprocess.run(
        [sys.executable, "-m", "muheng.web.manage", *arguments],
        env={**own, "MUHENG_HOME": str(home), **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )


PROD = {
    "DJANGO_SETTINGS_MODULE": "muheng.web.settings.prod",
    "MUHENG_SECRET": "0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "MUHENG_HOSTS": "muheng.example.gov.cn",
}


def test_a_citys_server_passes_djangos_own_inspection(tmp_path: Path) -> None:
    told = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **PROD)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("name", ["MUHENG_SECRET", "MUHENG_HOSTS"])
def test_a_citys_server_does_not_start_half_told(tmp_path: Path, name: str) -> None:
    told = manage(tmp_path, "check", **{**PROD, name: ""})
    assert told.returncode == 1
    assert name in told.stderr


def test_models_and_migrations_agree() -> None:
    """With what makes migrations; its command would start a site, and look into a database, for the same."""
    with translation.override(None):  # migrations hold the texts as they are written
        written = MigrationLoader(None)
        now = ProjectState.from_apps(apps)
        changes = MigrationAutodetector(written.project_state(), now).changes(written.graph)
    assert {app: [each.operations for each in made] for app, made in changes.items()} == {}
