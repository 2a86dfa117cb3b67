"""Evidence of an event: locked from the receiver's own frames, verified, and found out when a byte is changed."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from web.monitoring.happenings import fill_store, make_event
from web.monitoring.works import NOW, OVER_HOURS, Works

PDF = b"%PDF-1.4"


@pytest.fixture
def store(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """A receiver's store of this test's own."""
    settings.HOME = tmp_path
    yield tmp_path / "monitoring"
    shutil.rmtree(tmp_path / "monitoring", ignore_errors=True)


def test_locked_verified_and_found_out(works: Works, store: Path) -> None:
    from muheng.web.casework.actions import Attachment, act
    from muheng.web.files.actions import store as keep
    from muheng.web.monitoring.actions.evidence import path_of, seal, verify
    from muheng.web.monitoring.models import EventStep
    from muheng.web.refusal import Refused

    event = make_event(works)
    with pytest.raises(Refused, match="没有原始数据"):
        seal(works.officer, event)
    fill_store(works, store)
    assert event.case is not None
    files = [Attachment(keep(PDF, "情况说明.pdf", works.owner), "说明材料")]
    act(works.owner, event.case, "explain", note="喷氨泵跳闸", fields={"cause": "治理设施故障"}, files=files)
    event.refresh_from_db()
    with pytest.raises(Refused):
        seal(works.owner, event)
    with pytest.raises(Refused):
        seal(works.people.clerk, event)
    made = seal(works.officer, event, "现场前先锁定")
    assert (made.frames, made.by, made.at) == (OVER_HOURS, works.officer, NOW)
    step = event.steps.get(kind=EventStep.Kind.SEALED)
    assert step.detail["manifest"] == made.manifest
    checked = verify(made)
    assert checked.findings == ()
    with zipfile.ZipFile(path_of(made)) as archive:
        names = archive.namelist()
        rows = archive.read("values.csv").decode()
        answers = archive.read("answers.csv").decode()
    assert any(name.endswith("情况说明.pdf") for name in names)
    assert "超标" in rows
    assert "喷氨泵跳闸" in answers
    # One byte of one value.
    changed = BytesIO()
    with zipfile.ZipFile(path_of(made)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(old.getinfo(name), data.replace(b"70.1", b"40.1") if name == "values.csv" else data)
    path_of(made).write_bytes(changed.getvalue())
    assert any("values.csv" in each.file for each in verify(made).findings)


def test_the_pages(works: Works, store: Path) -> None:
    from muheng.web.jobs.actions import run_pending
    from muheng.web.monitoring.models import Evidence

    event = make_event(works)
    officer = Client()
    officer.force_login(works.county_officer)
    address = f"/monitoring/events/{event.number}/"
    asked = officer.post(f"{address}seal/")
    assert asked["Location"] == f"{address}#step-evidence"
    run_pending()
    assert "没有原始数据" in officer.get(address).content.decode()
    fill_store(works, store)
    officer.post(f"{address}seal/", {"note": "备查"})
    waiting = officer.get(address).content.decode()
    assert f"锁定证据：{event.number}" in waiting
    assert "/seal/" not in waiting
    assert not Evidence.objects.exists()
    # Who asks again meanwhile, or somebody else does, gets what is under way.
    officer.post(f"{address}seal/")
    other = Client()
    other.force_login(works.officer)
    assert "别人正在锁定" in other.post(f"{address}seal/", follow=True).content.decode()
    run_pending()
    made = Evidence.objects.get()
    assert (made.note, made.by) == ("备查", works.county_officer)
    address = f"/monitoring/evidence/{made.pk}/"
    page = officer.get(address).content.decode()
    assert made.manifest in page
    assert "values.csv" in page
    assert "设备发来的原始报文" in page
    assert "完好" in officer.post(address).content.decode()
    taken = officer.get(f"{address}download/")
    assert b"".join(taken.streaming_content)[:2] == b"PK"
    assert made.manifest in officer.get(f"/monitoring/events/{event.number}/").content.decode()
    leader = Client()
    leader.force_login(works.people.leader)
    assert leader.get(address).status_code == 200
    assert leader.get(f"{address}download/").status_code == 403
    for person, status in ((works.owner, 403), (works.people.other_county_clerk, 404)):
        client = Client()
        client.force_login(person)
        assert client.get(address).status_code == status


def test_a_job_that_is_done_again_makes_one(works: Works, store: Path) -> None:
    """Its worker died after the evidence was kept and before the job said so; and one that is stopped on the way."""
    from muheng.web.jobs.actions import cancel, run_pending
    from muheng.web.jobs.models import Job
    from muheng.web.monitoring.actions.evidence import ask_to_seal
    from muheng.web.monitoring.models import Event, EventStep, Evidence

    event = make_event(works)
    fill_store(works, store)
    job = ask_to_seal(works.officer, event, "备查")
    run_pending()
    Job.objects.filter(pk=job.pk).update(state=Job.State.WAITING)
    run_pending()
    made = Evidence.objects.get()
    assert Job.objects.get(pk=job.pk).result == {"evidence": made.pk}
    assert event.steps.filter(kind=EventStep.Kind.SEALED).count() == 1
    stopped = ask_to_seal(works.officer, Event.objects.get(pk=event.pk))
    assert stopped != job
    Job.objects.filter(pk=stopped.pk).update(cancel_asked=True)
    run_pending()
    stopped.refresh_from_db()
    assert stopped.state == Job.State.CANCELLED
    cancel(ask_to_seal(works.officer, event))
    assert Evidence.objects.count() == 1
