"""What of the methods a person may see: all of them, for whoever may see any. Whom a change moves is scoped."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404

from muheng.web.entrance import read_number
from muheng.web.jobs.models import Job
from muheng.web.people.rights import holds, require
from muheng.web.policy.models import PolicyDocument, PolicyVersion, Saving


def list_documents(user: Any, retired: bool = False) -> QuerySet[PolicyDocument]:
    """Methods with their versions, texts left out; those out of use only where asked for."""
    require(user, "policy.view")
    versions = (
        PolicyVersion.objects.defer("text", "base__text")
        .select_related("author", "base__document")
        .order_by("-number")
    )
    found = PolicyDocument.objects.prefetch_related(Prefetch("versions", versions))
    return found if retired else found.filter(retired_at=None)


def find_document(user: Any, slug: str) -> PolicyDocument:
    """Raises Http404."""
    found = list_documents(user, retired=True).filter(slug=slug).first()
    if found is None:
        raise Http404(slug)
    return found


def list_versions(user: Any, document: PolicyDocument) -> list[PolicyVersion]:
    """Of one method, the newest first, texts left out."""
    require(user, "policy.view")
    return list(
        document.versions.defer("text", "base__text").select_related(
            "document", "author", "finalised_by", "base__document"
        )
    )


def find_version(user: Any, slug: str, number: int | None = None) -> PolicyVersion:
    """A version of a method; without ``number`` its newest final one, or its draft where none is final. Raises Http404."""
    require(user, "policy.view")
    versions = PolicyVersion.objects.select_related("document", "author", "finalised_by", "base__document")
    found = versions.filter(document__slug=slug)
    if number is not None:
        version = found.filter(number=number).first()
    else:
        version = found.order_by("-state", "-number").first()  # "final" after "draft"
    if version is None:
        raise Http404(slug)
    return version


def find_labelled(user: Any, label: str) -> PolicyVersion | None:
    """The version that an address calls ``slug@number``; None where there is none."""
    slug, at, number = label.rpartition("@")
    wanted = read_number(number)
    if not at or wanted is None:
        return None
    try:
        return find_version(user, slug, wanted)
    except Http404:
        return None


def list_finals(user: Any) -> QuerySet[PolicyVersion]:
    """Final versions of methods in use, for whoever is to choose one."""
    require(user, "policy.view")
    return (
        PolicyVersion.objects.filter(state=PolicyVersion.State.FINAL, document__retired_at=None)
        .defer("text")
        .select_related("document")
        .order_by("document__slug", "-number")
    )


def list_choices(user: Any, *chosen: PolicyVersion | None) -> list[PolicyVersion]:
    """Versions to compare: those of methods in use, and what is chosen already."""
    require(user, "policy.view")
    wanted = Q(document__retired_at=None) | Q(pk__in=[each.pk for each in chosen if each is not None])
    found = PolicyVersion.objects.filter(wanted).defer("text").select_related("document")
    return list(found.order_by("document__shipped", "document__slug", "-number"))


def find_comparing_job(user: Any, number: str) -> Job | None:
    """A person's own comparison under way."""
    return Job.objects.filter(pk=read_number(number) or 0, kind="policy.compare", owner=user).first()


def list_savings(user: Any, version: PolicyVersion) -> list[Saving]:
    """How a draft came about, the newest first, texts left out."""
    require(user, "policy.view")
    return list(version.savings.defer("text").select_related("author")[:50])


def may_edit(user: Any) -> bool:
    return holds(user, "policy.edit")


def may_finalise(user: Any) -> bool:
    return holds(user, "policy.finalise")
