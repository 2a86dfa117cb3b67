"""What a verb says when it is done, in words and as JSON; and what it says when it cannot do its work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from muheng.documents.diagnostic import Diagnostic, diagnostic_json, format_diagnostics
from muheng.documents.message import Language, Message, say
from muheng.documents.os_error import name_reason


@dataclass(frozen=True)
class Table:
    """Rows under headers; the columns after the first ``texts`` hold numbers and stand to the right."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1


@dataclass(frozen=True)
class Answer:
    """``lines`` for a person, ``data`` for a program; ``failed`` is exit code 1."""

    lines: Sequence[str | Table]
    data: Mapping[str, Any]
    failed: bool = False


@dataclass(frozen=True)
class Feed:
    """Answers too many to hold: ``lines`` for a person or a line of JSON each for a program; only one is asked for."""

    lines: Callable[[], Iterable[str | Table]]
    data: Callable[[], Iterable[Mapping[str, Any]]]


@dataclass(frozen=True)
class Detail:
    """One of several reasons; ``about`` is what JSON adds to the words."""

    what: Message
    fix: Message | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


KINDS: Mapping[str, Message] = {
    "usage": say("命令行写法不对"),
    "file": say("文件或文件夹找不到、读不了"),
    "policy": say("规则、布局或城市包有错误"),
    "data": say("数据有错误，或与规则不符"),
    "bundle": say("封存包打不开，或与封存时不符"),
    "unknown": say("没有这户企业、等级或编号"),
    "output": say("结果写不进去"),
    "engine": say("计算引擎没有安装"),
    "port": say("网站的地址或端口用不了"),
    "site": say("网站启动不了"),
    "connection": say("连不上网站，或那里不是亩衡的网站"),
    "remote": say("网站没有照办：密钥、权限、地址或内容不对"),
    "interrupted": say("被中断"),
    "internal": say("程序自身的错误"),
}
"""Every kind of failure, as docs/cli.md lists them; ``usage`` and ``port`` are exit code 2, ``interrupted`` 130, others 1."""


class Failure(Exception):
    """The work cannot be done. ``kind`` is one of KINDS; ``about`` is what JSON adds to the words."""

    def __init__(
        self,
        kind: str,
        what: Message,
        fix: Message | None = None,
        details: Sequence[Detail] = (),
        diagnostics: Sequence[Diagnostic] = (),
        about: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(str(what))
        assert kind in KINDS, kind
        self.kind = kind
        self.what = what
        self.fix = fix
        self.details = details
        self.diagnostics = diagnostics
        self.about = about or {}

    def lines(self, lang: Language, most: int = 40) -> list[str]:
        shown = [self.what.render(lang)]
        if self.fix is not None:
            shown.append("  " + self.fix.render(lang))
        for detail in self.details[:most]:
            shown.append("· " + detail.what.render(lang))
            if detail.fix is not None:
                shown.append("  " + detail.fix.render(lang))
        if len(self.details) > most:
            shown.append(
                say("……另有 {count} 条，全部见 --json。", count=len(self.details) - most).render(lang)
            )
        if self.diagnostics:
            shown.append(format_diagnostics(self.diagnostics, lang))
        return shown

    def json(self, lang: Language) -> dict[str, Any]:
        error: dict[str, Any] = {
            **self.about,
            "kind": self.kind,
            "what": self.what.render(lang),
            "fix": None if self.fix is None else self.fix.render(lang),
            "details": [
                {
                    **detail.about,
                    "what": detail.what.render(lang),
                    "fix": None if detail.fix is None else detail.fix.render(lang),
                }
                for detail in self.details
            ],
        }
        if self.diagnostics:
            error["diagnostics"] = [diagnostic_json(found, lang) for found in self.diagnostics]
        return {"error": error}


def explain_os_error(error: OSError) -> Message:
    """What the system refused, with the file where it is known."""
    reason = name_reason(error)
    if error.filename is None:
        return say("文件读写失败：{reason}。", reason=reason)
    return say("{file}：{reason}。", file=error.filename, reason=reason)
