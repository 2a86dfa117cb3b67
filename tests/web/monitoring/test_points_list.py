"""``points.csv`` beside the allow-list: what points are called, and the limits of today."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from muheng.monitoring.store.points import FILE, read_points
from web.monitoring.works import NOX, Works


def test_limits_that_change_are_in_it(
    works: Works,
    tmp_path: Path,
    settings: object,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]],
) -> None:
    from django.utils import timezone

    from muheng.web.monitoring.actions.points import change_limits

    settings.HOME = tmp_path  # type: ignore[attr-defined]
    with django_capture_on_commit_callbacks(execute=True):
        change_limits(None, works.stack, [{"factor": NOX, "most": "45.5"}], timezone.localdate())
    held = read_points(tmp_path / "monitoring" / FILE)[str(works.stack.pk)]
    assert (NOX, 45.5, None) in held.limits
    assert works.stack.name in held.name
    assert held.reference_oxygen == float(works.stack.reference_oxygen or 0)
