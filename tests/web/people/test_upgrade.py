"""Roles of a site that was opened before there was casework, the emergency room, or monitoring."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from muheng.web.people.actions import set_role, take_roles
from muheng.web.people.models import Role

upgrade = import_module("muheng.web.people.migrations.0002_rights_of_casework")
emergency = import_module("muheng.web.people.migrations.0003_rights_of_emergency")
monitoring = import_module("muheng.web.people.migrations.0004_rights_of_monitoring")
pytestmark = pytest.mark.django_db


def test_roles_that_nobody_changed_are_what_a_new_site_has() -> None:
    for code, rights in upgrade.WERE.items():
        set_role(code, code, code, rights)
    upgrade.give_rights(apps, None)
    emergency.give_rights(apps, None)
    monitoring.give_rights(apps, None)
    given = {role.code: sorted(role.rights) for role in Role.objects.all()}
    Role.objects.all().delete()
    fresh = {role.code: sorted(role.rights) for role in take_roles().values()}
    assert given == {code: fresh[code] for code in given}
    assert set(upgrade.NEW) | set(emergency.NEW) | set(monitoring.NEW) <= set(given)


def test_a_role_that_a_city_changed_stays_as_it_is() -> None:
    set_role("clerk", "经办", "Clerk", ["registry.view"])
    upgrade.give_rights(apps, None)
    assert Role.objects.get(code="clerk").rights == ["registry.view"]


def test_a_site_without_roles_gets_none() -> None:
    upgrade.give_rights(apps, None)
    assert not Role.objects.exists()
