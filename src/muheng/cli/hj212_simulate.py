"""``muheng hj212 simulate``: devices that do not exist send to a receiver."""

from __future__ import annotations

import click

from muheng.cli.answer import Answer, Failure
from muheng.cli.verb import verb
from muheng.documents.message import Language, say


def command(lang: Language) -> click.Command:
    return verb("simulate", lang, say("模拟设备，向接收端发报文。"), simulate)


def simulate(lang: Language) -> Answer:
    raise Failure("engine", say("模拟设备还没有装上。"))
