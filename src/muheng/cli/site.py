"""A site that a command talks to: asks, fetches from, sends to, with a key and in words when it does not go well.

Knows HTTP and the form of the site's answers; knows no verb, and nothing of what lies at an address.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import click

from muheng.cli.answer import Failure
from muheng.cli.verb import option
from muheng.documents.message import Language, Message, say

KEY = "MUHENG_KEY"
PATIENCE = 60.0  # seconds without a sign of life
MOST = 4 << 30  # bytes that a download may have
_PART = 1 << 16
_ROOMS = "api|evaluations|policies|enterprises|intake|filing|people|jobs|language"


@dataclass(frozen=True)
class Site:
    """Where a site is, and who asks. ``base`` has no stroke at its end."""

    base: str
    key: str
    lang: Language

    def ask(self, path: str, **question: object) -> Any:
        """The answer to a question, a JSON value. Raises Failure."""
        with _Answer(self, self._request(path, question)) as answer:
            return _read_json(self, answer.read(MOST))

    def download(self, path: str, target: Path) -> Path:
        """Fetch a file, whole or not at all. Raises Failure."""
        with _Answer(self, self._request(path, {})) as answer, target.open("wb") as file:
            if "json" in answer.type or "html" in answer.type:
                raise _stranger(self)
            for part in answer.parts():
                file.write(part)
        return target

    def send_files(self, path: str, files: Sequence[Path], fields: Mapping[str, str]) -> Any:
        """Send files as a form does, read from disk as they go; gives the answer. Raises Failure."""
        mark = uuid.uuid4().hex
        for file in files:
            file.open("rb").close()  # what cannot be read is told before anything is sent
        heads = [_head_of_file(mark, file) for file in files]
        fixed = b"".join(_field(mark, name, value) for name, value in fields.items())
        end = f"--{mark}--\r\n".encode()
        sizes = [file.stat().st_size for file in files]
        size = len(fixed) + sum(len(head) for head in heads) + sum(sizes) + 2 * len(files) + len(end)

        def body() -> Iterator[bytes]:
            yield fixed
            for head, file, due in zip(heads, files, sizes, strict=True):
                yield head
                yield from _read_exactly(file, due)
                yield b"\r\n"
            yield end

        request = self._request(path, {})
        request.data = body()
        request.add_header("Content-Type", f"multipart/form-data; boundary={mark}")
        request.add_header("Content-Length", str(size))
        with _Answer(self, request) as answer:
            return _read_json(self, answer.read(MOST))

    def _request(self, path: str, question: Mapping[str, object]) -> Request:
        asked = {name: str(value) for name, value in question.items() if value is not None}
        if self.lang == "en":
            asked["lang"] = "en"
        address = f"{self.base}/api/{path}" + (f"?{urlencode(asked)}" if asked else "")
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "*/*", "User-Agent": "muheng"}
        return Request(address, headers=headers)


def is_address(text: str) -> bool:
    """Whether a word on the command line is an address of a site rather than a file."""
    return re.match(r"(?i)https?://", text) is not None


def split_address(text: str) -> tuple[str, str]:
    """The site's own address, and the path within it without ``api/`` and without strokes around. Raises Failure."""
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.username is None and (parts.port or 1) > 0
    except ValueError:
        named = False
    if not named or re.search(r"[\s\x00-\x1f]", text):
        raise Failure(
            "usage",
            say("地址写法不对：{address}", address=text),
            say("写成 http://主机:端口/…；用户名、密码、密钥都不写在地址里。"),
        )
    found = re.search(rf"/(?:{_ROOMS})(?=/|$)", parts.path)
    start = found.start() if found else len(parts.path.rstrip("/"))
    inside = parts.path[start:].removeprefix("/api").strip("/")
    return f"{parts.scheme}://{parts.netloc}{quote(parts.path[:start], safe='/%')}", inside


def find_site(text: str) -> tuple[Site, str]:
    """The site of an address with the key of this command, and the path within it. Raises Failure."""
    base, inside = split_address(text)
    context = click.get_current_context()
    key = str(context.meta.get(KEY) or context.obj.get(KEY, "")).strip()
    make = say("在网站上点自己的名字，新建程序密钥；设为环境变量 {name}，或写 --key。", name=KEY)
    if not key:
        raise Failure("remote", say("{site} 要密钥，没有给。", site=base), make, about={"code": "no_key"})
    if re.fullmatch(r"[\x21-\x7e]+", key) is None:
        raise Failure(
            "remote", say("密钥里有不该有的字符，可能没有复制对。"), make, about={"code": "bad_key"}
        )
    return Site(base, key, context.params["lang"]), inside


def key_option(lang: Language) -> click.Option:
    """--key; whoever talks to a site finds it, so no verb has to hand it on."""

    def keep(ctx: click.Context, param: click.Parameter, given: str | None) -> None:
        ctx.meta[KEY] = given

    about = say("网站的程序密钥；也可用环境变量 MUHENG_KEY 设定，那样别人看不到。")
    return option(lang, "--key", about=about, metavar="KEY", expose_value=False, callback=keep)


# -- what goes out -----------------------------------------------------------------------------------


