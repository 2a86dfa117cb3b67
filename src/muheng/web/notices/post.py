"""One POST to a host outside, by addresses that people typed: bounded in time and size, and only to where it may go.

The name is resolved once and the connection made to that address, so that what was checked is what is reached. No
redirect is followed, no proxy used. Knows no messenger.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.encoding import iri_to_uri

from muheng.web.notices.reasons import Undelivered

CONNECT = 5.0  # seconds
PATIENCE = 10.0  # seconds for everything after the name is resolved
LARGEST = 64 * 1024  # bytes of an answer that are read
_HEADERS = {"User-Agent": "Muheng", "Accept-Encoding": "identity", "Connection": "close"}

# What clouds tell their machines about themselves, passwords included; 169.254.169.254 is link-local anyway.
_METADATA = frozenset(map(ip_address, ("100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
_THIS_NETWORK = ip_network("0.0.0.0/8")
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Answer:
    """What the other side said: its status, the beginning of its body, and how long it wants to be left alone."""

    status: int
    text: str
    pause: float = 0


class BadAddress(Exception):
    """An address that nothing is sent to, whatever it resolves to."""


def read_address(address: str) -> SplitResult:
    """The parts of an address that may be posted to, as far as can be said without asking for its name.

    Raises BadAddress.
    """
    if any(letter.isspace() or not letter.isprintable() for letter in address):
        raise BadAddress
    try:
        parts = urlsplit(address)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError) as error:
        raise BadAddress from error
    if parts.scheme not in ("http", "https") or not host or port == 0 or "%" in host:
        raise BadAddress
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddress
    literal = _literal(host)
    if not _is_listed(host) and (settings.WEBHOOK_HOSTS or (literal is not None and is_forbidden(literal))):
        raise BadAddress
    return parts


def post(address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a body and give the answer. Raises Undelivered where there is none, or one that leads elsewhere."""
    try:
        parts = read_address(address)
    except BadAddress as error:
        raise Undelivered("address") from error
    host = (parts.hostname or "").encode("idna").decode("ascii")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = _Pinned(host, port, _resolve(host, port), secure)
    late = Event()

    def give_up() -> None:
        late.set()
        connection.cut()

    timer = Timer(PATIENCE, give_up)
    timer.daemon = True
    timer.start()
    try:
        target = iri_to_uri(f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/")
        connection.request("POST", target, body, {**_HEADERS, **headers})
        response = connection.getresponse()
        text = response.read(LARGEST).decode("utf-8", "replace")
        if late.is_set():
            raise Undelivered("timeout")
        if 300 <= response.status < 400:
            raise Undelivered("redirect", response.headers.get("Location", "")[:200], response.status)
        return Answer(response.status, text, _pause(response.headers.get("Retry-After", "")))
    except ssl.SSLCertVerificationError as error:
        raise Undelivered("certificate", error.verify_message) from error
    except (OSError, HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise Undelivered("timeout") from error
        raise Undelivered("unreachable", f"{type(error).__name__}: {error}") from error
    finally:
        timer.cancel()
        connection.close()


def is_forbidden(address: IPv4Address | IPv6Address) -> bool:
    """This machine itself, its neighbours on the wire, what only clouds answer, and what is no host's address."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_forbidden(inner)
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or (address.is_reserved and not (isinstance(address, IPv6Address) and address in _NAT64))
        or address in _METADATA
        or (isinstance(address, IPv4Address) and address in _THIS_NETWORK)
    )


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_listed(host: str) -> bool:
    """Whether the site's setting names the host, or what it ends with (``.example.cn``)."""
    host = host.rstrip(".")
    allowed: tuple[str, ...] = settings.WEBHOOK_HOSTS
    return any(host == each or (each.startswith(".") and host.endswith(each)) for each in allowed)


def _resolve(host: str, port: int) -> str:
    """The address to connect to. Raises Undelivered where one that the name has is forbidden."""
    listed = _is_listed(host)
    if settings.WEBHOOK_HOSTS and not listed:
        raise Undelivered("address", host)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Undelivered("unknown_host", host) from error
    addresses = [str(entry[4][0]) for entry in found]
    # Whoever lists a host answers for where it leads.
    if not listed and any(is_forbidden(ip_address(each.partition("%")[0])) for each in addresses):
        raise Undelivered("address", host)
    return addresses[0]


def _pause(text: str) -> float:
    """Seconds of a Retry-After; dates are not read."""
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() and len(text) < 9 else 0


class _Pinned(HTTPConnection):
    """Connects to an address found before, and asks for the certificate of the host's name."""

    def __init__(self, host: str, port: int, address: str, secure: bool) -> None:
        self.default_port = 443 if secure else 80
        super().__init__(host, port)
        self._address, self._secure = address, secure
        self._live: socket.socket | None = None

    def connect(self) -> None:
        self.sock = self._live = socket.create_connection((self._address, self.port), CONNECT)
        self.sock.settimeout(PATIENCE)
        if self._secure:
            # The handshake is made by a socket that can be cut: wrapping takes the one before away.
            secured = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock = self._live = secured
            secured.do_handshake()

    def cut(self) -> None:
        """End the connection whatever it is doing, from another thread; an answer that is being read ends too."""
        if self._live is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._live, socket.SHUT_RDWR)
