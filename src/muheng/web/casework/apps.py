"""casework: the app's name, and the guard of its history."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CaseworkConfig(AppConfig):
    name = "muheng.web.casework"
    label = "casework"
    verbose_name = "事项"

    def ready(self) -> None:
        from muheng.web.casework import cards, events  # noqa: F401  register with the enterprise's page
        from muheng.web.casework.guard import set_guard

        post_migrate.connect(set_guard, sender=self, dispatch_uid="casework.guard")
