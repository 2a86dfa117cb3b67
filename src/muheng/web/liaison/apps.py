"""liaison: the app's name, its events for the timeline, and its card on the enterprise's page."""

from __future__ import annotations

from django.apps import AppConfig


class LiaisonConfig(AppConfig):
    name = "muheng.web.liaison"
    label = "liaison"
    verbose_name = "结对走访"

    def ready(self) -> None:
        from muheng.web.liaison import cards, events  # noqa: F401
