"""casework: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class CaseworkConfig(AppConfig):
    name = "muheng.web.casework"
    label = "casework"
    verbose_name = "事项"
