"""``muheng evaluate``: departments' files and a policy to grades, lists, a report and a sealed bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from muheng.cli.answer import Answer, Detail, Failure, Table
from muheng.cli.bundle import BUNDLE
from muheng.cli.output import fill_folder
from muheng.cli.progress import Step, show_progress
from muheng.cli.site import key_option
from muheng.cli.sources import Data, misfit_details, read_data, read_layouts, read_policy
from muheng.cli.verb import option, verb
from muheng.documents.diagnostic import diagnostic_json, format_diagnostics
from muheng.documents.message import Language, Message, Refusal, say

if TYPE_CHECKING:
    from muheng.documents.diagnostic import Diagnostic
    from muheng.policy.plan import Plan
    from muheng.policy.run import Result
    from muheng.reports.figures import Breakdown, ProblemGroup

WORKBOOK, REPORT, TABLE, ANNOTATED = "results.xlsx", "report.html", "results.parquet", "annotated"
OUTPUTS = (WORKBOOK, REPORT, TABLE, BUNDLE, ANNOTATED)

Engine = Literal["polars", "duckdb"]


def command(lang: Language) -> click.Command:
    return verb(
        "evaluate",
        lang,
        say(
            "按规则评价一年的企业，写出名单、报告、封存包和标好问题的部门表格。"
            "POLICY 是规则文件、随软件所带规则的编号，或网站上一份办法的地址。"
        ),
        evaluate_files,
        click.Argument(["policy"], metavar="POLICY"),
        option(
            lang,
            "--data",
            about=say(
                "数据：部门表格、装着它们的文件夹、一张平表、已核数据的文件夹、封存包，或网站上的地址；可写几个。"
            ),
            multiple=True,
            required=True,
            metavar="FILE",
        ),
        option(
            lang,
            "--previous",
            about=say("上年的数据，写法同 --data；规则用到上年平均时必须给。"),
            multiple=True,
            metavar="FILE",
        ),
        option(
            lang,
            "--year",
            about=say("评价哪一年。"),
            type=click.IntRange(2001, 2099),
            metavar="YEAR",
            required=True,
        ),
        option(lang, "--out", about=say("结果写到哪个文件夹。"), required=True, metavar="DIR"),
        option(
            lang,
            "--engine",
            about=say("用什么计算，结果相同（默认 polars）。"),
            type=click.Choice(["polars", "duckdb"]),
            default="polars",
        ),
        option(
            lang,
            "--city",
            about=say("按哪个城市包认部门表格（默认是规则所在的城市包，没有则用通用布局）。"),
            metavar="PACK",
        ),
        key_option(lang),
        option(lang, "--quiet", about=say("不显示进度。"), is_flag=True),
    )


@dataclass(frozen=True)
class Evaluation:
    """One policy run, its data and what was written where."""

    plan: Plan
    result: Result
    data: Data
    warnings: tuple[Diagnostic, ...]
    by_class: Breakdown
    problems: tuple[ProblemGroup, ...]
    out: Path
    handed_back: tuple[str, ...]
    seal: str
    city: str | None
    engine: Engine


def evaluate_files(
    policy: str,
    data: tuple[str, ...],
    previous: tuple[str, ...],
    year: int,
    out: str,
    engine: Engine,
    city: str | None,
    quiet: bool,
    lang: Language,
) -> Answer:
    with show_progress(STEPS, lang, quiet) as step:
        done = evaluate_all(policy, data, previous, year, Path(out), engine, city, lang, step)
    return Answer(summary(done, lang), describe(done, lang))


STEPS = 7


def evaluate_all(
    policy: str,
    given: Sequence[str],
    previous: Sequence[str],
    year: int,
    out: Path,
    engine: Engine,
    city: str | None,
    lang: Language,
    step: Step,
) -> Evaluation:
    """Read, evaluate, write. Raises Failure, and then nothing is written."""
    from muheng.policy.bind import find_unprovided

    plan, path, warnings = read_policy(policy)
    layouts, pack = read_layouts(path, city)
    # A folder that cannot be written is told before minutes of work, not after.
    with fill_folder(out, OUTPUTS, BUNDLE) as folder:
        step(say("读取部门数据"))
        past = read_data(previous, plan, layouts, year - 1) if previous else None
        data = read_data(given, plan, layouts, year, past.facts if past else None)
        data = replace(data, problems=(*data.problems, *find_unprovided(plan, data.facts)))
        step(say("评价 {count} 户企业", count=f"{data.facts.frame.height:,}"))
        result = run_engine(plan, data, past, engine)
        versions = engine_versions(engine)
        city_name = pack.city.name if pack is not None else None
        last_year = past.grades if past is not None else None
        from muheng.policy.seal import write_bundle
        from muheng.reports.figures import count_grades, group_problems
        from muheng.reports.listing import list_subjects
        from muheng.reports.page import write_report
        from muheng.reports.workbook import write_results

        step(say("写名单 {file}", file=WORKBOOK))
        write_results(
            result, data.problems, folder / WORKBOOK, last_year=last_year, lang=lang, engines=versions
        )
        step(say("写报告 {file}", file=REPORT))
        write_report(
            result,
            data.problems,
            folder / REPORT,
            city=city_name,
            last_year=last_year,
            lang=lang,
            engines=versions,
        )
        step(say("写数据表 {file}", file=TABLE))
        write_table(result, folder / TABLE)
        step(say("封存 {file}", file=BUNDLE))
        seal = write_bundle(result, folder / BUNDLE, engine)
        step(say("在部门表格上标出问题"))
        handed_back = hand_back(data, folder / ANNOTATED, lang)
        listing = list_subjects(result, last_year)
        by_class = count_grades(listing, "类别", plan.grades)
    return Evaluation(
        plan,
        result,
        data,
        warnings,
        by_class,
        group_problems(result, data.problems),
        out,
        handed_back,
        seal,
        city_name,
        engine,
    )


def run_engine(plan: Plan, data: Data, past: Data | None, engine: Engine) -> Result:
    """Evaluate. Raises Failure with every misfit, and with the files' problems that may be behind it."""
    from muheng.policy.bind import DataError
    from muheng.policy.run import evaluate

    try:
        return evaluate(plan, data.facts, previous=past.facts if past else None, engine=engine)
    except DataError as error:
        details = misfit_details(error)
        details += [
            Detail(
                say("{file}：{what}", file=problem.file or "—", what=problem.what),
                problem.fix,
                {"file": problem.file, "sheet": problem.sheet},
            )
            for problem in data.problems
            if problem.severity == "error" and problem.row is None
        ]
        what = say("数据与规则不符，没有运行，也没有写下任何结果：")
        raise Failure("data", what, details=details) from error
    except Refusal as refusal:
        raise Failure("engine", refusal.what, refusal.fix) from refusal


