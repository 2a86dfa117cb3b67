"""A version's text as what pages and programs show: its document, its diagnostics, its differences from another.

Texts are what they are by their digest, so documents are made once by each process. Nothing is stored here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext as _

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.message import say
from muheng.policy import plan as p
from muheng.policy.compile import compile_policy
from muheng.reports.phrases import Said
from muheng.reports.policy_changes import Difference, compare_wording, tell_texts
from muheng.reports.policy_chapters import write_policy
from muheng.reports.policy_text import PolicyText
from muheng.web.refusal import Refused

MOST_BYTES = 400_000


@dataclass(frozen=True)
class Checked:
    """What compiling a text gave. ``document`` is there exactly when there is no error."""

    document: PolicyText | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(found for found in self.diagnostics if found.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(found for found in self.diagnostics if found.severity == "warning")


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def clean_text(text: str) -> str:
    """A text as a file has it: browsers send CRLF, and PostgreSQL keeps no NUL. Raises Refused."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        size = -1
    if size < 0 or "\x00" in text:
        raise Refused(
            _("文本里有不可见的控制字符。"), _("请重新粘贴纯文本。"), status=422, code="invalid", at="text"
        )
    if size > MOST_BYTES:
        raise Refused(
            _("文本超过 %(limit)d 千字节，不像是一份评价办法。") % {"limit": MOST_BYTES // 1000},
            _("检查是否贴错了内容。"),
            status=422,
            code="too_large",
            at="text",
        )
    return text


@lru_cache(maxsize=64)
def check_text(text: str, slug: str) -> Checked:
    """Everything that is wrong with a text that is to stand as ``slug``, and its document where nothing is."""
    compiled = compile_policy(text, slug)
    found = list(compiled.diagnostics)
    if compiled.plan is not None and compiled.plan.document.policy.id != slug:
        found.insert(0, _wrong_number(compiled.plan, slug))
    errors = any(each.severity == "error" for each in found)
    return Checked(None if errors or compiled.plan is None else write_policy(compiled.plan), tuple(found))


def _wrong_number(plan: p.Plan, slug: str) -> Diagnostic:
    number = plan.document.policy.id
    line = next(
        (at for at, text in enumerate(plan.text.splitlines(), 1) if "id" in text and number in text), None
    )
    return Diagnostic(
        "error",
        slug,
        line,
        "policy.id",
        say("编号写的是“{found}”，这份办法的编号是“{due}”。", found=number, due=slug),
        say("改回“{due}”；要用新的编号，请另起一份。", due=slug),
    )


@lru_cache(maxsize=32)
def find_differences(
    before: str, before_slug: str, after: str, after_slug: str
) -> tuple[Difference, ...] | None:
    """Rules that read otherwise, side by side; None where a text has errors and so no document."""
    first, second = check_text(before, before_slug).document, check_text(after, after_slug).document
    return None if first is None or second is None else compare_wording(first, second)


@lru_cache(maxsize=32)
def tell_differences(before: str, after: str) -> tuple[Said, ...]:
    """Changes from one text to another as sentences, whether they compile or not."""
    return tell_texts(before, after)
