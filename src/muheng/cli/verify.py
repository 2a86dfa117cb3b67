"""``muheng verify``: recompute a sealed result and say whether it is what was sealed."""

from __future__ import annotations

import click

from muheng.cli.answer import Answer, Failure
from muheng.cli.bundle import bundle_argument, find_bundle
from muheng.cli.downloads import shown
from muheng.cli.site import key_option
from muheng.cli.verb import verb
from muheng.documents.message import Language, say


def command(lang: Language) -> click.Command:
    return verb(
        "verify",
        lang,
        say("用封存的规则和数据重算一遍，逐行核对；改动过一个数字，就指出文件和行。"),
        verify,
        bundle_argument(),
        key_option(lang),
    )


def verify(bundle: str, lang: Language) -> Answer:
    from muheng.policy.seal import BundleError, verify_bundle

    path = find_bundle(bundle)
    try:
        found = verify_bundle(path)
    except BundleError as error:
        raise Failure("bundle", error.what) from error
    lines = [
        say(
            "{file}：规则 {policy}，{year} 年，{count} 户。",
            file=shown(path),
            policy=found.policy,
            year=found.year,
            count=f"{found.enterprises:,}",
        )
    ]
    if found.proved and found.same_bytes:
        lines.append(say("相符：重算结果与封存的逐字节相同。"))
    elif found.proved:
        lines.append(say("相符：重算的每个数都与封存的相同（结果文件由另一版本的软件写成，字节不同）。"))
    else:
        lines.append(say("不符，共 {count} 处：", count=len(found.findings)))
    lines += [say("· {file}：{what}", file=finding.file, what=finding.what) for finding in found.findings]
    lines.append(say("印记 {seal}", seal=found.seal))
    data = {
        "bundle": str(shown(path)),
        "proved": found.proved,
        "same_bytes": found.same_bytes,
        "seal": found.seal,
        "policy": found.policy,
        "year": found.year,
        "enterprises": found.enterprises,
        "findings": [
            {"file": finding.file, "row": finding.row, "what": finding.what.render(lang)}
            for finding in found.findings
        ],
    }
    return Answer([line.render(lang) for line in lines], data, failed=not found.proved)
