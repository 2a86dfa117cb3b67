"""matching: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class MatchingConfig(AppConfig):
    name = "muheng.web.matching"
    label = "matching"
    verbose_name = "供需对接"
