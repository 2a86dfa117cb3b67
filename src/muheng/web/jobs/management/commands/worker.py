"""``worker``: do background work until told to stop."""

from __future__ import annotations

import signal
from threading import Event
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from muheng.web.jobs.actions import ask_due_rounds, run_next

_PAUSE = 0.5  # seconds
_LOOK_EVERY = 5.0  # seconds between two looks for work that comes round


class Command(BaseCommand):
    """Runs jobs one at a time; a signal ends it after the job in hand."""

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        looked = -_LOOK_EVERY
        while not stop.is_set():
            close_old_connections()
            if monotonic() - looked >= _LOOK_EVERY:
                looked = monotonic()
                ask_due_rounds()
            if run_next() is None:
                stop.wait(_PAUSE)
