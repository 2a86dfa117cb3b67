"""``muheng hj212``: read packets of HJ 212, receive them from devices, and devices that do not exist to try it with."""

from __future__ import annotations

import click

from muheng.cli.verb import group
from muheng.documents.message import Language, say

ACTS = ("decode", "serve", "simulate")


def command(lang: Language) -> click.Command:
    return group(
        "hj212",
        lang,
        say("污染源在线监控（HJ 212，2005、2017、2025 年版逐包识别）：读报文，接收设备的数据，模拟设备。"),
        {act: f"muheng.cli.hj212_{act}" for act in ACTS},
    )
