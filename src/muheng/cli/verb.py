"""How a verb becomes a command: its options, its language, and where its answer goes.

Knows click and the terminal; knows no verb.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from importlib import import_module
from typing import IO, Any

import click

from muheng.cli.answer import Answer, Failure, Feed, Table
from muheng.cli.usage import refuse_surplus, refuse_verb
from muheng.documents.message import Language, Message, say

LANGUAGES: tuple[Language, ...] = ("zh", "en")
SHORT = 80


def verb(
    name: str,
    lang: Language,
    about: Message,
    act: Callable[..., Answer | Feed | Generator[Answer]],
    *params: click.Parameter,
    hidden: bool = False,
) -> click.Command:
    """A command that calls ``act`` with the language and its parameters, and prints the answer.

    A verb that goes on after it has answered is a generator of that one answer.
    Options that may be repeated take several values after one flag: ``--data a.xlsx b.xlsx``.
    """

    def callback(as_json: bool, **values: Any) -> int:
        answer = act(**values)
        if isinstance(answer, Feed):
            return pour(answer, as_json)
        if isinstance(answer, Answer):
            return give(answer, as_json)
        with closing(answer) as answers:
            return max(give(each, as_json) for each in answers)

    command = _Verb(
        name,
        params=[*params, *_common(lang)],
        callback=callback,
        help=about.render(lang),
        short_help=re.split(r"(?<=[。.]) ?", about.render(lang))[0],
        add_help_option=False,
        hidden=hidden,
        context_settings={"allow_extra_args": True},
    )
    command.context_class = context_class(lang)
    return command


def give(answer: Answer, as_json: bool) -> int:
    """Print the answer; gives the exit code."""
    if as_json:
        print_json(answer.data)
    else:
        print_lines(answer.lines)
    return 1 if answer.failed else 0


def pour(feed: Feed, as_json: bool) -> int:
    """Print what comes, as it comes."""
    if as_json:
        for each in feed.data():
            print_json(each, short=True)
    else:
        for line in feed.lines():
            print_lines([line])
    return 0


def group(
    name: str,
    lang: Language,
    about: Message,
    acts: Mapping[str, str],
    *params: click.Parameter,
    hidden: Collection[str] = (),
) -> click.Group:
    """``acts`` names for each the module that makes its command, loaded when it is asked for. Alone it shows its help."""
    found = _Acts(
        name,
        params=[*params, language_option(lang, expose_value=False), help_option(lang)],
        help=about.render(lang),
        add_help_option=False,
    )
    found.context_class = context_class(lang)
    found.lang, found.acts, found.hidden_acts = lang, acts, hidden
    return found


class _Acts(click.Group):
    lang: Language
    acts: Mapping[str, str]
    hidden_acts: Collection[str]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [act for act in self.acts if act not in self.hidden_acts]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.acts:
            return None
        command: click.Command = import_module(self.acts[cmd_name]).command(self.lang)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args[0].startswith("-") and args[0] not in self.acts:
            raise refuse_verb(args[0], self.list_commands(ctx), ctx.command_path)
        return super().resolve_command(ctx, args)


class _Verb(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        greedy = {
            flag
            for param in self.params
            if isinstance(param, click.Option) and param.multiple
            for flag in param.opts
        }
        super().parse_args(ctx, _spread(args, greedy))
        if ctx.args and not ctx.resilient_parsing:
            raise refuse_surplus(ctx.args, ctx.command_path)
        return []


def _spread(args: Sequence[str], greedy: set[str]) -> list[str]:
    """``--data a b`` as ``--data a --data b``: a shell spreads ``--data *.xlsx`` before we see it."""
    spread: list[str] = []
    flag: str | None = None
    waiting = False
    for position, argument in enumerate(args):
        if argument == "--":
            return spread + list(args[position:])
        if argument.startswith("-") and argument != "-":
            flag = argument if argument in greedy else None
            waiting = flag is not None
            if flag is None:
                spread.append(argument)
        elif flag is not None:
            spread += [flag, argument]
            waiting = False
        else:
            spread.append(argument)
    return [*spread, flag] if waiting and flag is not None else spread


def option(lang: Language, *names: str, about: Message, **settings: Any) -> click.Option:
    """A click option whose help is in the language."""
    if settings.get("required"):
        about = say("{about}必填。", about=about)
    return _Option(list(names), help=about.render(lang), **settings)


class _Option(click.Option):
    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Without click's own remarks on types and defaults, which it makes in English."""
        record = super().get_help_record(ctx)
        return None if record is None else (record[0], self.help or "")


