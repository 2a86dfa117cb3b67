"""emergency: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class EmergencyConfig(AppConfig):
    name = "muheng.web.emergency"
    label = "emergency"
    verbose_name = "应急减排"
