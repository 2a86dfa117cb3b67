"""Everything about the site, on one database after the other."""

from __future__ import annotations

from collections.abc import Iterator

from bench.site.deeds import measure_deeds
from bench.site.load import SECONDS
from bench.site.pages import measure_pages
from bench.site.row import Row
from bench.site.slider import measure_slider
from bench.site.stage import DATABASES, keep_to_cores, stage

COUNT = 100_000


def run(
    count: int = COUNT, seconds: float = SECONDS, databases: tuple[str, ...] = DATABASES
) -> Iterator[Row]:
    """``seconds`` for each kind of page. Rows come as they are measured."""
    keep_to_cores()
    for database in databases:
        with stage(database, count) as on:
            yield from measure_pages(on, count, seconds)
            yield from measure_slider(on)
            yield from measure_deeds(on, count)
