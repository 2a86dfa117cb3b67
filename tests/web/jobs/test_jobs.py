"""Background work: done once, told on the way, stopped when asked, taken up again when a worker died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone, translation

from muheng.documents.message import say
from muheng.web import serving
from muheng.web.jobs import actions
from muheng.web.jobs.models import Job
from muheng.web.people.models import User
from muheng.web.refusal import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return User.objects.create_user("zhao", "赵某", "yi-ge-chang-mi-ma")


@pytest.fixture
def work() -> Iterator[dict[str, Any]]:
    """A task of the test's own; ``work["do"]`` is what it does."""
    held: dict[str, Any] = {"do": lambda progress, **given: given}
    actions.task("test.work")(lambda progress, **given: held["do"](progress, **given))
    yield held
    del actions._tasks["test.work"]


def ask(person: User, **given: Any) -> Job:
    return actions.enqueue("test.work", person, "试一件事", **given)


def test_work_is_done_in_the_order_it_was_asked_for(person: User, work: dict[str, Any]) -> None:
    asked = [ask(person, number=number) for number in range(3)]
    done = [actions.run_next() for _ in asked]
    assert [job.result for job in done if job] == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert actions.run_next() is None
    assert all(job and job.state == Job.State.DONE and job.ended_at for job in done)


def test_an_unknown_kind_is_not_taken(person: User) -> None:
    with pytest.raises(LookupError):
        actions.enqueue("test.nothing", person, "没有")
    assert not Job.objects.exists()


def test_progress_is_seen_while_the_work_goes_on(person: User, work: dict[str, Any]) -> None:
    seen: list[tuple[int, int, str]] = []

    def do(progress: actions.Progress) -> None:
        progress(3, 10, say("读取数据"))
        seen.append(Job.objects.values_list("done", "total", "note").get())

    work["do"] = do
    ask(person)
    actions.run_next()
    assert seen == [(3, 10, "读取数据")]


def test_what_is_said_on_the_way_is_in_the_asker_s_language(person: User, work: dict[str, Any]) -> None:
    def do(progress: actions.Progress) -> None:
        raise Refused(translation.gettext("没有找到。"))

    work["do"] = do
    with translation.override("en"):
        ask(person)
    job = actions.run_next()
    assert job is not None
    assert (job.state, job.error) == (Job.State.FAILED, "Not found.")


def test_a_fault_is_written_down_and_the_next_goes_on(person: User, work: dict[str, Any]) -> None:
    def do(progress: actions.Progress, good: bool) -> str:
        if not good:
            raise ZeroDivisionError
        return "好"

    work["do"] = do
    ask(person, good=False)
    ask(person, good=True)
    assert actions.run_pending() == 2
    failed, done = Job.objects.order_by("pk")
    assert failed.state == Job.State.FAILED
    assert failed.error == "系统出错，没有完成。"
    assert done.result == "好"


def test_waiting_work_is_stopped_at_once_and_running_work_at_its_next_word(
    person: User, work: dict[str, Any]
) -> None:
    def do(progress: actions.Progress) -> None:
        actions.cancel(Job.objects.get(state=Job.State.RUNNING))
        progress(1, 1)
        raise AssertionError("went on")

    work["do"] = do
    first, second = ask(person), ask(person)
    actions.cancel(second)
    actions.run_pending()
    for job in (first, second):
        job.refresh_from_db()
        assert job.state == Job.State.CANCELLED


def test_work_that_a_worker_left_is_taken_up_again_but_not_for_ever(
    person: User, work: dict[str, Any]
) -> None:
    job = ask(person)
    for attempt in range(1, actions.MOST_ATTEMPTS + 1):
        assert actions._take() == job
        job.refresh_from_db()
        assert job.attempts == attempt
        assert actions._take() is None, "a beat is fresh: the work is in hand"
        Job.objects.update(beat=timezone.now() - actions.LOST_AFTER - timedelta(seconds=1))
    assert actions._take() is None
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert job.error


@pytest.mark.django_db(transaction=True)
def test_a_long_silent_step_is_known_to_be_in_hand(
    person: User, work: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "BEAT_EVERY", 0.05)
    beats = []

    def do(progress: actions.Progress) -> None:
        deadline = time.monotonic() + 5
        while len(set(beats)) < 3 and time.monotonic() < deadline:
            beats.append(Job.objects.values_list("beat", flat=True).get())
            time.sleep(0.02)

    work["do"] = do
    ask(person)
    actions.run_next()
    assert len(set(beats)) >= 3


@contextmanager
def working(program: str = "", *arguments: str) -> Iterator[None]:
    """The command itself in a process of its own, on the database of the test, after what a program prepares."""
    name = connection.settings_dict["NAME"]
    whole = (
        "import django; django.setup()\n"
        "from django.conf import settings; from django.db import connection\n"
        f"settings.DATABASES['default']['NAME'] = connection.settings_dict['NAME'] = {str(name)!r}\n"
        f"{program}\n"
        f"from django.core.management import call_command; call_command('worker', *{arguments!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", whole], env=dict(os.environ), stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0


