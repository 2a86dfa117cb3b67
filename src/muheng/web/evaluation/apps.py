"""evaluation: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "muheng.web.evaluation"
    label = "evaluation"
    verbose_name = "评价"
