"""``muheng compare``: who moved between two sealed results, and which changed rule moved them."""

from __future__ import annotations

import click

from muheng.cli.answer import Answer
from muheng.cli.bundle import bundle_argument, open_bundle
from muheng.cli.site import key_option
from muheng.cli.verb import verb
from muheng.documents.message import Language, say


def command(lang: Language) -> click.Command:
    return verb(
        "compare",
        lang,
        say("比较两份封存的结果：谁的等级变了，是哪一条规则或哪些数据使它变的。"),
        compare_bundles,
        bundle_argument("before"),
        bundle_argument("after"),
        key_option(lang),
    )


def compare_bundles(before: str, after: str, lang: Language) -> Answer:
    from muheng.policy.compare import compare

    found = compare(open_bundle(before), open_bundle(after))
    return Answer(found.lines(lang), found.json(lang))
