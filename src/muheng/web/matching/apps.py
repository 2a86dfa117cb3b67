"""matching: the app's name, its events for the timeline, its card on the enterprise's page, its way from a demand."""

from __future__ import annotations

from django.apps import AppConfig


class MatchingConfig(AppConfig):
    name = "muheng.web.matching"
    label = "matching"
    verbose_name = "供需对接"

    def ready(self) -> None:
        from muheng.web.matching import events, ways  # noqa: F401
