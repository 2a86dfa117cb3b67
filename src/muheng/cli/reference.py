"""``muheng reference``: docs/policy.md, cases.md, matching.md and emergency.md, made from the schemas of these files. For maintainers."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from muheng.cli.answer import Answer
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, say


def command(lang: Language) -> click.Command:
    return verb(
        "reference",
        lang,
        say("由规则文件、事项类型、供需规则、应急减排设置的格式定义生成 docs 里的参考手册。"),
        write_reference,
        option(lang, "--out", about=say("写到哪个文件。"), required=True, metavar="FILE"),
        option(
            lang,
            "--of",
            "subject",
            about=say(
                "哪一本：policy 规则文件，cases 事项类型，matching 供需规则，emergency 应急减排设置；不写为 policy。"
            ),
            type=click.Choice(("policy", "cases", "matching", "emergency")),
            default="policy",
        ),
        hidden=True,
    )


def write_reference(out: str, subject: str, lang: Language) -> Answer:
    make = {
        "policy": policy_reference,
        "cases": case_reference,
        "matching": matching_reference,
        "emergency": emergency_reference,
    }[subject]
    text = make()
    Path(out).write_text(text, encoding="utf-8", newline="\n")
    return Answer([say("写在 {out}", out=out).render(lang)], {"file": out, "characters": len(text)})


def policy_reference() -> str:
    """The whole page: the language and what it means, then every key."""
    from muheng.documents.reference import reference_markdown
    from muheng.policy.document import PolicyDocument

    return reference_markdown(PolicyDocument, "规则文件参考", _introduction("policy_language.md"))


def case_reference() -> str:
    """The guide to case types, then every key."""
    from muheng.casework.document import CaseType
    from muheng.documents.reference import reference_markdown

    return reference_markdown(CaseType, "事项类型参考", _introduction("case_language.md"))


def matching_reference() -> str:
    """The guide to matching rules, then every key."""
    from muheng.documents.reference import reference_markdown
    from muheng.matching.document import MatchingDocument

    return reference_markdown(MatchingDocument, "供需规则参考", _introduction("matching_language.md"))


def emergency_reference() -> str:
    """What each choice means exactly, then every key of the settings and of the table of norms."""
    from muheng.documents.reference import reference_markdown
    from muheng.emergency.norms import Norms
    from muheng.emergency.settings import Settings

    settings = reference_markdown(Settings, "应急减排设置参考", _introduction("emergency_language.md"))
    return f"{settings}\n{reference_markdown(Norms, '最低措施表参考')}"


def _introduction(name: str) -> str:
    return files("muheng.cli").joinpath(name).read_text(encoding="utf-8")
