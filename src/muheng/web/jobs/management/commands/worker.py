"""``worker``: do background work until told to stop."""

from __future__ import annotations

import logging
import signal
from threading import Event
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections, connection

from muheng.web.jobs.actions import LANES, Lane, ask_due_rounds, run_next

_PAUSE = 0.5  # seconds
_LOOK_EVERY = 5.0  # seconds between two looks for work that comes round


_log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Runs jobs one at a time; a signal ends it after the job in hand. Without a lane it takes the work of all."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--lane", choices=LANES)

    def handle(self, *args: Any, lane: Lane | None = None, **options: Any) -> None:
        stop = Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        looked = -_LOOK_EVERY
        while not stop.is_set():
            close_old_connections()
            try:
                if monotonic() - looked >= _LOOK_EVERY:
                    looked = monotonic()
                    ask_due_rounds()
                idle = run_next(lane) is None
            except OperationalError:
                # Another worker writes for longer than one waits, or the database is away for a moment.
                _log.warning("the database does not answer", exc_info=True)
                connection.close()
                idle = True
            if idle:
                stop.wait(_PAUSE)
