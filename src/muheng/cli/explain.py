"""``muheng explain``: why an enterprise has its grade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from muheng.cli.answer import Answer, Failure
from muheng.cli.bundle import bundle_argument, open_bundle
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
    )


def enterprise_argument() -> click.Argument:
    """CODE: a credit code, or a full name."""
    return click.Argument(["code"], metavar="CODE")


def explain_grade(bundle: str, code: str, lang: Language) -> Answer:
    from muheng.policy.explain import UnknownEnterprise, explain

    result = open_bundle(bundle)
    try:
        explanation = explain(result, code.strip())
    except UnknownEnterprise as error:
        raise refuse_enterprise(result, code) from error
    return Answer(explanation.lines(lang), explanation.json(lang))


def refuse_enterprise(result: Result, code: str) -> Failure:
    """No enterprise, or several, of this code or name; offers those whose name or code holds the text."""
    import polars as pl

    from muheng.intake.facts import CODE, NAME

    text = code.strip()
    holds = pl.col(NAME).str.contains(text, literal=True) | pl.col(CODE).str.contains(text, literal=True)
    like = result.facts.frame.filter(holds).select(NAME, CODE)
    fix: Message | None = None
    if text and like.height:
        shown = "、".join(f"{name}（{code}）" for name, code in like.head(OFFERED).iter_rows())
        fix = say("是不是：{names}？", names=shown)
        if like.height > OFFERED:
            fix = say("相近的有 {count} 户：{names}……", count=like.height, names=shown)
    return Failure("unknown", say("这份结果里没有“{code}”。", code=code), fix)
