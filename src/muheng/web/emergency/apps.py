"""emergency: the app's name, its card and events on an enterprise's page, its background work."""

from __future__ import annotations

from django.apps import AppConfig


class EmergencyConfig(AppConfig):
    name = "muheng.web.emergency"
    label = "emergency"
    verbose_name = "应急减排"

    def ready(self) -> None:
        from muheng.web.emergency import cards, events, rounds  # noqa: F401
