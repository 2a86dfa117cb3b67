"""monitoring: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "muheng.web.monitoring"
    label = "monitoring"
    verbose_name = "自动监控"

    def ready(self) -> None:
        from muheng.web.monitoring import capturing, cards, cases, following, history  # noqa: F401
