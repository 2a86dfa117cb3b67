"""emergency: the app's name, its events for the timeline, its background work."""

from __future__ import annotations

from django.apps import AppConfig


class EmergencyConfig(AppConfig):
    name = "muheng.web.emergency"
    label = "emergency"
    verbose_name = "应急减排"

    def ready(self) -> None:
        from muheng.web.emergency import events, rounds  # noqa: F401
