"""files: the app's name."""

from __future__ import annotations

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "muheng.web.files"
    label = "files"
    verbose_name = "文件"
