"""Background work for programs: one's own jobs, how far they are, and stopping them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from ninja import Field, Query, Router, Schema

from muheng.web.jobs.actions import cancel
from muheng.web.jobs.models import Job
from muheng.web.paging import Listed, Part, answer_list
from muheng.web.request import Request

PREFIX = "jobs"
router = Router()


class JobShown(Schema):
    """A piece of background work."""

    id: int
    kind: str
    title: str
    state: str = Field(
        description="waiting 等待，running 进行中，done 完成，failed 没有完成，cancelled 已取消。"
    )
    done: int
    total: int = Field(description="一共多少；0 为还不知道。")
    note: str = Field(description="正在做什么。")
    error: str
    fix: str
    created_at: datetime
    ended_at: datetime | None


@router.get("/", response=Listed[JobShown], summary="我的后台任务")
def list_jobs(request: Request, part: Query[Part]) -> HttpResponse:
    """您要求的任务，新的在前。"""
    return answer_list(request, Job.objects.filter(owner=request.user).order_by("-pk"), part, _shown)


@router.get("/{int:number}", response=JobShown, summary="一个任务")
def show(request: Request, number: int) -> dict[str, Any]:
    """进行到哪里；没有完成的，为什么。"""
    return _shown(_find(request, number))


@router.post("/{int:number}/cancel", response=JobShown, summary="停止任务")
def stop(request: Request, number: int) -> dict[str, Any]:
    """等待的立即停，进行中的尽快停；已经结束的不变。"""
    job = _find(request, number)
    cancel(job)
    job.refresh_from_db()
    return _shown(job)


def _find(request: Request, number: int) -> Job:
    found = Job.objects.filter(pk=number, owner=request.user).first()
    if found is None:
        raise Http404
    return found


def _shown(job: Job) -> dict[str, Any]:
    names = ("kind", "title", "state", "done", "total", "note", "error", "fix", "created_at", "ended_at")
    return {"id": job.pk, **{name: getattr(job, name) for name in names}}
