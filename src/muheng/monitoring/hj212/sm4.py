"""SM4 as HJ 212-2025 uses it: the contents between ``CP=&&`` and ``&&``, in whole blocks; what is left over stays plain.

The checksum is that of the plain packet, and as no block grows, the length is too. The standard prints cipher bytes as
``{0xE4,0x3E,…}``; devices that send them so are understood. Keys come from outside; none is kept here but the one of the
standard's own example, which everybody can read with.
"""

from __future__ import annotations

import re

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

BLOCK = 16
EXAMPLE_KEY = b"0" * BLOCK
"""Of HJ 212-2025, Annex A.2."""
_PRINTED = re.compile(rb"\{(0x[0-9A-Fa-f]{2}(?:,\s*0x[0-9A-Fa-f]{2})*)\}")


def encipher(content: bytes, key: bytes) -> bytes:
    """Raises ValueError where the key has not sixteen bytes."""
    whole = len(content) - len(content) % BLOCK
    encryptor = Cipher(SM4(key), modes.ECB()).encryptor()
    return encryptor.update(content[:whole]) + encryptor.finalize() + content[whole:]


def decipher(content: bytes, key: bytes) -> bytes:
    """Raises ValueError where the key has not sixteen bytes."""
    whole = len(content) - len(content) % BLOCK
    decryptor = Cipher(SM4(key), modes.ECB()).decryptor()
    return decryptor.update(content[:whole]) + decryptor.finalize() + content[whole:]


def read_printed(content: bytes) -> bytes | None:
    """The cipher bytes of ``{0xE4,0x3E,…}`` with the plain rest; None where the contents are not written so."""
    found = _PRINTED.match(content)
    if found is None:
        return None
    return bytes(int(digits, 16) for digits in found.group(1).split(b",")) + content[found.end() :]


def looks_enciphered(content: bytes) -> bool:
    """Whether the whole blocks hold what no text of these packets does."""
    whole = content[: len(content) - len(content) % BLOCK]
    return any(byte < 0x20 or byte == 0x7F for byte in whole) or not _is_text(content)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