def wait_for(job: Job, *states: Job.State) -> None:
    deadline = time.monotonic() + 60
    while job.state not in states and time.monotonic() < deadline:
        time.sleep(0.1)
        job.refresh_from_db()
    assert job.state in states


@pytest.mark.django_db(transaction=True)
def test_a_worker_process_does_the_work_and_ends_when_told(person: User) -> None:
    job = Job.objects.create(kind="test.nothing_like_it", title="没有这种任务", owner=person)
    with working():
        wait_for(job, Job.State.FAILED)


LONG = """
import time
from pathlib import Path
from muheng.web.jobs import actions
def wait(progress, latch):
    while not Path(latch).exists():
        time.sleep(0.05)
actions.task("test.long")(wait)
actions.task("test.alert", lane="watch")(lambda progress: "told")
"""


@pytest.mark.django_db(transaction=True)
def test_what_is_watched_goes_on_while_long_work_is_done(person: User, tmp_path: Path) -> None:
    """Two processes as the site starts them: the long work does not end before the test lets it."""
    latch = tmp_path / "latch"
    long = Job.objects.create(kind="test.long", title="很久", arguments={"latch": str(latch)})
    with working(LONG, "--lane", "work"):
        try:
            wait_for(long, Job.State.RUNNING)
            alert = Job.objects.create(kind="test.alert", title="报警")
            with working(LONG, "--lane", "watch"):
                wait_for(alert, Job.State.DONE)
            long.refresh_from_db()
            assert long.state == Job.State.RUNNING
        finally:
            latch.touch()
        wait_for(long, Job.State.DONE)


def test_a_worker_takes_the_work_of_its_lane_or_of_all(person: User, work: dict[str, Any]) -> None:
    actions.task("test.watched", lane="watch")(lambda progress: None)
    try:
        asked = [
            actions.enqueue(kind, person, kind)
            for kind in ("test.work", "test.watched", "test.work", "test.watched")
        ]
        assert actions.run_next("watch") == asked[1]
        assert actions.run_next("work") == asked[0]
        assert actions.run_next() == asked[2]
        assert actions.run_next("work") is None
        assert actions.run_next() == asked[3]
        assert actions.run_next() is None
    finally:
        del actions._tasks["test.watched"]
        actions._watched.remove("test.watched")


def test_what_must_be_punctual_has_a_lane_of_its_own() -> None:
    actions.find_tasks()
    assert {
        "monitoring.take",
        "monitoring.judge",
        "monitoring.escalate",
        "notices.deliver",
    } <= actions._watched
    assert not {"evaluation.run", "intake.accept", "monitoring.add_up"} & actions._watched
    assert set(serving.WORKERS) == set(actions.LANES)


def test_a_job_is_its_owner_s_alone(person: User, work: dict[str, Any]) -> None:
    job = ask(person)
    other = User.objects.create_user("qian", "钱某", "yi-ge-chang-mi-ma")
    client = Client()
    client.force_login(other)
    assert client.get(f"/jobs/{job.pk}/").status_code == 404
    assert client.post(f"/jobs/{job.pk}/cancel/").status_code == 404
    client.force_login(person)
    assert "试一件事" in client.get(f"/jobs/{job.pk}/").content.decode()
    client.post(f"/jobs/{job.pk}/cancel/")
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    answer = client.get(f"/jobs/{job.pk}/?watched=1")
    assert answer.headers["HX-Refresh"] == "true"


def test_work_put_off_waits_for_its_time(person: User, work: dict[str, Any]) -> None:
    later = timezone.now() + timedelta(hours=1)
    put_off = actions.enqueue("test.work", person, "过一会儿再试", not_before=later)
    soon = ask(person)
    assert actions.run_next() == soon
    assert actions.run_next() is None
    Job.objects.filter(pk=put_off.pk).update(not_before=timezone.now())
    assert actions.run_next() == put_off


def test_work_that_comes_round_is_asked_for_once_in_its_time(
    work: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.find_tasks()
    monkeypatch.setattr(actions, "_rounds", {"test.work": timedelta(minutes=10)})
    assert [actions.ask_due_rounds() for _ in range(2)] == [1, 0]
    actions.Round.objects.update(asked_at=timezone.now() - timedelta(minutes=11))
    assert actions.ask_due_rounds() == 0, "the one before has not been done yet"
    actions.run_pending()
    assert actions.ask_due_rounds() == 1


def test_rounds_that_went_well_are_not_kept_for_ever(
    work: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.find_tasks()
    monkeypatch.setattr(actions, "_rounds", {"test.work": timedelta(minutes=10)})
    for _ in range(3):
        actions.ask_due_rounds()
        actions.run_pending()
        Job.objects.update(ended_at=timezone.now() - timedelta(days=2))
        actions.Round.objects.update(asked_at=timezone.now() - timedelta(minutes=11))
    assert Job.objects.count() == 1