def _field(mark: str, name: str, value: str) -> bytes:
    return f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def _head_of_file(mark: str, file: Path) -> bytes:
    name = re.sub(r"[\x00-\x1f\"\\]", "_", file.name)
    return (
        f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode(errors="replace")


def _read_exactly(file: Path, due: int) -> Iterator[bytes]:
    """As many bytes as were promised. Raises Failure where the file has become another in the meantime."""
    with file.open("rb") as stream:
        while due:
            part = stream.read(min(due, _PART))
            if not part:
                raise Failure(
                    "file", say("{file} 在上传时变短了，没有传完。", file=file), say("等它写完再传。")
                )
            due -= len(part)
            yield part


# -- what comes back ---------------------------------------------------------------------------------


class _Stay(HTTPRedirectHandler):
    """A key is not taken to wherever an answer points."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class _Answer:
    """An answer of the site while it is read. What goes wrong in the block is a Failure."""

    def __init__(self, site: Site, request: Request) -> None:
        self.site, self.request = site, request
        self.open: Any = None

    def __enter__(self) -> _Answer:
        try:
            self.open = build_opener(_Stay).open(self.request, timeout=PATIENCE)
        except HTTPError as error:
            with error:
                raise _refused(self.site, error) from error
        except (OSError, http.client.HTTPException) as error:
            _fail(self.site, error)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self.open.close()
        if isinstance(error, http.client.HTTPException | ssl.SSLError | ConnectionError | TimeoutError):
            _fail(self.site, error)

    @property
    def type(self) -> str:
        return str(self.open.headers.get_content_type())

    def read(self, most: int) -> bytes:
        return b"".join(self.parts(most))

    def parts(self, most: int = MOST) -> Iterator[bytes]:
        """The body as it comes. Raises Failure where it ends early or does not end."""
        due = self.open.headers.get("Content-Length", "")
        got = 0
        while part := self.open.read(_PART):
            got += len(part)
            if got > most:
                raise Failure("connection", say("{site} 传来的东西太大。", site=self.site.base))
            yield part
        if due.isdigit() and got < int(due):
            raise http.client.IncompleteRead(b"", int(due) - got)


def _read_json(site: Site, text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _stranger(site) from error


def _refused(site: Site, error: HTTPError) -> Failure:
    """What the site said, in its own words where it is ours."""
    status = error.code
    try:
        said = json.loads(error.read(1 << 20))["error"]
        what, fix, code = str(said["what"]), str(said["fix"] or ""), str(said["code"])
    except (ValueError, LookupError, TypeError, OSError, http.client.HTTPException):
        return _refused_by_another(site, status, error.headers.get("Location"))
    about = {"code": code, "status": status}
    if status == 401:
        return Failure(
            "remote",
            say("{site} 不认这把密钥：写错了、停用了，或过期了。", site=site.base),
            say("在网站上点自己的名字，新建程序密钥。"),
            about=about,
        )
    if status == 404:
        return Failure(
            "remote",
            say("{site} 上没有这一项，或不在您的权限之内。", site=error.url.split("?")[0]),
            say("检查地址，和密钥是谁的。"),
            about=about,
        )
    return Failure(
        "remote",
        say("{site} 没有照办：{what}", site=site.base, what=what),
        say("{fix}", fix=fix) if fix else None,
        about=about,
    )


def _refused_by_another(site: Site, status: int, place: str | None) -> Failure:
    """An answer that is not of the site's form: from something before it, from another site, or from a broken one."""
    about = {"code": "unexpected", "status": status}
    if 300 <= status < 400:
        fix = say("它指向 {place}；地址没有错的话，请直接写那边的。", place=place or "—")
        return Failure("connection", say("{site} 说要去别处，没有跟去。", site=site.base), fix, about=about)
    if status in (502, 503, 504):
        what = say("{site} 现在没有在运行（{status}）。", site=site.base, status=status)
        return Failure("connection", what, say("过一会儿再试；一直这样，请告诉网站的管理员。"), about=about)
    if status == 413:
        what = say("{site} 前面的服务器不收这么大的文件。", site=site.base)
        return Failure("remote", what, say("请分几次传，或请管理员放宽上限。"), about=about)
    return _stranger(site, status)


def _stranger(site: Site, status: int = 200) -> Failure:
    return Failure(
        "connection",
        say("{site} 不像是亩衡的网站，或版本不同。", site=site.base),
        say("检查地址：主机、端口、http 还是 https。"),
        about={"code": "unexpected", "status": status},
    )


def _fail(site: Site, error: Exception) -> NoReturn:
    """Why nothing came, or not all of it."""
    reason = error.reason if isinstance(error, URLError) else error
    what, fix = _explain(site.base, reason)
    raise Failure("connection", what, fix, about={"code": "no_answer"}) from error


def _explain(site: str, reason: object) -> tuple[Message, Message | None]:
    match reason:
        case ssl.SSLCertVerificationError():
            return say("{site} 的证书验证不过：{reason}。", site=site, reason=reason.verify_message), say(
                "证书是单位自己签发的，就把它的根证书文件写在环境变量 SSL_CERT_FILE 里；否则不要把密钥给它。"
            )
        case ssl.SSLError():
            return say("和 {site} 建立不了加密连接。", site=site), say("也许该写 http://，或端口不对。")
        case TimeoutError():
            return say("{site} 太久没有回答。", site=site), say(
                "检查网络；网站忙的话过一会儿再试。上传的话，先到网站上看是否已经收下。"
            )
        case ConnectionRefusedError():
            return say("{site} 没有网站在运行。", site=site), say("检查主机和端口；网站要先启动。")
        case socket.gaierror():
            return say("找不到主机 {host}。", host=urlsplit(site).hostname or site), say("检查地址和网络。")
        case ConnectionError() | http.client.IncompleteRead():
            return say("和 {site} 的连接断了。", site=site), say("再试一次。")
        case http.client.HTTPException():
            return say("{site} 答的不是网页。", site=site), say("检查地址：主机、端口、http 还是 https。")
        case _:
            return say("连不上 {site}：{reason}。", site=site, reason=reason), say("检查地址和网络。")
