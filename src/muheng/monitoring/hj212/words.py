"""The codes of verdicts in words, for people."""

from __future__ import annotations

from collections.abc import Mapping

from muheng.documents.message import Message, say
from muheng.monitoring.hj212.decoding import Packet

FORGIVEN: Mapping[str, Message] = {
    "crc_unpadded": say("校验码少了前面的 0"),
    "crc_modbus": say("校验码是 CRC-16/MODBUS 的，不是标准的"),
    "crc_swapped": say("校验码高低字节颠倒"),
    "crc_characters": say("校验码按字符算，没有按字节算"),
    "length_padding": say("长度用空格补齐，没有用 0"),
    "length_characters": say("长度按字符数，没有按字节数"),
    "length_wrong": say("长度写错，按校验码能确定数据段"),
}


def explain_reasons(packet: Packet) -> list[Message]:
    """Why the packet is not valid; empty where it is."""
    return [_explain(reason, packet) for reason in packet.reasons]


def _explain(reason: str, packet: Packet) -> Message:
    frame = packet.frame
    if reason == "crc":
        return say(
            "校验码写的是 {sent}，应为 {due}。",
            sent=frame.sent_crc.decode("ascii", "replace"),
            due=packet.crc.decode("ascii"),
        )
    if reason == "length":
        return say(
            "长度写的是“{sent}”，实为 {due} 字节。",
            sent=frame.declared.decode("ascii", "replace"),
            due=len(frame.segment),
        )
    if reason == "truncated":
        return say("没有收完，后面断了。")
    return say("数据区是加密的，没有能解开它的密钥，无法校验。")
