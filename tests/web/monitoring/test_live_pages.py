"""The pages of what is seen live open, for whom they are."""

from __future__ import annotations

import pytest
from django.test import Client

from web.monitoring.works import Works

PATHS = (
    "",
    "map/",
    "map.json",
    "capture/",
    "capture.xlsx",
    "devices/",
    "devices/unwatched/",
    "devices/import/",
    "devices/import/template.xlsx",
    "devices/quarantine/",
)


def test_every_page_opens(works: Works, client: Client) -> None:
    client.force_login(works.officer)
    for path in PATHS:
        assert client.get(f"/monitoring/{path}").status_code == 200, path
    for point in works.points:
        for path in ("", "edit/", "series.json", "values.csv"):
            assert client.get(f"/monitoring/points/{point.pk}/{path}").status_code == 200, path


def test_a_watched_outlet_is_not_taken_out_of_the_registry(works: Works) -> None:
    from muheng.web.refusal import Refused
    from muheng.web.registry.actions import remove_row

    with pytest.raises(Refused, match="在别处用着"):
        remove_row(works.people.chief, works.stack.outlet)