def engine_versions(engine: Engine) -> Mapping[str, str]:
    """What computed the result, for the record."""
    from importlib.metadata import version

    names = ("muheng", "polars") if engine == "polars" else ("muheng", "duckdb", "ibis-framework", "polars")
    return {name: version(name) for name in names}


def write_table(result: Result, path: Path) -> None:
    """results.parquet. The same result gives the same bytes."""
    from muheng.cli.table import readable

    readable(result).write_parquet(path, compression="zstd", compression_level=3, statistics=False)


def hand_back(data: Data, folder: Path, lang: Language) -> tuple[str, ...]:
    """Departments' workbooks with their problems marked; those without a problem need no handing back."""
    from muheng.intake.annotate import annotate

    troubled = {problem.file for problem in data.problems}
    written: list[str] = []
    for file in data.files:
        if file.name not in troubled:
            continue
        folder.mkdir(exist_ok=True)
        name = file.name if file.suffix.lower() == ".xlsx" else f"{file.name}.xlsx"
        annotate(file, data.problems, folder / name, lang)
        written.append(name)
    return tuple(written)


# -- what is said ----------------------------------------------------------------------------------


def summary(done: Evaluation, lang: Language) -> list[str | Table]:
    """The outcome for a person: what was read, the grades, the problems, the files."""
    policy = done.plan.document.policy
    head = [policy.name, say("{year} 年", year=done.result.year).render(lang), done.city]
    lines: list[str | Table] = [" · ".join(part for part in head if part)]
    if policy.illustrative:
        lines.append(say("示例规则，不是当地现行规定。").render(lang))
    if done.warnings:
        lines += ["", format_diagnostics(done.warnings, lang)]
    lines += ["", *done.data.lines(lang)]
    lines += ["", _grade_title(done).render(lang), grade_table(done, lang)]
    lines += ["", *problem_lines(done, lang)]
    lines += ["", say("写在 {out}", out=done.out).render(lang)]
    lines += [f"  {name:<16} {what.render(lang)}" for name, what in written_files(done)]
    return lines


