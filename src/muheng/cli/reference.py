"""``muheng reference``: the page docs/policy.md, made from the schema of policy files. For maintainers."""

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
        say("由规则文件的格式定义生成参考手册 docs/policy.md。"),
        write_reference,
        option(lang, "--out", about=say("写到哪个文件。"), required=True, metavar="FILE"),
        hidden=True,
    )


def write_reference(out: str, lang: Language) -> Answer:
    text = policy_reference()
    Path(out).write_text(text, encoding="utf-8", newline="\n")
    return Answer([say("写在 {out}", out=out).render(lang)], {"file": out, "characters": len(text)})


def policy_reference() -> str:
    """The whole page: the language and what it means, then every key."""
    from muheng.documents.reference import reference_markdown
    from muheng.policy.document import PolicyDocument

    introduction = files("muheng.cli").joinpath("policy_language.md").read_text(encoding="utf-8")
    return reference_markdown(PolicyDocument, "规则文件参考", introduction)
