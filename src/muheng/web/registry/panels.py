"""The facts of a year: accepted layers, laid over each other in their order.

A layer is an immutable folder. Adding or removing one makes the year's panel anew, so undoing a batch gives back
exactly what was before it. Panels are read once by each process and kept while they are the newest.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from muheng.intake.facts import Facts, read_facts, write_facts
from muheng.web.files.actions import folder_path, store_folder
from muheng.web.registry.models import Layer, Panel


@lru_cache(maxsize=6)
def read_panel(folder: str) -> Facts:
    """The facts in a stored folder; what is stored never changes, so they are kept."""
    return read_facts(folder_path(folder))


def current(year: int) -> Facts | None:
    """The facts of a year as they now are; None where there are none."""
    panel = Panel.objects.filter(pk=year).first()
    return read_panel(panel.folder) if panel else None


def list_years() -> list[int]:
    """The years that have facts, the newest first."""
    return list(Panel.objects.order_by("-year").values_list("year", flat=True))


def store_facts(facts: Facts) -> str:
    """Keep facts as a folder; gives its digest."""
    return store_folder(lambda folder: write_facts(facts, folder))


def add_layer(facts: Facts, title: str, origin: str, actor: Any, folder: str = "") -> Layer:
    """Lay facts over those of their year. ``folder``: where they are stored already. In the caller's transaction."""
    _hold_year(facts.year)
    layer = Layer.objects.create(
        year=facts.year, title=title, origin=origin, folder=folder or store_facts(facts), added_by=actor
    )
    rebuild(facts.year)
    return layer


def remove_layer(layer: Layer) -> None:
    """Take a layer away; the year is as if it had never been. In the caller's transaction."""
    _hold_year(layer.year)
    Layer.objects.filter(pk=layer.pk).update(removed_at=timezone.now())
    rebuild(layer.year)


def preview(year: int, facts: Facts | None = None, without: Layer | None = None) -> Facts | None:
    """The year's facts as they would be with ``facts`` on top, or without a layer. Changes nothing."""
    from muheng.intake.overlay import overlay

    folders = [layer.folder for layer in _live(year) if without is None or layer.pk != without.pk]
    layers = [read_panel(folder) for folder in folders]
    if facts is not None:
        layers.append(facts)
    return overlay(layers) if layers else None


def rebuild(year: int) -> None:
    """Make the year's panel from its live layers."""
    facts = preview(year)
    if facts is None:
        Panel.objects.filter(pk=year).delete()
        return
    Panel.objects.update_or_create(
        pk=year, defaults={"folder": store_facts(facts), "enterprises": facts.frame.height}
    )


def _live(year: int) -> list[Layer]:
    return list(Layer.objects.filter(year=year, removed_at=None).order_by("pk"))


def _hold_year(year: int) -> None:
    """Two who change the same year follow each other. SQLite's writers do so by themselves."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a year's facts change in the transaction of the deed")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [0x6D68, year])