def _grade_title(done: Evaluation) -> Message:
    merged = done.data.facts.frame.height - done.result.values.height
    if merged:
        return say("等级（户；另有 {count} 户并入同一宗地的主体企业一起评价）", count=_count(merged))
    return say("等级（户）")


def grade_table(done: Evaluation, lang: Language) -> Table:
    """Grades by class."""
    ungraded, none = say("未定级").render(lang), say("未归类").render(lang)
    every = say("合计").render(lang)
    counted = done.by_class
    order = {name: place for place, name in enumerate(done.plan.classes)}
    rows = sorted(
        zip(counted.labels, counted.counts, strict=True), key=lambda row: order.get(row[0] or "", len(order))
    )
    shown = [(label or none, *map(_count, counts), _count(sum(counts))) for label, counts in rows]
    if len(shown) > 1:
        shown.append((every, *map(_count, counted.totals), _count(counted.size)))
    return Table((say("类别").render(lang), *counted.grades, ungraded, every), shown)


def problem_lines(done: Evaluation, lang: Language) -> list[str | Table]:
    from muheng.intake.problem import format_problem

    problems = done.data.problems
    if not problems:
        return [say("数据没有发现问题。").render(lang)]
    unknown = say("部门未知").render(lang)
    rows = [
        (group.department or unknown, "、".join(files), _count(group.errors), _count(group.warnings))
        for group in done.problems
        if (files := [file for file in group.files if file])
    ]
    head = (say("部门"), say("文件"), say("错误"), say("提示"))
    total = say(
        "数据问题 {count} 处（有错误的行没有导入，按缺数据处理）", count=_count(len(problems))
    ).render(lang)
    # What concerns no file, such as a figure that nobody has, concerns everyone.
    general = [format_problem(problem, lang) for problem in problems if not problem.file]
    table = [Table(tuple(word.render(lang) for word in head), rows, texts=2)] if rows else []
    return [*general, total, *table]


def written_files(done: Evaluation) -> list[tuple[str, Message]]:
    """Each output with what it is for."""
    files = [
        (WORKBOOK, say("公布名单、明细、数据问题、分界、统计")),
        (REPORT, say("一页报告，用浏览器打开，不需要网络")),
        (TABLE, say("每户每一个数，供其他程序读")),
        (BUNDLE, say("封存包，印记 {seal}", seal=done.seal)),
    ]
    if done.handed_back:
        files.append(
            (f"{ANNOTATED}/", say("{count} 个部门文件，问题已标在单元格上", count=len(done.handed_back)))
        )
    return files


def _count(number: int) -> str:
    return f"{number:,}"


def describe(done: Evaluation, lang: Language) -> dict[str, Any]:
    """The outcome for a program."""
    from muheng.intake.problem import problem_json

    policy = done.plan.document.policy
    counted = done.by_class
    grades = (*counted.grades, "ungraded")
    return {
        "policy": {"id": policy.id, "name": policy.name, "illustrative": policy.illustrative},
        "year": done.result.year,
        "city": done.city,
        "engine": done.engine,
        "read": done.data.json(),
        "enterprises": done.data.facts.frame.height,
        "subjects": done.result.values.height,
        "grades": dict(zip(grades, counted.totals, strict=True)),
        "classes": {
            label or "": dict(zip(grades, counts, strict=True))
            for label, counts in zip(counted.labels, counted.counts, strict=True)
        },
        "problems": {
            "errors": sum(group.errors for group in done.problems),
            "warnings": sum(group.warnings for group in done.problems),
            "departments": [
                {
                    "department": group.department,
                    "errors": group.errors,
                    "warnings": group.warnings,
                    "files": list(group.files),
                }
                for group in done.problems
            ],
            "list": [problem_json(problem, lang) for problem in done.data.problems],
        },
        "diagnostics": [diagnostic_json(found, lang) for found in done.warnings],
        "open": list(policy.open),
        "seal": done.seal,
        "out": str(done.out),
        "files": [
            *(str(done.out / name) for name in (WORKBOOK, REPORT, TABLE, BUNDLE)),
            *(str(done.out / ANNOTATED / name) for name in done.handed_back),
        ],
    }
