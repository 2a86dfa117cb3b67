"""``muheng run``: everything once, on the demo city: what a newcomer sees first."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muheng.cli.answer import Answer, Failure, Table
from muheng.cli.bundle import BUNDLE
from muheng.cli.demo import SEED, YEAR, write_city
from muheng.cli.evaluate import REPORT, STEPS, describe, evaluate_all, summary
from muheng.cli.progress import show_progress
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, say

if TYPE_CHECKING:
    from muheng.policy.run import Result

CITY, POLICY = "maanshan", "ah-maanshan-demo"
DATA, RESULTS = "demo", "results"


def command(lang: Language) -> click.Command:
    return verb(
        "run",
        lang,
        say("从头到尾走一遍：造演示城市，读部门表格，评价，写结果，复核，说明一户。"),
        show_everything,
        option(lang, "--out", about=say("写到哪个文件夹（默认 out）。"), default="out", metavar="DIR"),
        option(lang, "--quiet", about=say("不显示进度。"), is_flag=True),
    )


def show_everything(out: str, quiet: bool, lang: Language) -> Answer:
    from muheng.policy.explain import explain
    from muheng.policy.seal import verify_bundle

    data, results = Path(out) / DATA, Path(out) / RESULTS
    with show_progress(STEPS + 2, lang, quiet) as step:
        step(say("造演示城市"))
        written = write_city(CITY, data, SEED, YEAR)
        done = evaluate_all(
            POLICY, [str(data)], [str(written.past)], YEAR, results, "polars", None, lang, step
        )
        step(say("复核封存包"))
        proof = verify_bundle(results / BUNDLE)
    if not proof.proved:
        raise Failure("bundle", say("封存包复核不符：{what}", what=proof.findings[0].what))
    code = choose_example(done.result)
    explanation = explain(done.result, code)
    bundle = results / BUNDLE
    program, sealed = program_name(), shlex.quote(str(bundle))
    commands = (
        (f"explain {sealed} {code}", say("一户企业为什么是这个等级")),
        (f"advise {sealed} {code} --grade A", say("怎样最省力地升级")),
        (f"whatif {sealed} --set grading.quota.A=25%", say("改一条规则，谁会变")),
        (f"verify {sealed}", say("重算复核")),
    )
    lines: list[str | Table] = [
        say(
            "演示城市：{count} 户虚构企业，部门表格在 {folder}",
            count=f"{written.city.truth.height:,}",
            folder=data,
        ).render(lang),
        "",
        *summary(done, lang),
        "",
        say("复核：用封存的规则和数据重算，逐字节相同。").render(lang)
        if proof.same_bytes
        else say("复核：用封存的规则和数据重算，每个数都相同。").render(lang),
        "",
        say("举一户为例").render(lang),
        *(f"  {line}" for line in explanation.lines(lang)),
        "",
        say("接下来可以").render(lang),
        say("  用浏览器打开 {report}", report=results / REPORT).render(lang),
        *(f"  {program} {command}   # {what.render(lang)}" for command, what in commands),
    ]
    return Answer(
        lines,
        {
            "demo": {
                "city": written.city.pack,
                "folder": str(data),
                "enterprises": written.city.truth.height,
            },
            "evaluation": describe(done, lang),
            "proved": proof.proved,
            "example": explanation.json(lang),
        },
    )


def program_name() -> str:
    """How this muheng can be called again: it may not be on the search path."""
    if shutil.which("muheng"):
        return "muheng"
    beside = Path(sys.executable).parent / "muheng"
    try:
        return shlex.quote(str(beside.relative_to(Path.cwd())))
    except ValueError:
        return shlex.quote(str(beside))


def choose_example(result: Result) -> str:
    """The first enterprise below the best cut: its explanation says what it lacks."""
    import polars as pl

    from muheng.intake.facts import CODE
    from muheng.policy import plan as p

    second = result.plan.grades[1]
    graded = result.grades.filter(
        (pl.col(p.FIRST_GRADE) == second)
        & (pl.col(p.GRADE) == second)
        & (pl.col(p.CLASS) == result.plan.classes[0])
    ).sort(p.PLACE)
    return str(graded[0, CODE])
