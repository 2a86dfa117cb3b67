"""Who may speak for an enterprise in an evaluation, and the files that it brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from muheng.web.evaluation.models import Objection
from muheng.web.files.actions import store
from muheng.web.people.models import User
from muheng.web.people.rights import RIGHTS
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import is_own, may

MOST_FILES = 10
MOST_BYTES = 20 * 1024 * 1024
KINDS = (".pdf", ".jpg", ".jpeg", ".png", ".docx", ".doc", ".xlsx", ".xls", ".zip", ".ofd", ".txt")


def speak_for(actor: User, enterprise: Enterprise, note: str) -> bool:
    """True for the enterprise's own account, False for an official, who has to name the paper that it stands on.

    Raises Refused.
    """
    if is_own(actor, enterprise):
        return True
    if not may(actor, "evaluation.edit", enterprise):
        raise Refused(
            _("您没有“%(right)s”的权限。") % {"right": RIGHTS["own.confirm"]},
            _("由企业自己的账号办理，或由经办人凭书面材料代录。"),
            status=403,
            code="forbidden",
        )
    if not note.strip():
        raise Refused(
            _("代企业录入的，请写明依据的书面材料。"),
            _("例如：3月12日盖章的纸质确认单。"),
            status=422,
            code="invalid",
            at="note",
        )
    return False


def attach(objection: Objection, files: Sequence[UploadedFile[Any]], actor: User | None) -> None:
    """Keep the files with the objection. Raises Refused for too many, too large, or of a kind that nobody can open."""
    if len(files) > MOST_FILES:
        raise Refused(
            _("佐证文件最多 %(most)s 个。") % {"most": MOST_FILES},
            _("可打成一个压缩包。"),
            status=422,
            code="invalid",
            at="evidence",
        )
    for file in files:
        name = file.name or ""
        if not name.lower().endswith(KINDS):
            raise Refused(
                _("“%(name)s”这种文件不收。") % {"name": name},
                _("请用 PDF、图片、Word、Excel 或压缩包。"),
                status=422,
                code="invalid",
                at="evidence",
            )
        if (file.size or 0) > MOST_BYTES:
            raise Refused(
                _("“%(name)s”超过 20 MB。") % {"name": name},
                _("请压缩或分开上传。"),
                status=422,
                code="invalid",
                at="evidence",
            )
    objection.evidence.add(*(store(file.chunks(), file.name or "", actor) for file in files))
