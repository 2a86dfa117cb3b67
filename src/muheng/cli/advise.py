"""``muheng advise``: what would lift one enterprise to a grade, verified by regrading its group."""

from __future__ import annotations

import click

from muheng.cli.answer import Answer, Failure
from muheng.cli.bundle import bundle_argument, open_bundle
from muheng.cli.explain import enterprise_argument, find_code
from muheng.cli.site import key_option
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, say


def command(lang: Language) -> click.Command:
    return verb(
        "advise",
        lang,
        say("一户企业怎样最省力地达到某一级；每个办法都按改变后的数据重算过全组。"),
        advise_enterprise,
        bundle_argument(),
        enterprise_argument(),
        option(lang, "--grade", about=say("想达到的等级，如 B。"), required=True, metavar="GRADE"),
        key_option(lang),
    )


def advise_enterprise(bundle: str, code: str, grade: str, lang: Language) -> Answer:
    from muheng.policy.advise import advise

    result = open_bundle(bundle)
    if grade not in result.plan.grades:
        grades = "、".join(result.plan.grades)
        raise Failure(
            "unknown", say("没有等级“{grade}”。", grade=grade), say("可用：{grades}。", grades=grades)
        )
    found = advise(result, find_code(result, code), grade)
    return Answer(found.lines(lang), found.json(lang))
