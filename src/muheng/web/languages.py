"""``python -m muheng.web.languages``: the site's English, from the .po that people write to the .mo that Django reads.

With Babel alone, so that no gettext program has to be installed; a .mo newer than its .po is left as it is.
Does not look for sentences that have no English yet: tests/web does.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

WEB = Path(__file__).resolve().parent


class BadTranslation(Exception):
    """A file that cannot be compiled: what is wrong, and on which line."""

    def __init__(self, file: Path, line: int, what: str) -> None:
        super().__init__(f"{file}:{line}  {what}")


def compile_languages(folder: Path = WEB) -> list[Path]:
    """Compile every .po under ``folder`` that has changed; what was written. Raises BadTranslation."""
    return [
        _compile(source)
        for source in sorted(folder.glob("**/locale/*/LC_MESSAGES/*.po"))
        if _is_stale(source, source.with_suffix(".mo"))
    ]


def _is_stale(source: Path, made: Path) -> bool:
    return not made.exists() or made.stat().st_mtime_ns <= source.stat().st_mtime_ns


def _compile(source: Path) -> Path:
    # Babel is slow to load, and mostly nothing has changed.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import PoFileError, read_po

    locale = source.parent.parent.name
    try:
        with source.open("rb") as text:
            catalog = read_po(text, locale=locale, abort_invalid=True)
    except PoFileError as error:
        # Babel counts from nought, also in its words.
        what = f"{str(error).partition(' on ')[0]}: {str(error.line).strip()}"
        raise BadTranslation(source, (error.lineno or 0) + 1, what) from error
    for message in catalog:
        # The checkers are those of Python's placeholders: a translation that drops one breaks the page that has it.
        for wrong in message.check(catalog) if message.id and message.string else ():
            raise BadTranslation(source, message.lineno or 0, str(wrong))
    made = source.with_suffix(".mo")
    handle, name = tempfile.mkstemp(dir=made.parent, suffix=".mo.part")
    try:
        with os.fdopen(handle, "wb") as out:
            write_mo(out, catalog)
        os.chmod(name, 0o644)
        # Several tests may do this at once; each finds a whole file.
        os.replace(name, made)
    except BaseException:
        os.unlink(name)
        raise
    return made


def main() -> int:
    try:
        compile_languages()
    except BadTranslation as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
