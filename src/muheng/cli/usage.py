"""A command line that click cannot read, in our words."""

from __future__ import annotations

from collections.abc import Iterable

import click

from muheng.cli.answer import Failure
from muheng.documents.message import Message, say
from muheng.documents.spelling import nearest


def refuse_verb(name: str, known: Iterable[str], command: str = "muheng") -> Failure:
    """No verb has this name, nor an act of the verb that is ``command``."""
    fix = say("用法见 {command} --help。", command=command)
    return Failure("usage", _suggest(say("没有命令“{name}”。", name=name), name, known), fix)


def refuse_surplus(surplus: Iterable[str], command: str) -> Failure:
    """More arguments than the verb takes."""
    what = say("多出来的参数：{surplus}。", surplus=" ".join(surplus))
    return Failure("usage", what, say("用法见 {command} --help。", command=command))


def explain_usage(error: click.UsageError) -> Failure:
    """What is wrong with the command line, and where its help is."""
    command = error.ctx.command_path if error.ctx is not None else "muheng"
    return Failure("usage", _what(error), say("用法见 {command} --help。", command=command))


def _what(error: click.UsageError) -> Message:
    match error:
        case click.NoSuchOption() if error.option_name[1:2].isdigit():
            return say("这里不能写负数。")
        case click.NoSuchOption():
            known = _flags(error.ctx)
            return _suggest(say("没有选项 {name}。", name=error.option_name), error.option_name, known)
        case click.MissingParameter():
            return say("缺少 {name}。", name=_name(error.param))
        case click.BadParameter() if error.param is not None:
            return _bad(error, error.param)
        case click.BadOptionUsage():
            return say("选项 {name} 后面要写一个值。", name=error.option_name)
        case _:
            return say("命令行写法不对：{what}", what=error.format_message())


def _bad(error: click.BadParameter, param: click.Parameter) -> Message:
    if isinstance(param.type, click.Choice):
        choices = "、".join(str(choice) for choice in param.type.choices)
        return say("{name} 只能写：{choices}。", name=_name(param), choices=choices)
    if isinstance(param.type, click.IntRange):
        return say(
            "{name} 应是 {low} 到 {high} 的整数。", name=_name(param), low=param.type.min, high=param.type.max
        )
    if param.type is click.INT:
        return say("{name} 应是整数。", name=_name(param))
    return say("{name} 的值不对：{what}", name=_name(param), what=error.message)


def _name(param: click.Parameter | None) -> str:
    if param is None:
        return "?"
    return param.opts[0] if isinstance(param, click.Option) else (param.name or "?").upper()


def _flags(ctx: click.Context | None) -> list[str]:
    return [flag for param in ctx.command.params for flag in param.opts] if ctx is not None else []


def _suggest(what: Message, word: str, known: Iterable[str]) -> Message:
    meant = nearest(word, list(known))
    return what if meant is None else say("{what}是不是 {meant}？", what=what, meant=meant)
