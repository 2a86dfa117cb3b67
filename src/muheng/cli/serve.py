"""``muheng serve``: the site, its pages and its background work, until it is told to stop."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import TYPE_CHECKING

import click

from muheng.cli.answer import Answer, Detail, Failure, Table
from muheng.cli.progress import Step, show_progress
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, say
from muheng.documents.spelling import offer

if TYPE_CHECKING:
    from muheng.web.serving import Login, Running

STEPS = 4
CITIES = ("maanshan", "jining", "shanting")
"""Packs that have a demo to serve; the first is served where none is named."""


def command(lang: Language) -> click.Command:
    return verb(
        "serve",
        lang,
        say("启动网站，按 Ctrl-C 停。数据在 var/；环境变量 MUHENG_HOME 可以改到别处。"),
        serve,
        option(lang, "--demo", about=say("网站还是空的，就先装入演示城市。"), is_flag=True),
        option(
            lang,
            "--city",
            about=say(
                "哪个城市：{cities}（默认 {default}）。每个城市的数据各在一个文件夹里。",
                cities="、".join(CITIES),
                default=CITIES[0],
            ),
            default=None,
            metavar="CITY",
        ),
        option(
            lang,
            "--host",
            about=say("在哪个地址上听（默认 127.0.0.1，只有本机能打开）。"),
            default="127.0.0.1",
            metavar="ADDRESS",
        ),
        option(
            lang,
            "--port",
            about=say("在哪个端口上听（默认 8000）。"),
            type=click.IntRange(1, 65535),
            default=8000,
            metavar="PORT",
        ),
        option(lang, "--quiet", about=say("不显示进度。"), is_flag=True),
    )


def serve(
    demo: bool, city: str | None, host: str, port: int, quiet: bool, lang: Language
) -> Generator[Answer]:
    """Answers when the first page is there, and stays until Ctrl-C."""
    from muheng.web import serving

    if city is not None and city not in CITIES:
        what = say("没有可以演示的城市“{city}”。", city=city)
        raise Failure("usage", what, offer(city, CITIES))
    _check_address(host, port)
    if city is not None:
        serving.choose_city(city, CITIES[0])
    serving.choose_settings(host)
    with every_end_is_ctrl_c(), ExitStack() as stack:
        with show_progress(STEPS, lang, quiet) as step:
            _prepare(demo, step)
            step(say("启动网站"))
            site = stack.enter_context(serving.running(host, port))
            try:
                site.wait_for_pages()
            except serving.NotReady as error:
                raise Failure("site", say("网站没有启动起来。"), say("原因见上面几行。")) from error
        yield describe(site, serving.demo_logins() if demo else [], lang)
        try:
            site.stay()
        except serving.NotReady as error:
            raise Failure("site", say("网站自己停了。"), say("原因见上面几行。")) from error
        except KeyboardInterrupt:
            click.echo(say("正在停止……").render(lang), err=True)


def describe(site: Running, logins: Sequence[Login], lang: Language) -> Answer:
    """Where the site is, and who can log in to the demo."""
    lines: list[str | Table] = [say("网站：{address}", address=site.address).render(lang)]
    if logins:
        headers = [head.render(lang) for head in (say("演示账号"), say("用户名"), say("密码"))]
        rows = [[login.who.render(lang), login.username, login.password] for login in logins]
        lines.append(Table(headers, rows, texts=3))
    lines.append(say("按 Ctrl-C 停止；数据会留着。").render(lang))
    shown = [
        {"who": login.who.render(lang), "username": login.username, "password": login.password}
        for login in logins
    ]
    return Answer(lines, {"address": site.address, "logins": shown})


def _check_address(host: str, port: int) -> None:
    from muheng.web.serving import check_address

    try:
        check_address(host, port)
    except OSError as error:
        raise refuse_address(error, host, port) from error


def refuse_address(error: OSError, host: str, port: int) -> Failure:
    """Why nobody can be listened to there."""
    if error.errno == errno.EADDRINUSE:
        what = say("端口 {port} 已经被别的程序占用。", port=port)
        fix = say("换一个端口，如 --port {port}；或先停掉占用它的程序。", port=port % 65535 + 1)
    elif error.errno == errno.EACCES:
        what = say("没有权限用端口 {port}。", port=port)
        fix = say("用 1024 以上的端口，如 --port 8000。")
    else:
        what = say("地址 {host} 不是这台机器的。", host=host)
        fix = say("本机用 127.0.0.1；要让别的机器也能打开，用 0.0.0.0。")
    return Failure("port", what, fix)


def _prepare(demo: bool, step: Step) -> None:
    """The database, the demo, the files of the pages. Raises Failure."""
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError, connections

    from muheng.web import serving

    try:
        step(say("准备数据库"))
        django.setup()
        if serving.missing_packages():
            raise Failure("site", say("页面要用的脚本还没有下载。"), say("先运行一次 make setup。"))
        serving.migrate()
        _check_city()
        if demo and serving.is_empty():
            step(say("造演示城市，装进网站（只在第一次）"))
            with redirect_stdout(sys.stderr):  # standard output is for the answer
                serving.load_demo()
        step(say("准备页面"))
        serving.collect_static()
        connections.close_all()
    except (ImproperlyConfigured, DatabaseError) as error:
        what = say("网站的设置或数据库有问题。")
        fix = say("数据库写在环境变量 MUHENG_DATABASE 里；不写就用 var/ 里的 SQLite。")
        raise Failure("site", what, fix, [Detail(say("{error}", error=error))]) from error


def _check_city() -> None:
    """A site that holds one city does not serve another. Raises Failure."""
    from django.conf import settings

    from muheng.web import serving

    found = serving.held_city()
    wanted = serving.city_title()
    if found is None or wanted is None or found == wanted:
        return
    what = say("{home} 里装的是{found}，不是{wanted}。", home=settings.HOME, found=found, wanted=wanted)
    fix = say("把环境变量 MUHENG_HOME 指到别的文件夹。")
    if (meant := serving.demo_of(found, CITIES)) is not None:
        fix = say("用 --city {city}；或把环境变量 MUHENG_HOME 指到别的文件夹。", city=meant)
    raise Failure("site", what, fix)


@contextmanager
def every_end_is_ctrl_c() -> Iterator[None]:
    """A closed terminal and a service manager end the site as orderly as Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {end: signal.getsignal(end) for end in (signal.SIGTERM, signal.SIGHUP)}
    try:
        for end, handler in before.items():
            if handler != signal.SIG_IGN:  # under nohup a closed terminal ends nothing
                signal.signal(end, interrupt)
        yield
    finally:
        for end, handler in before.items():
            signal.signal(end, handler)
