"""filing: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class FilingConfig(AppConfig):
    name = "muheng.web.filing"
    label = "filing"
    verbose_name = "企业填报"
