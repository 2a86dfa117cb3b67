"""Lock what there is about an event as evidence: a zip that verifies anywhere, kept under its digest, with who and when."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from muheng.casework.standing import CHINA
from muheng.cities.pack import find_pack
from muheng.documents.message import Refusal
from muheng.monitoring.evidence import (
    Photo,
    Request,
    Verification,
    export_evidence,
    seal_evidence,
    verify_evidence,
)
from muheng.monitoring.evidence.request import JUDGED
from muheng.monitoring.judgement.rules import find_rules_file
from muheng.monitoring.store.values import Kind, read_values
from muheng.web.audit.actions import record
from muheng.web.casework.models import CaseFile
from muheng.web.files.actions import folder_path, store_folder
from muheng.web.jobs.actions import Progress, enqueue
from muheng.web.jobs.models import Job
from muheng.web.monitoring.actions.events import clean_note, not_found
from muheng.web.monitoring.cases import keep_step
from muheng.web.monitoring.limit_changes import say_whole
from muheng.web.monitoring.models import Device, Event, EventStep, Evidence, LimitChange, Mark
from muheng.web.monitoring.moments import to_local
from muheng.web.monitoring.points import limits_on
from muheng.web.monitoring.queries.events import tell_step
from muheng.web.monitoring.queries.series import judge_hours, lay_hourly, say_why
from muheng.web.monitoring.sayings import factor_title, factor_unit, mark_title
from muheng.web.monitoring.store import store_folder as receiver_store
from muheng.web.notices.sealing import Unreadable, unseal
from muheng.web.people.models import User
from muheng.web.reading import language
from muheng.web.refusal import Refused, refused_by
from muheng.web.registry.queries import is_own, may

SEAL = "monitoring.seal"
ZIP = "evidence.zip"
HOUR = timedelta(hours=1)
FINE_SPAN = timedelta(days=3)
"""Up to here every real-time packet goes in; of a longer stretch those of minutes and hours."""
RULES = ("validity.toml", "limits.toml", "alerts.toml")


def ask_to_seal(actor: User, event: Event, note: str = "") -> Job:
    """Have it locked in the background; who asks while that is under way gets the same work. Raises Refused."""
    _check(actor, event)
    with transaction.atomic():
        held = Event.objects.select_for_update(of=("self",)).select_related("sealing").get(pk=event.pk)
        if held.sealing is not None and not held.sealing.ended:
            return held.sealing
        title = _("锁定证据：%(number)s") % {"number": event.number}
        held.sealing = enqueue(SEAL, actor, title, event=event.pk, note=clean_note(note)[:200])
        held.save(update_fields=("sealing",))
    return held.sealing


def seal(
    actor: User,
    event: Event,
    note: str = "",
    *,
    at: datetime | None = None,
    progress: Progress | None = None,
) -> Evidence:
    """Take frames, values, marks, answers, steps and photographs as they are now. Raises Refused.

    Nothing is to be seen of it before it is whole. ``progress``: of the job that does it; a job that is done again, because
    its worker died, makes no second one.
    """
    job = progress.job if progress is not None else None
    if (known := _find_made(job)) is not None:
        return known
    _check(actor, event)
    now = at or timezone.now()
    _say(progress, 0, _("汇集数值、标记和处理过程"))
    with translation.override("zh-hans"):
        request = _collect(actor, event, now)
    with tempfile.TemporaryDirectory() as draft:
        folder = Path(draft) / event.number
        _say(progress, 1, _("取出原始报文，封存并核对"))
        try:
            sealed = seal_evidence(folder, request, receiver_store(), _find_key)
        except Refusal as refusal:
            raise refused_by(refusal, language()) from refusal
        _say(progress, 2, _("保存"))
        content = export_evidence(folder)
    stored = store_folder(lambda inside: _write(inside, content))
    with transaction.atomic():
        Event.objects.select_for_update(of=("self",)).get(pk=event.pk)
        if (known := _find_made(job)) is not None:
            return known
        made = Evidence.objects.create(
            event=event,
            folder=stored,
            manifest=sealed.seal,
            size=len(content),
            frames=sealed.frames,
            values=sealed.values,
            by=actor,
            at=now,
            note=clean_note(note)[:200],
            job=job,
        )
        detail: dict[str, object] = {"evidence": made.pk, "manifest": sealed.seal, "note": made.note}
        keep_step(event, EventStep.Kind.SEALED, now, actor, detail)
        record(actor, "monitoring.seal", event, manifest=sealed.seal, frames=sealed.frames)
    return made


def _check(actor: User, event: Event) -> None:
    enterprise = event.point.enterprise
    if is_own(actor, enterprise) or not may(actor, SEAL, enterprise):
        raise not_found()


def _find_made(job: Job | None) -> Evidence | None:
    return None if job is None else Evidence.objects.filter(job=job).first()


def _say(progress: Progress | None, done: int, note: str) -> None:
    if progress is not None:
        progress(done, 3, note)


def _write(inside: Path, content: bytes) -> None:
    (inside / ZIP).write_bytes(content)


def path_of(evidence: Evidence) -> Path:
    """Where the zip is kept."""
    return folder_path(evidence.folder) / ZIP


def verify(evidence: Evidence) -> Verification:
    """Check everything that can be checked of what is kept now, against the manifest that was written down."""
    return verify_evidence(path_of(evidence), evidence.manifest)


# -- what goes in ------------------------------------------------------------------------------------------------


def _collect(actor: User, event: Event, now: datetime) -> Request:
    point = event.point
    begin = to_local(event.begin).replace(minute=0, second=0, microsecond=0)
    end = to_local(event.last).replace(minute=0, second=0, microsecond=0) + HOUR
    days = {str(each.get("kind")) for each in event.seen} & {"day", "days"}
    kinds: list[Kind] = ["minute", "hour"]
    if end - begin <= FINE_SPAN:
        kinds.insert(0, "realtime")
    if days:
        kinds.append("day")
    device = _find_device(event, kinds, begin, end)
    outlet = point.outlet
    return Request(
        event={
            "number": event.number,
            "factor": event.factor,
            "name": factor_title(event.factor),
            "begin": begin.isoformat(),
            "end": end.isoformat(),
            "tier": event.get_tier_display(),
            "state": event.get_state_display(),
            "case": event.case.number if event.case is not None else "",
        },
        outlet={
            "enterprise": point.enterprise.name,
            "credit_code": point.enterprise.code,
            "code": outlet.code,
            "name": point.name,
            "kind": point.kind,
            "reference_oxygen": "" if point.reference_oxygen is None else str(point.reference_oxygen),
        },
        mn=device.mn,
        begin=begin,
        end=end,
        operator=f"{actor.name}（{actor.username}）",
        sealed=now,
        kinds=kinds,
        limits=[
            {"factor": factor, "name": factor_title(factor), "most": limit.most, "least": limit.least, "unit": factor_unit(factor)}
            for factor, limit in limits_on(point, begin.date()).items()
        ],
        rules=_read_rules(),
        judged=_judge(event, begin, end),
        marks=list(_marks(event, begin, end)),
        answers=list(_answers(event)),
        steps=list(_steps(event)),
        photos=list(_photos(event)),
    )  # fmt: skip


def _find_device(event: Event, kinds: list[Kind], begin: datetime, end: datetime) -> Device:
    """The device that sent most of the stretch: a device may have been replaced."""
    devices = {each.mn: each for each in event.point.devices.all()}
    if not devices:
        raise Refused(_("这个点位没有设备，没有原始数据可以锁定。"))
    found = pl.concat(
        [read_values(receiver_store(), kind, begin, end, list(devices)).select("mn") for kind in kinds]
    )
    if found.is_empty():
        raise Refused(
            _("这段时间没有原始数据可以锁定。"),
            _("接收程序的数据还没有入库，或者设备没有发来。稍后再试，或者请设备补传。"),
        )
    counts = found["mn"].value_counts().sort(["count", "mn"], descending=[True, False])
    return devices[counts["mn"][0]]


def _find_key(mn: str) -> bytes | None:
    device = Device.objects.filter(mn=mn).first()
    if device is None or not device.sealed_key:
        return None
    try:
        return bytes.fromhex(unseal(device.sealed_key))
    except Unreadable:
        return None


def _read_rules() -> dict[str, bytes]:
    folder = find_pack(settings.CITY)
    return {name: find_rules_file(folder, name).read_bytes() for name in RULES}


def _judge(event: Event, begin: datetime, end: datetime) -> pl.DataFrame:
    """What was said of each hour of each limited factor."""
    first, last = begin.date(), (end - timedelta(microseconds=1)).date() + timedelta(days=1)
    judged = judge_hours(event.point, first, last)
    parts = []
    for factor, against in judged.against.items():
        frame = lay_hourly(judged, factor)
        ratio = against.ratio[judged.first :]
        frame = frame.with_columns(
            factor=pl.lit(factor),
            limit=pl.Series(against.most[judged.first :]),
            ratio=pl.Series(np.where(against.hourly[judged.first :], ratio, np.nan)),
        )
        hourly = against.hourly[judged.first :]
        verdicts = [
            _say_verdict(why, measured is None, over, bool(by_hour))
            for why, measured, over, by_hour in zip(
                frame["why"], frame["measured"], (ratio > 1).tolist(), hourly, strict=True
            )
        ]
        parts.append(frame.with_columns(verdict=pl.Series(verdicts)).select(list(JUDGED)))
    if not parts:
        return pl.DataFrame(schema=JUDGED)
    whole = pl.concat(parts).with_columns(pl.col("limit", "ratio").fill_nan(None))
    return whole.filter(pl.col("time") >= begin, pl.col("time") < end)


def _say_verdict(why: str, missing: bool, over: bool, by_hour: bool) -> str:
    if missing:
        return "没有数据"
    if why:
        return f"不计入：{say_why(why)}"
    if not by_hour:
        return "按日均值判"
    return "超标" if over else "达标"


def _marks(event: Event, begin: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    rows = Mark.objects.filter(point=event.point).select_related("by").order_by("begin", "pk")
    for mark in rows:
        until = to_local(mark.end) if mark.end is not None else None
        if to_local(mark.begin) >= end or (until is not None and until <= begin):
            continue
        withdrawn = f"（已撤回：{mark.withdrawn_note}）" if mark.withdrawn_at is not None else ""
        yield {
            "begin": to_local(mark.begin).isoformat(),
            "end": until.isoformat() if until is not None else "",
            "factor": "",
            "mark": mark_title(mark.mark),
            "reason": f"{mark.note}{withdrawn}",
            "by": mark.by.name,
            "at": _spell(mark.at),
        }


def _answers(event: Event) -> Iterator[dict[str, Any]]:
    for step in event.steps.filter(kind=EventStep.Kind.ANSWERED).select_related("by"):
        cause, note = step.detail.get("cause", ""), step.detail.get("note", "")
        yield {
            "at": _spell(step.at),
            "by": step.by.name if step.by is not None else "",
            "text": "：".join(each for each in (cause, note) if each),
        }


def _steps(event: Event) -> Iterator[dict[str, Any]]:
    for step in event.steps.select_related("by"):
        yield {
            "at": _spell(step.at),
            "step": step.get_kind_display(),
            "by": step.by.name if step.by is not None else "按规则",
            "note": _say_step(step),
        }


def _say_step(step: EventStep) -> str:
    note = str(step.detail.get("note", ""))
    if step.kind != EventStep.Kind.LIMITS:
        # Whom it was told, what was seen, what it came to: as the event's page has it.
        with translation.override("zh-hans"):
            told = tell_step(step)
        return "；".join(
            filter(None, (told.tag, *(f"{name}：{text}" for name, text in told.lines), told.note))
        )
    change = LimitChange.objects.get(pk=step.detail["change"])
    said = say_whole(change)
    return f"{said}；理由：{note}" if note else said


def _photos(event: Event) -> Iterator[Photo]:
    """What was attached to the event's case and to the field check below it."""
    if event.case_id is None:
        return
    cases = (
        [event.case_id, *event.case.children.values_list("pk", flat=True)] if event.case is not None else []
    )
    files = CaseFile.objects.filter(case__in=cases).select_related("stored__created_by", "event")
    for number, file in enumerate(files.order_by("event__at", "pk"), start=1):
        stored = file.stored
        yield Photo(
            f"{number:03d}-{stored.name[-80:]}",
            stored.path.read_bytes(),
            taken=_spell(file.event.at),
            by=stored.created_by.name if stored.created_by is not None else "",
            note=file.label,
        )


def _spell(moment: datetime) -> str:
    return moment.astimezone(CHINA).isoformat(timespec="seconds")
