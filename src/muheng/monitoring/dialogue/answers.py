"""Answers to uploads, written from their parts: the same bytes as ``hj212.encoding.acknowledge``, several times as fast."""

from __future__ import annotations

from muheng.monitoring.hj212.crc import compute_crc_text

_FLAGS = {2017: b"4", 2025: b"8"}


def make_tail(edition: int, password: bytes, mn: bytes) -> bytes:
    """What follows the QN in every 9014 to a device, from 2017 on."""
    return b";ST=91;CN=9014;PW=" + password + b";MN=" + mn + b";Flag=" + _FLAGS[edition] + b";CP=&&&&"


def acknowledge_upload(qn: bytes, tail: bytes) -> bytes:
    segment = b"QN=" + qn + tail
    return b"##%04d%b%b\r\n" % (len(segment), segment, compute_crc_text(segment))


def acknowledge_old(qn: bytes, command: bytes, numbers: bytes) -> bytes:
    """As in 2005; ``numbers`` are PNUM and PNO as sent, or nothing."""
    segment = b"ST=91;CN=9014;CP=&&QN=" + qn + b";CN=" + command + numbers + b"&&"
    return b"##%04d%b%b\r\n" % (len(segment), segment, compute_crc_text(segment))
