"""people: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "muheng.web.people"
    label = "people"
    verbose_name = "人员与机构"
