"""A fuzzer for everything that reads bytes of the wire: ``make fuzz SECONDS=3600``. Not collected by pytest.

The input's first four bytes are a seed (where the stream is cut, in what order parts come), the rest is the stream.
Random bytes never pass a checksum, so the mutators work on frames and mend lengths and checksums afterwards.
A finding stops the run and its input is kept; what is found becomes a plain test.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["muheng.monitoring.hj212"]):
    from hj212_checks import check_memory, check_stream, define_crc
from packets import bytes_of, load_packets

from muheng.monitoring.hj212.encoding import NEEDS_ANSWER
from muheng.monitoring.hj212.sm4 import EXAMPLE_KEY, encipher

SEED_SIZE = 4
SPAN = 128
"""Under instrumentation each reading of an archive leaves some memory behind (``make fuzz`` takes turns); without it none."""
FRAME = re.compile(rb"##(?P<length>.{4})(?P<segment>.*?CP=&&.*?&&)(?P<crc>[0-9A-Fa-f]{4})", re.DOTALL)
MET = [bytes_of(packet) for packet in load_packets()]
WORDS = [
    b"##", b"&&", b"CP=&&", b"\r\n", b";", b",", b"=", b"//", b"-", b"##0000FFFF", b"##9999", b"##  12", b"{0x1,", b"{0xE4,0x3E}",
    b"Flag=9;", b"Flag=7;PNUM=2;PNO=1;", b"Flag=7;PNUM=2;PNO=2;", b"PNUM=999;PNO=3;", b"RF=1;", b"QN=20260801120000123;", b"MN=M1;",
    b"CN=2011;", b"ST=31;", b"DataTime=20260801120000;", b"DataTime=20260230000000", b"a21026-Rtd=12.34,a21026-Flag=N;", b"011-Avg=-.5",
    b"i11001-Info=//a;b=c,d//", b"w01018-Rtd=12345678901234567890", "中".encode(), "中".encode("gbk"), b"\x80", b"\0",
]  # fmt: skip


def run(data: bytes) -> None:
    seed, stream = int.from_bytes(data[:SEED_SIZE], "little"), data[SEED_SIZE:]
    # The archive reader's tables and tracing cost more than all the rest: now and then is often enough.
    check_stream(stream, seed, columns=seed % SPAN == 0)
    if seed % SPAN == 1:
        check_memory(stream)


# -- mutators --------------------------------------------------------------------------------------------------------


def mutate(data: bytes, most: int, seed: int) -> bytes:
    rng = random.Random(seed)
    head, stream = data[:SEED_SIZE].ljust(SEED_SIZE, b"\0"), data[SEED_SIZE:]
    if rng.random() < 0.3:
        head = rng.randbytes(SEED_SIZE)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        stream = rng.choice(MUTATORS)(rng, stream)
    return (head + stream)[:most]


def _mutate_plainly(rng: random.Random, stream: bytes) -> bytes:
    return bytes(atheris.Mutate(stream, len(stream) + 64))


def _put_word(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream) + 1)
    return stream[:at] + rng.choice(WORDS) + stream[at + rng.choice((0, 0, 1, 5)) :]


def _put_packet(rng: random.Random, stream: bytes) -> bytes:
    at = rng.choice((0, len(stream), rng.randrange(len(stream) + 1)))
    return stream[:at] + rng.choice(MET) + stream[at:]


def _repeat_piece(rng: random.Random, stream: bytes) -> bytes:
    a, b = sorted((rng.randrange(len(stream) + 1), rng.randrange(len(stream) + 1)))
    at = rng.randrange(len(stream) + 1)
    return stream[:at] + stream[a:b] + stream[at:]


def _drop_piece(rng: random.Random, stream: bytes) -> bytes:
    at = rng.randrange(len(stream) + 1)
    return stream[:at] + stream[at + rng.choice((1, 2, 8, 200)) :]


def _change_segment(
    change: Callable[[random.Random, bytes], bytes],
) -> Callable[[random.Random, bytes], bytes]:
    """One frame's segment, or all of them; length and checksum are right afterwards, mostly."""

    def act(rng: random.Random, stream: bytes) -> bytes:
        found = [*FRAME.finditer(stream)]
        if not found:
            return _put_packet(rng, stream)
        chosen = rng.choice(found)
        segment = change(rng, chosen["segment"])
        crc = b"%04X" % define_crc(_plain(segment))
        length = b"%04d" % (len(segment) % 10_000)
        spoiled = rng.random()
        if spoiled < 0.05:
            crc = rng.choice((crc.lower(), crc[2:] + crc[:2], crc.lstrip(b"0"), b"0000"))
        elif spoiled < 0.1:
            length = rng.choice((b"%4d" % (len(segment) % 10_000), b"9999", b"%04d" % (len(segment) // 2)))
        return stream[: chosen.start()] + b"##" + length + segment + crc + stream[chosen.end() :]

    return act


def _plain(segment: bytes) -> bytes:
    """What the checksum is of: what was enciphered a moment ago is known here."""
    return ENCIPHERED.get(segment, segment)


ENCIPHERED: dict[bytes, bytes] = {}


def _encipher(rng: random.Random, segment: bytes) -> bytes:
    head, mark, content = segment.partition(b"CP=&&")
    head = re.sub(rb"Flag=\d*;|^", b"Flag=%d;" % (8 | NEEDS_ANSWER), head, count=1)
    plain = head + mark + content
    content = content.removesuffix(b"&&")
    if len(content) < 16:
        return segment
    hidden = head + mark + encipher(content, EXAMPLE_KEY) + b"&&"
    if len(ENCIPHERED) > 1000:
        ENCIPHERED.clear()
    ENCIPHERED[hidden] = plain
    return hidden


def _leave(rng: random.Random, segment: bytes) -> bytes:
    return segment


MUTATORS = [
    _mutate_plainly,
    _put_word,
    _put_packet,
    _repeat_piece,
    _drop_piece,
    *(
        _change_segment(each)
        for each in (_mutate_plainly, _put_word, _repeat_piece, _drop_piece, _encipher, _leave)
    ),
    *(_change_segment(each) for each in (_mutate_plainly, _put_word)),
]


def main() -> None:
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, packet in enumerate(MET):
        (corpus / f"met-{number:03d}").write_bytes(number.to_bytes(SEED_SIZE, "little") + packet)
    atheris.Setup(sys.argv, run, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
