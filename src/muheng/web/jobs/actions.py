"""Ask for background work, do it, and stop it.

A room names its tasks in its ``tasks.py`` with ``@task("room.verb")``; ``enqueue`` asks for one, a worker runs it.
A task is called with a ``Progress`` and the job's arguments, and gives what the job's ``result`` will hold. It
must be safe to run again: a worker may die in the middle. Work that comes round by itself says so: ``@task("room.verb",
every=timedelta(minutes=10))``; workers ask for it through ``ask_due_rounds``.

Work that people wait for may take minutes. What must be punctual meanwhile (data that come in, alerts, messages that go out) is of
a lane of its own: ``@task("room.verb", lane="watch")``. A worker takes the work of one lane, or of all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from threading import Event, Thread
from time import monotonic
from typing import Any, Literal, get_args

from django.apps import apps
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.module_loading import module_has_submodule

from muheng.documents.message import Message, Refusal
from muheng.web.jobs.models import Job, Round
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by

LOST_AFTER = timedelta(seconds=90)
BEAT_EVERY = 10.0  # seconds
MOST_ATTEMPTS = 3
_KEEP_ROUNDS = timedelta(days=1)
_QUIET = 0.3  # seconds between two writes of progress
_log = logging.getLogger(__name__)

Lane = Literal["work", "watch"]
LANES: tuple[Lane, ...] = get_args(Lane)
Task = Callable[..., Any]
_tasks: dict[str, Task] = {}
_watched: set[str] = set()
"""Kinds that are not of the lane ``work``."""
_rounds: dict[str, timedelta] = {}


class Cancelled(Exception):
    """The person who asked for the work asked to stop it."""


def task(kind: str, every: timedelta | None = None, lane: Lane = "work") -> Callable[[Task], Task]:
    """Names a function as the work of jobs of this kind; with ``every`` it is asked for by itself that often."""

    def name(function: Task) -> Task:
        _tasks[kind] = function
        if lane == "watch":
            _watched.add(kind)
        if every is not None:
            _rounds[kind] = every
        return function

    return name


@dataclass
class Progress:
    """How a task tells how far it is: ``progress(done, total, note)``. Raises :class:`Cancelled`."""

    job: Job
    _written: float = field(default=0.0)

    def __call__(self, done: int, total: int, note: str | Message = "") -> None:
        now = monotonic()
        if now - self._written < _QUIET and done < total:
            return
        self._written = now
        kept = Job.objects.filter(pk=self.job.pk)
        text = note.render(language()) if isinstance(note, Message) else note
        kept.update(done=done, total=total, note=text[:300], beat=timezone.now())
        if kept.values_list("cancel_asked", flat=True).get():
            raise Cancelled


def enqueue(kind: str, owner: Any, title: str, not_before: datetime | None = None, **arguments: Any) -> Job:
    """Ask for work; it starts after the transaction that asks is kept, and not before a moment that is given."""
    find_tasks()
    if kind not in _tasks:
        raise LookupError(kind)
    return Job.objects.create(
        kind=kind,
        owner=owner,
        title=title[:200],
        arguments=arguments,
        not_before=not_before,
        language=translation.get_language() or "",
    )


def ask_due_rounds() -> int:
    """Ask for the work that comes round by itself and is due; gives how much. Of several workers one asks."""
    find_tasks()
    now, asked = timezone.now(), 0
    for kind, every in _rounds.items():
        with transaction.atomic():
            held, new = Round.objects.get_or_create(kind=kind, defaults={"asked_at": now})
            # A round that takes longer than its time is not asked for twice.
            if Job.objects.filter(kind=kind, state__in=(Job.State.WAITING, Job.State.RUNNING)).exists():
                continue
            before = Round.objects.filter(pk=held.pk, asked_at__lte=now - every)
            if new or before.update(asked_at=now):
                # What came round yesterday and went well need not be kept.
                Job.objects.filter(kind=kind, state=Job.State.DONE, ended_at__lt=now - _KEEP_ROUNDS).delete()
                enqueue(kind, None, kind)
                asked += 1
    return asked


def cancel(job: Job) -> None:
    """Stop work: at once where it waits, at its next progress where it runs."""
    waiting = Job.objects.filter(pk=job.pk, state=Job.State.WAITING)
    if not waiting.update(state=Job.State.CANCELLED, ended_at=timezone.now()):
        Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(cancel_asked=True)


def run_next(lane: Lane | None = None) -> Job | None:
    """Take the oldest work of a lane, or of any, that waits or that a worker left, and do it. None where there is none."""
    find_tasks()
    job = _take(lane)
    if job is None:
        return None
    # What it says on the way is in the language of who asked for it.
    with translation.override(job.language or settings.LANGUAGE_CODE), _beating(job):
        try:
            result = _tasks[job.kind](Progress(job), **job.arguments)
        except Cancelled:
            _end(job, Job.State.CANCELLED)
        except Refused as refused:
            _end(job, Job.State.FAILED, error=refused.what, fix=refused.fix)
        except Refusal as refusal:
            said = refused_by(refusal, language())
            _end(job, Job.State.FAILED, error=said.what, fix=said.fix)
        except Exception:
            # Whatever a task stumbles over is written down, and the worker goes on with the next.
            _log.exception("job %s %s", job.pk, job.kind)
            _end(job, Job.State.FAILED, error=translation.gettext("系统出错，没有完成。"))
        else:
            _end(job, Job.State.DONE, result=result)
    return job


@contextmanager
def _beating(job: Job) -> Iterator[None]:
    """Says that the work is in hand while a long step says nothing."""
    ended = Event()

    def beat() -> None:
        while not ended.wait(BEAT_EVERY):
            try:
                Job.objects.filter(pk=job.pk).update(beat=timezone.now())
            except OperationalError:
                # SQLite's one writer is the work itself; its next pause is soon enough.
                _log.debug("job %s: no beat", job.pk)
        connection.close()

    thread = Thread(target=beat, name=f"beat-{job.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def run_pending() -> int:
    """Do all that waits; gives how many."""
    ran = 0
    while run_next() is not None:
        ran += 1
    return ran


@cache
def find_tasks() -> None:
    """Import the tasks of every room, once."""
    for room in settings.ROOMS:
        module = apps.get_app_config(room).module
        if module is not None and module_has_submodule(module, "tasks"):
            import_module(f"{module.__name__}.tasks")


def _take(lane: Lane | None = None) -> Job | None:
    now = timezone.now()
    with transaction.atomic():
        left = Job.objects.filter(state=Job.State.RUNNING, beat__lt=now - LOST_AFTER)
        left.filter(attempts__gte=MOST_ATTEMPTS).update(
            state=Job.State.FAILED, ended_at=now, error=translation.gettext("中断了几次，没有再试。")
        )
        left.update(state=Job.State.WAITING)
        waiting = Job.objects.filter(
            Q(not_before=None) | Q(not_before__lte=now), state=Job.State.WAITING
        ).order_by("pk")
        if lane is not None:
            # What nobody knows is found out to be so with the work.
            waiting = (waiting.filter if lane == "watch" else waiting.exclude)(kind__in=_watched)
        if connection.features.has_select_for_update_skip_locked:
            waiting = waiting.select_for_update(skip_locked=True)
        job = waiting.first()
        if job is None:
            return None
        job.state, job.started_at, job.beat = Job.State.RUNNING, now, now
        job.attempts += 1
        job.save(update_fields=("state", "started_at", "beat", "attempts"))
    return job


def _end(job: Job, state: str, **fields: Any) -> None:
    Job.objects.filter(pk=job.pk).update(state=state, ended_at=timezone.now(), **fields)
    job.refresh_from_db()
