"""Pages of methods: read as a document, beside its source, edited with diagnostics, compared with another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import polars as pl
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from muheng.cities.pack import UnknownIdError, find_pack, list_packs, load_pack
from muheng.documents.diagnostic import Diagnostic
from muheng.intake.facts import CODE
from muheng.reports.phrases import Said
from muheng.reports.policy_changes import Difference
from muheng.reports.policy_text import PolicyText, Table, chapter_number
from muheng.web.entrance import read_number
from muheng.web.jobs.models import Job
from muheng.web.paging import rest_of_query
from muheng.web.people.rights import require
from muheng.web.policy import actions, comparing, queries
from muheng.web.policy.documents import check_text, clean_text, digest_of, find_differences, tell_differences
from muheng.web.policy.effects import Beside, find_effects
from muheng.web.policy.models import PolicyDocument, PolicyVersion
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.panels import list_years
from muheng.web.request import Request


@require_GET
def show_list(request: Request) -> HttpResponse:
    """Every method, the city's own first."""
    retired = "retired" in request.GET
    documents = list(queries.list_documents(request.user, retired))
    here = [each for each in documents if not each.shipped or each.city == settings.CITY]
    context = {
        "here": [_line(each) for each in sorted(here, key=lambda each: each.shipped)],
        "elsewhere": [_line(each) for each in documents if each not in here],
        "retired": retired,
        "may_edit": queries.may_edit(request.user),
    }
    return render(request, "policy/list.html", context)


def _line(document: PolicyDocument) -> dict[str, Any]:
    versions = list(document.versions.all())
    return {
        "document": document,
        "final": next((each for each in versions if each.final), None),
        "draft": next((each for each in versions if not each.final), None),
        "city": city_title(document.city),
    }


@lru_cache(maxsize=64)
def city_title(pack: str) -> str:
    """The name of a pack's city."""
    if pack not in list_packs():
        return pack
    try:
        found, _diagnostics = load_pack(find_pack(pack))
    except UnknownIdError:
        return pack
    return found.city.name if found is not None else pack


@dataclass(frozen=True)
class NumberedChapter:
    """A chapter with the number that stands before its title, its parts with what a template asks for."""

    number: str
    id: str
    title: Said
    numbered: bool
    parts: list[dict[str, Any]]


def lay_out(text: PolicyText) -> list[NumberedChapter]:
    """The document's chapters as the template ``policy/document.html`` shows them."""
    return [
        NumberedChapter(
            chapter_number(number, language()),
            chapter.id,
            chapter.title,
            chapter.numbered,
            [_part(part) for part in chapter.parts],
        )
        for number, chapter in enumerate(text.chapters, 1)
    ]


def _part(part: Any) -> dict[str, Any]:
    if not isinstance(part, Table):
        return {"passage": part}
    # A column that no rule uses is not worth its width.
    used = [
        at
        for at in range(len(part.header))
        if at == 0 or any(row.cells[at] not in ("", "—") for row in part.rows)
    ]
    return {
        "table": part,
        "kind": part.key.partition(".")[0],
        "header": [(part.header[at], at in part.numeric) for at in used],
        "rows": [
            {"row": row, "cells": [(row.cells[at], at in part.numeric) for at in used]} for row in part.rows
        ],
        "last": [(part.last[at], at in part.numeric) for at in used] if part.last else [],
    }


def _version_context(request: Request, version: PolicyVersion, here: str) -> dict[str, Any]:
    document = version.document
    versions = queries.list_versions(request.user, document)
    return {
        "version": version,
        "document": document,
        "versions": versions,
        "newest": versions[0],
        "draft": next((each for each in versions if not each.final), None),
        "city": city_title(document.city),
        "here": here,
        "may_edit": queries.may_edit(request.user),
        "may_finalise": queries.may_finalise(request.user),
    }


@require_GET
def show(request: Request, slug: str, number: int | None = None) -> HttpResponse:
    """A version read as a document, with what each rule did where a run can tell."""
    version = queries.find_version(request.user, slug, number)
    checked = check_text(version.text, slug)
    beside: Beside | None = find_effects(request.user, version) if checked.document else None
    context = {
        **_version_context(request, version, "document"),
        "checked": checked,
        "chapters": lay_out(checked.document) if checked.document else [],
        "text": checked.document,
        "beside": beside,
        "effects": beside.effects if beside is not None else {},
    }
    return render(request, "policy/show.html", context)


