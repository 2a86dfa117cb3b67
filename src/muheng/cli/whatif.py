"""``muheng whatif``: regrade everyone under a changed rule."""

from __future__ import annotations

import click

from muheng.cli.answer import Answer, Detail, Failure
from muheng.cli.bundle import bundle_argument, open_bundle
from muheng.cli.site import key_option
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, say


def command(lang: Language) -> click.Command:
    return verb(
        "whatif",
        lang,
        say("改一处或几处规则，全体重算，看谁的等级变。原结果不动。"),
        try_changes,
        bundle_argument(),
        option(
            lang,
            "--set",
            "assignments",
            about=say("改哪里、改成多少，如 grading.quota.A=25%；可写几个。"),
            multiple=True,
            required=True,
            metavar="PATH=VALUE",
        ),
        key_option(lang),
    )


def try_changes(bundle: str, assignments: tuple[str, ...], lang: Language) -> Answer:
    from muheng.policy.bind import DataError
    from muheng.policy.change import PlaceError
    from muheng.policy.whatif import TrialError, what_if

    result = open_bundle(bundle)
    try:
        found = what_if(result, assignments)
    except PlaceError as error:
        raise Failure("policy", error.what, error.fix) from error
    except TrialError as error:
        raise Failure("policy", say("改后的规则有错误。"), diagnostics=error.diagnostics) from error
    except DataError as error:
        details = [Detail(misfit.what, misfit.fix) for misfit in error.misfits]
        raise Failure("data", say("改后的规则与数据不符。"), details=details) from error
    return Answer(found.lines(lang), found.json(lang))
