"""audit: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "muheng.web.audit"
    label = "audit"
    verbose_name = "操作留痕"
