"""How far a long command is, on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from muheng.documents.message import Language, Message

Step = Callable[[Message], None]


@contextmanager
def show_progress(steps: int, lang: Language, quiet: bool) -> Iterator[Step]:
    """Call the given function at the beginning of each of ``steps`` steps. ``quiet`` shows nothing."""
    if quiet or sys.stderr is None:
        yield lambda message: None
    elif not sys.stderr.isatty():
        yield lambda message: click.echo(message.render(lang), err=True)
    else:
        # rich takes a tenth of a second to load, and only a terminal sees what it draws.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=steps)
            begun = 0

            def step(message: Message) -> None:
                nonlocal begun
                bar.update(task, description=message.render(lang), completed=begun)
                begun += 1

            yield step


@contextmanager
def follow_progress(lang: Language, quiet: bool) -> Iterator[Callable[[Message, int], None]]:
    """Call the given function with what is being done and its percent, as often as there is news of it."""
    if quiet or sys.stderr is None:
        yield lambda message, percent: None
    elif not sys.stderr.isatty():
        told = ""

        def tell(message: Message, percent: int) -> None:
            nonlocal told
            if (text := message.render(lang)) != told:
                told = text
                click.echo(text, err=True)

        yield tell
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=100)
            yield lambda message, percent: bar.update(
                task, description=message.render(lang), completed=percent
            )
