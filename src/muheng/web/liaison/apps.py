"""liaison: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class LiaisonConfig(AppConfig):
    name = "muheng.web.liaison"
    label = "liaison"
    verbose_name = "结对走访"
