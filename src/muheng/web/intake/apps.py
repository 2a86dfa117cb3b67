"""intake: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "muheng.web.intake"
    label = "intake"
    verbose_name = "数据归集"
