"""``muheng explain``: why an enterprise has its grade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from muheng.cli.answer import Answer, Failure
from muheng.cli.bundle import bundle_argument, open_bundle
from muheng.cli.site import key_option
from muheng.cli.verb import verb
from muheng.documents.message import Language, Message, say

if TYPE_CHECKING:
    from muheng.policy.run import Result

OFFERED = 5


def command(lang: Language) -> click.Command:
    return verb(
        "explain",
        lang,
        say("说明一户企业为什么是这个等级：从等级到各部门表格的单元格。CODE 是信用代码或企业全称。"),
        explain_grade,
        bundle_argument(),
        enterprise_argument(),
        key_option(lang),
    )


def enterprise_argument() -> click.Argument:
    """CODE: a credit code, or a full name."""
    return click.Argument(["code"], metavar="CODE")


def explain_grade(bundle: str, code: str, lang: Language) -> Answer:
    from muheng.policy.explain import explain

    result = open_bundle(bundle)
    explanation = explain(result, find_code(result, code))
    return Answer(explanation.lines(lang), explanation.json(lang))


def find_code(result: Result, text: str) -> str:
    """The credit code that is meant, by code or full name; merged enterprises have theirs too.

    Raises Failure that offers those whose name or code holds the text.
    """
    import polars as pl

    from muheng.intake.facts import CODE, NAME
    from muheng.standards.credit_code import normalise

    for code in (text.strip(), normalise(text)):
        if code in result.rows:
            return code
    name = text.strip()
    everyone = result.facts.frame.select(CODE, NAME)
    named = everyone.filter(pl.col(NAME) == name)
    if named.height == 1:
        return str(named[0, CODE])
    holds = pl.col(NAME).str.contains(name, literal=True) | pl.col(CODE).str.contains(name, literal=True)
    like = everyone.filter(holds) if name else everyone.clear()
    fix: Message | None = None
    if like.height:
        shown = "、".join(f"{name}（{code}）" for code, name in like.head(OFFERED).iter_rows())
        fix = say("是不是：{names}？", names=shown)
        if like.height > OFFERED:
            fix = say("相近的有 {count} 户：{names}……", count=like.height, names=shown)
    raise Failure("unknown", say("这份结果里没有“{code}”。", code=text), fix)
