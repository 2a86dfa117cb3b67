"""``muheng``: finds the language and the words for whatever goes wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import click

from muheng.cli.answer import Failure, explain_os_error
from muheng.cli.usage import explain_usage
from muheng.cli.verb import LANGUAGES, group, option, print_failure, print_lines
from muheng.documents.message import Language, Message, say

VERBS = (
    "run",
    "demo",
    "check",
    "evaluate",
    "explain",
    "advise",
    "whatif",
    "compare",
    "verify",
    "deadline",
    "aqi",
    "plan",
    "hj212",
    "upload",
    "serve",
)
HIDDEN_VERBS = ("reference",)
INTERRUPTED = 130


def main() -> None:
    """The entry point: runs the command line and exits with its code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 shows ? for what it lacks, rather than nothing at all.
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    code = run(sys.argv[1:])
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        # What is still held back cannot be written either; on the way out nobody is told twice.
        code = _leave_broken_pipe()
    sys.exit(code)


def run(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Run one command line; the answer is the exit code: 0 done, 1 refused or failed, 2 not understood, or the port is taken."""
    lang = find_language(arguments, environment)
    as_json = "--json" in arguments
    try:
        done = commands(lang).main(
            list(arguments), prog_name="muheng", standalone_mode=False, obj=environment
        )
        return done if isinstance(done, int) else 0
    except click.UsageError as error:
        failure = explain_usage(error)
    except Failure as caught:
        failure = caught
    except (click.Abort, KeyboardInterrupt):
        failure = Failure("interrupted", say("已中断，没有写下任何结果。"))
    except BrokenPipeError:
        return _leave_broken_pipe()
    except OSError as error:
        failure = Failure("file", explain_os_error(error))
    except Exception:
        traceback.print_exc()
        fix = say("请把以上内容和所用的命令发给维护者。")
        failure = Failure("internal", say("程序出错了，没有写下任何结果。"), fix)
    try:
        print_failure(failure, lang, as_json)
    except OSError:
        # Standard output is what failed: a full disk.
        print_lines(failure.lines(lang), sys.stderr)
    return {"usage": 2, "port": 2, "interrupted": INTERRUPTED}.get(failure.kind, 1)


def _leave_broken_pipe() -> int:
    """Whoever read our output has gone (`muheng … | head`): nobody is left to tell."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def find_language(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """``--lang`` wherever it stands, else MUHENG_LANG, else Chinese: needed before anything is parsed."""
    wanted = environment.get("MUHENG_LANG", "")
    for position, argument in enumerate(arguments):
        if argument == "--lang" and position + 1 < len(arguments):
            wanted = arguments[position + 1]
        elif argument.startswith("--lang="):
            wanted = argument.removeprefix("--lang=")
    return next((lang for lang in LANGUAGES if lang == wanted), "zh")


def commands(lang: Language) -> click.Group:
    """All verbs."""
    version_option = option(
        lang,
        "--version",
        about=say("显示版本。"),
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_version,
    )
    modules = {name: f"muheng.cli.{name}" for name in (*VERBS, *HIDDEN_VERBS)}
    return group("muheng", lang, _ABOUT, modules, version_option, hidden=HIDDEN_VERBS)


_ABOUT: Message = say("亩衡：把一个地方的评价办法和各部门的表格，变成能说明、能复核的企业等级。")


def _show_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"muheng {version('muheng')}")
        ctx.exit()


if __name__ == "__main__":
    main()
