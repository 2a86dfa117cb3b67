"""evaluation: the app's name, and the guard of what is signed."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class EvaluationConfig(AppConfig):
    name = "muheng.web.evaluation"
    label = "evaluation"
    verbose_name = "评价"

    def ready(self) -> None:
        from muheng.web.evaluation import cards, events  # noqa: F401  register with the enterprise's page
        from muheng.web.evaluation.actions import cases  # noqa: F401  says where objections are handled
        from muheng.web.evaluation.guard import set_guard

        post_migrate.connect(set_guard, sender=self, dispatch_uid="evaluation.guard")