def _common(lang: Language) -> list[click.Parameter]:
    only_json = say("标准输出只有一份 JSON，供程序读取。")
    return [
        option(lang, "--json", "as_json", about=only_json, is_flag=True),
        language_option(lang),
        help_option(lang),
    ]


def language_option(lang: Language, **settings: Any) -> click.Option:
    """--lang; its value is found before anything else is read."""
    about = say("所说的语言：zh 中文，en 英文；也可用环境变量 MUHENG_LANG 设定。")
    return option(lang, "--lang", about=about, type=click.Choice(LANGUAGES), default=lang, **settings)


def help_option(lang: Language) -> click.Option:
    """--help, explained in the language."""

    def show(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()

    return option(
        lang,
        "--help",
        about=say("显示这份说明。"),
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
    )


# -- where answers go ------------------------------------------------------------------------------


def print_json(data: Mapping[str, Any], stream: IO[str] | None = None, short: bool = False) -> None:
    """One document, on one line where it is short or must be. A terminal that cannot show Chinese gets escapes."""
    target = stream or sys.stdout
    plain = (getattr(target, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8"
    text = json.dumps(data, ensure_ascii=plain)
    if len(text) > SHORT and not short:
        text = json.dumps(data, ensure_ascii=plain, indent=1)
    click.echo(text, file=target)


def print_lines(lines: Sequence[str | Table], stream: IO[str] | None = None) -> None:
    for line in lines:
        text = line if isinstance(line, str) else "\n".join(lay_out(line))
        click.echo(text, file=stream or sys.stdout)


def print_failure(failure: Failure, lang: Language, as_json: bool) -> None:
    """In JSON the error is the one document on standard output, or the last line of many; words go to standard error."""
    if as_json:
        print_json(failure.json(lang), short=True)
    else:
        print_lines(failure.lines(lang), sys.stderr)


def lay_out(table: Table) -> list[str]:
    """The table in columns; a Chinese character takes two places."""
    rows = [list(table.headers), *(list(row) for row in table.rows)]
    widths = [max(width(row[column]) for row in rows) for column in range(len(table.headers))]
    return [
        "  "
        + "  ".join(
            _padded(text, widths[column], left=column < table.texts) for column, text in enumerate(row)
        ).rstrip()
        for row in rows
    ]


def _padded(text: str, wide: int, *, left: bool) -> str:
    space = " " * (wide - width(text))
    return text + space if left else space + text


def width(text: str) -> int:
    """Columns of a terminal that the text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


# -- help pages ------------------------------------------------------------------------------------

_HEADINGS: Mapping[str, Message] = {"Options": say("选项"), "Commands": say("命令")}


class _ChineseFormatter(click.HelpFormatter):
    """Wraps by the columns that Chinese characters take; they may be parted anywhere."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or str(say("用法：")))

    def write_heading(self, heading: str) -> None:
        super().write_heading(str(_HEADINGS.get(heading, heading)))

    def write_text(self, text: str) -> None:
        for line in wrap(text, self.width - self.current_indent):
            self.write(" " * self.current_indent + line + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        first = min(max(len(name) for name, _ in rows), col_max) + col_spacing
        for name, text in rows:
            lead = " " * self.current_indent + name.ljust(first)
            for line in wrap(text, self.width - self.current_indent - first):
                self.write(lead + line + "\n")
                lead = " " * (self.current_indent + first)


def wrap(text: str, wide: int) -> list[str]:
    """Lines of at most ``wide`` columns, broken between Chinese characters or at spaces."""
    lines = [""]
    for word in re.findall(r"[\x21-\x7e]+|\s+|.", text):
        # A comma does not begin a line.
        if width(lines[-1]) + width(word) > wide and word not in "，。；：、）”":
            lines.append("")
        if lines[-1] or not word.isspace():
            lines[-1] += word
    return [line.rstrip() for line in lines]


class _ChineseContext(click.Context):
    formatter_class = _ChineseFormatter


def context_class(lang: Language) -> type[click.Context]:
    """What lays out help pages in the language."""
    return _ChineseContext if lang == "zh" else click.Context
