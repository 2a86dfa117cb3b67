"""monitoring: the app's name."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MonitoringConfig(AppConfig):
    name = "muheng.web.monitoring"
    label = "monitoring"
    verbose_name = "自动监控"

    def ready(self) -> None:
        from muheng.web.monitoring import capturing, cards, cases, following, history  # noqa: F401
        from muheng.web.monitoring.settling import set_triggers

        post_migrate.connect(set_triggers, sender=self, dispatch_uid="monitoring.settling")