@require_GET
def show_source(request: Request, slug: str, number: int) -> HttpResponse:
    """The text as it is, with line numbers."""
    version = queries.find_version(request.user, slug, number)
    context = {
        **_version_context(request, version, "source"),
        "lines": list(enumerate(version.text.split("\n"), 1)),
    }
    return render(request, "policy/source.html", context)


@require_GET
def download(request: Request, slug: str, number: int) -> HttpResponse:
    """The text as a file."""
    version = queries.find_version(request.user, slug, number)
    response = HttpResponse(version.text, content_type="application/toml; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{version.document.slug}.toml"'
    return response


@require_GET
def show_versions(request: Request, slug: str, number: int) -> HttpResponse:
    """All versions, and how the draft came about."""
    version = queries.find_version(request.user, slug, number)
    context = _version_context(request, version, "versions")
    draft = context["draft"]
    context["savings"] = queries.list_savings(request.user, draft) if draft is not None else []
    return render(request, "policy/versions.html", context)


# -- deeds -------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def copy(request: Request, slug: str, number: int) -> HttpResponse:
    """A new method of the place's own, from this text."""
    version = queries.find_version(request.user, slug, number)
    require(request.user, "policy.edit")
    refused: Refused | None = None
    if request.method == "POST":
        try:
            made = actions.copy_policy(
                version, request.user, request.POST.get("slug", ""), request.POST.get("title", "")
            )
        except Refused as found:
            refused = found
        else:
            messages.success(request, _("已另起一份，现在可以修改。"))
            return redirect("policy:edit", made.document.slug, made.number)
    context = {**_version_context(request, version, ""), "refused": refused, "given": request.POST}
    return render(request, "policy/copy.html", context, status=refused.status if refused else 200)


@require_POST
def start_draft(request: Request, slug: str, number: int) -> HttpResponse:
    draft = actions.start_draft(queries.find_version(request.user, slug, number), request.user)
    return redirect("policy:edit", slug, draft.number)


@require_POST
def discard(request: Request, slug: str, number: int) -> HttpResponse:
    left = actions.discard_draft(queries.find_version(request.user, slug, number), request.user)
    messages.success(request, _("草稿已放弃。"))
    return redirect("policy:show", slug) if left is not None else redirect("policy:list")


@require_POST
def retire(request: Request, slug: str) -> HttpResponse:
    document = queries.find_document(request.user, slug)
    if request.POST.get("do") == "reinstate":
        actions.reinstate(document, request.user)
        messages.success(request, _("已恢复使用。"))
    else:
        actions.retire(document, request.user, request.POST.get("why", ""))
        messages.success(request, _("已停用。"))
    return redirect("policy:show", slug)


@require_http_methods(["GET", "POST"])
def edit(request: Request, slug: str, number: int) -> HttpResponse:
    """A draft's text with its diagnostics; saves, checks or makes it final."""
    version = queries.find_version(request.user, slug, number)
    require(request.user, "policy.edit")
    if version.final:
        raise Refused(_("定稿不能修改。"), _("请起草下一版。"), code="final")
    text, seen = version.text, version.sha256
    refused: Refused | None = None
    if request.method == "POST":
        do = request.POST.get("do", "check")
        text, seen = request.POST.get("text", ""), request.POST.get("seen", "")
        try:
            text = clean_text(text)
            if do != "check":
                return _keep(request, version, do, text, seen)
        except actions.ChangedMeanwhile as found:
            # Saving again, having read what the other did, puts this text over theirs.
            refused, seen, version = found, found.version.sha256, found.version
        except Refused as found:
            refused = found
            version.refresh_from_db()
            seen = version.sha256 if version.sha256 == digest_of(text) else seen
    context = {
        **_version_context(request, version, "edit"),
        "text": text,
        "seen": seen,
        "note": request.POST.get("note", version.note),
        "refused": refused,
        "changes": getattr(refused, "changes", ()),
        "lines": list(enumerate(text.split("\n"), 1)),
        **_findings(text, slug),
    }
    return render(request, "policy/edit.html", context, status=refused.status if refused else 200)


def _keep(request: Request, version: PolicyVersion, do: str, text: str, seen: str) -> HttpResponse:
    note = request.POST.get("note", "")
    saved = actions.save_draft(version, request.user, text, seen, note)
    slug = version.document.slug
    if do == "finalise":
        actions.finalise(saved, request.user, saved.sha256)
        messages.success(request, _("已定稿。此后这一版不再改动。"))
        return redirect("policy:show", slug, saved.number)
    messages.success(request, _("已保存。"))
    return redirect("policy:edit", slug, saved.number)


@require_POST
def check(request: Request, slug: str) -> HttpResponse:
    """The diagnostics of a text being typed; nothing is kept."""
    require(request.user, "policy.view")
    text = clean_text(request.POST.get("text", ""))
    return render(request, "policy/findings.html", _findings(text, slug))


def _findings(text: str, slug: str) -> dict[str, Any]:
    checked = check_text(text, slug)
    found: tuple[Diagnostic, ...] = (*checked.errors, *checked.warnings)
    return {"checked": checked, "findings": found, "lengthy": len(found) > 100, "shown": found[:100]}


# -- comparison --------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def compare(request: Request) -> HttpResponse:
    """Two versions by wording, and by whom they move on a year's facts."""
    given = request.POST if request.method == "POST" else request.GET
    require(request.user, "policy.view")
    before = queries.find_labelled(request.user, given.get("before", ""))
    after = queries.find_labelled(request.user, given.get("after", ""))
    years = list_years()
    asked = read_number(given.get("year", ""))
    year = asked if asked in years else (years[0] if years else None)
    if request.method == "POST" and before is not None and after is not None and year is not None:
        found = comparing.answer(request.user, comparing.ask(request.user, before, after, year))
        question = f"before={before.label}&after={after.label}&year={year}"
        if isinstance(found, Job):
            question += f"&job={found.pk}"
        return HttpResponseRedirect(f"{reverse('policy:compare')}?{question}#moves")
    context: dict[str, Any] = {
        "choices": queries.list_choices(request.user, before, after),
        "before": before,
        "after": after,
        "years": years,
        "year": year,
    }
    if before is not None and after is not None:
        context |= _wording(before, after)
        if year is not None:
            context |= _moves(request, before, after, year)
    return render(request, "policy/compare.html", context)


def _wording(before: PolicyVersion, after: PolicyVersion) -> dict[str, Any]:
    found = find_differences(before.text, before.document.slug, after.text, after.document.slug)
    return {
        "by_chapter": _by_chapter(found) if found is not None else None,
        "told": tell_differences(before.text, after.text) if found is None else (),
        "count": len(found) if found is not None else 0,
    }


def _by_chapter(differences: tuple[Difference, ...]) -> list[tuple[Said, list[Difference]]]:
    chapters: list[tuple[Said, list[Difference]]] = []
    for difference in differences:
        if not chapters or chapters[-1][0] != difference.chapter:
            chapters.append((difference.chapter, []))
        chapters[-1][1].append(difference)
    return chapters


def _moves(request: Request, before: PolicyVersion, after: PolicyVersion, year: int) -> dict[str, Any]:
    """The matrix and the list, where they have been computed; the work where it is under way."""
    question = comparing.ask(request.user, before, after, year)
    comparison = question.find()
    if comparison is None:
        return {"job": queries.find_comparing_job(request.user, request.GET.get("job", ""))}
    old, new = comparing.make_plan(before), comparing.make_plan(after)
    standings = comparing.read_standings(request.user, comparison)
    rose, fell, other = comparing.count_directions(standings, new)
    moved = standings.filter(comparing.MOVED)
    chosen = {key: request.GET.get(key, "") for key in ("from", "to", "cause")}
    shown = moved
    if chosen["from"]:
        shown = shown.filter(pl.col(comparing.BEFORE) == chosen["from"])
    if chosen["to"]:
        shown = shown.filter(pl.col(comparing.AFTER) == chosen["to"])
    if chosen["cause"]:
        shown = shown.filter(pl.col(comparing.CAUSE).str.split("、").list.contains(chosen["cause"]))
    page = Paginator(range(shown.height), 50).get_page(request.GET.get("page"))
    rows = shown.slice(page.start_index() - 1 if shown.height else 0, 50)
    return {
        "comparison": comparison,
        "matrix": comparing.make_matrix(standings, old, new),
        "causes": comparing.tell_causes(comparison, before, after),
        "everyone": standings.height,
        "moved": moved.height,
        "rose": rose,
        "fell": fell,
        "other": other,
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "found": shown.height,
        "page": page,
        "rows": [
            {
                "code": row[CODE],
                "name": row["企业名称"],
                "before": row[comparing.BEFORE],
                "after": row[comparing.AFTER],
                "old": row["原总分"] or "—",
                "new": row["新总分"] or "—",
                "causes": (row[comparing.CAUSE] or "").split("、"),
            }
            for row in rows.iter_rows(named=True)
        ],
        "query": rest_of_query(request, "job"),
    }
