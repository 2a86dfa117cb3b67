"""filing: the app's name, its events for the timeline, and its card on the enterprise's page."""

from __future__ import annotations

from django.apps import AppConfig


class FilingConfig(AppConfig):
    name = "muheng.web.filing"
    label = "filing"
    verbose_name = "企业填报"

    def ready(self) -> None:
        from muheng.web.filing import events, sums  # noqa: F401
