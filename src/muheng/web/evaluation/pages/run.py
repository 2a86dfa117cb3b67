"""What every page about one run has: its head, its tabs, and the run in the reader's sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from muheng.web.evaluation.queries.results import SeenRun
from muheng.web.request import Request


@dataclass(frozen=True)
class Tab:
    """A page about a run, by the name of its address."""

    name: str
    title: Any


TABS = (
    Tab("run", _("总览")),
    Tab("run-table", _("结果表")),
    Tab("run-cuts", _("分界与并列")),
    Tab("run-moves", _("谁变了")),
    Tab("run-groups", _("按行业和区域")),
    Tab("run-map", _("地图")),
    Tab("run-policy", _("条文与效果")),
    Tab("simulation", _("调一调")),
)


def show(request: Request, seen: SeenRun, tab: str, template: str, **context: Any) -> HttpResponse:
    """A page about a run."""
    place = (seen.run.evaluation_id, seen.run.number)
    tabs = [(each.title, reverse(f"evaluation:{each.name}", args=place), each.name == tab) for each in TABS]
    given = {"run": seen.run, "evaluation": seen.run.evaluation, "seen": seen, "tabs": tabs, "tab": tab}
    return render(request, template, {**given, **context})


def read_line(text: str, most: int) -> str:
    """What a person typed into one line: no breaks, no signs that cannot be seen."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:most]
