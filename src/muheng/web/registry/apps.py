"""registry: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "muheng.web.registry"
    label = "registry"
    verbose_name = "一企一档"
