"""The settings of the site's city: its own emergency.toml, the common ones where it has none. Read once by a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings as site
from django.utils.translation import gettext as _

from muheng.cities.pack import load_pack
from muheng.documents.diagnostic import Diagnostic
from muheng.emergency import norms as norm_tables
from muheng.emergency.settings import COMMON, FILE, Settings, read_settings
from muheng.web.reading import language
from muheng.web.refusal import Refused


def _folder() -> Path | None:
    pack, _found = load_pack(site.CITY)
    return pack.folder if pack is not None else None


@lru_cache(maxsize=1)
def settings_text() -> str:
    """The text that a plan starts from."""
    folder = _folder()
    own = folder / FILE if folder is not None else None
    return (own if own is not None and own.is_file() else COMMON).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def city_settings() -> Settings:
    settings, found = read_settings(settings_text())
    if settings is None:
        raise Refused(_("本市的应急减排设置有错误，不能使用。"), say_found(found))
    return settings


def norms_text() -> str:
    """The city's table of least measures."""
    folder = _folder()
    own = folder / norm_tables.FILE if folder is not None else None
    return (own if own is not None and own.is_file() else norm_tables.COMMON).read_text(encoding="utf-8")


def say_found(found: list[Diagnostic]) -> str:
    """Mistakes of a text in one sentence each, with their lines."""
    lang = language()
    parts = []
    for each in found:
        line = _("第 %(line)s 行：") % {"line": each.line} if each.line else ""
        fix = f"（{each.fix.render(lang)}）" if each.fix is not None else ""
        parts.append(f"{line}{each.what.render(lang)}{fix}")
    return "；".join(parts)
