"""Where channels may not lead: to this machine, to what only clouds answer, elsewhere than was checked."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from muheng.web.notices import post
from muheng.web.notices.post import BadAddress, is_forbidden, read_address
from muheng.web.notices.reasons import Undelivered
from web.notices.servers import receiving


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.10", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "100.100.100.200",
        "192.0.0.192", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "ff02::1", "fd00:ec2::254",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_addresses_that_nothing_is_sent_to(address: str) -> None:
    assert is_forbidden(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["10.0.0.5", "172.16.3.4", "192.168.1.9", "100.64.0.1", "47.92.1.1", "fd12::5", "2400:3200::1", "64:ff9b::2f5c:101"],
)  # fmt: skip
def test_intranets_and_the_world_are_reached(address: str) -> None:
    assert not is_forbidden(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "", "example.cn", "ftp://example.cn/", "file:///etc/passwd", "http://", "http:///x", "http://user:p@example.cn/",
        "http://user@example.cn/", "http://example.cn:0/", "http://example.cn:99999/", "http://example.cn/#x",
        "http://example.cn/a b", "http://example.cn/\r\nHost: x", "http://example.cn/\0", "http://127.0.0.1/",
        "http://[::1]/", "http://[fe80::1%25eth0]/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest/",
        "gopher://example.cn", "http://exa%6dple.cn/", "http://[x", "http://" + "a" * 64 + ".cn/", "http://例\u202e子.cn",
    ],
)  # fmt: skip
def test_addresses_that_are_refused_when_typed(address: str) -> None:
    with pytest.raises(BadAddress):
        read_address(address)


@pytest.mark.parametrize(
    "address",
    ["https://oapi.dingtalk.com/robot/send?access_token=1", "http://10.1.2.3:8080/hook", "http://例子.cn/甲"],
)
def test_addresses_that_are_taken(address: str) -> None:
    assert read_address(address).hostname


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "ip6-localhost"])
def test_other_spellings_of_this_machine_are_found_when_resolved(host: str) -> None:
    with receiving() as receiver:
        with pytest.raises(Undelivered) as failed:
            post.post(f"http://{host}:{receiver.port}/", b"{}", {})
        assert failed.value.reason in ("address", "unknown_host")
        assert receiver.asked == []


def test_a_name_with_one_forbidden_address_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(host: str, port: int, **more: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in ("10.0.0.5", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(Undelivered) as failed:
        post.post("http://two.example.cn/", b"{}", {})
    assert failed.value.reason == "address"


def test_the_name_is_asked_for_once_and_that_address_used(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere the second time gains nothing."""
    settings.WEBHOOK_HOSTS = (".example.cn",)
    with receiving() as receiver:
        real, asked = socket.getaddrinfo, []

        def rebind(host: Any, port: Any, *given: Any, **more: Any) -> Any:
            if host == "robot.example.cn":
                asked.append(host)
                host = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
            return real(host, port, *given, **more)

        monkeypatch.setattr(socket, "getaddrinfo", rebind)
        assert post.post(f"http://robot.example.cn:{receiver.port}/x?y=z", b"{}", {}).status == 200
        assert asked == ["robot.example.cn"]
        assert receiver.asked[0].headers["Host"] == f"robot.example.cn:{receiver.port}"
        assert receiver.asked[0].path == "/x?y=z"


def test_a_list_of_hosts_leaves_no_other(settings: Any) -> None:
    settings.WEBHOOK_HOSTS = ("robot.example.cn", ".inside.example.cn", "10.0.0.5")
    for host in ("robot.example.cn", "a.inside.example.cn", "10.0.0.5", "ROBOT.example.cn."):
        assert read_address(f"http://{host}/")
    for host in ("example.cn", "notrobot.example.cn", "inside.example.cn.evil.cn", "10.0.0.6"):
        with pytest.raises(BadAddress):
            read_address(f"http://{host}/")
        with pytest.raises(Undelivered):
            post.post(f"http://{host}/", b"{}", {})


def test_a_proxy_of_the_environment_is_not_used(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOK_HOSTS = ("127.0.0.1",)
    with receiving() as receiver, receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post.post(receiver.address, b"{}", {}).status == 200
        assert proxy.asked == []
