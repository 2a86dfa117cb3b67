"""``muheng verify``: is it what was sealed? A result is recomputed, evidence checked against its frames, a store by its chain."""

from __future__ import annotations

from pathlib import Path

import click

from muheng.cli.answer import Answer, Failure
from muheng.cli.bundle import bundle_argument, find_bundle
from muheng.cli.downloads import local_path, shown
from muheng.cli.site import key_option
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, say

SEGMENTS = "segments"
OTHER = say("印记与记下的不同：不是当时封存的那一份。")


def command(lang: Language) -> click.Command:
    return verb(
        "verify",
        lang,
        say(
            "封存的结果用封存的规则和数据重算一遍，逐行核对；锁定的证据与原始报文核对。改动过一处，就指出文件和行。"
        ),
        verify,
        bundle_argument(),
        option(lang, "--seal", about=say("当时记下或签字的印记。"), metavar="SHA256", default=""),
        key_option(lang),
    )


def verify(bundle: str, seal: str, lang: Language) -> Answer:
    from muheng.monitoring.evidence import is_evidence

    path = local_path(bundle)
    if is_evidence(path):
        return _verify_evidence(path, seal, lang)
    if (path / SEGMENTS).is_dir():
        return _verify_store(path, lang)
    return _verify_result(find_bundle(bundle), seal, lang)


def _is_other(given: str, found: str) -> bool:
    return bool(given.strip()) and given.strip().lower() != found


def _verify_evidence(path: Path, seal: str, lang: Language) -> Answer:
    from muheng.monitoring.evidence import EvidenceError, verify_evidence

    try:
        found = verify_evidence(path, seal)
    except EvidenceError as error:
        raise Failure("bundle", error.what, error.fix) from error
    lines = [
        say(
            "{file}：{event}，{outlet}。{by} 锁定于 {at}。",
            file=shown(path),
            event=found.event,
            outlet=found.outlet,
            by=found.sealed_by,
            at=found.sealed_at,
        )
    ]
    if found.proved:
        lines.append(
            say(
                "相符：{files} 个文件、{frames} 条报文、{values} 行数值。",
                files=f"{found.files:,}",
                frames=f"{found.frames:,}",
                values=f"{found.values:,}",
            )
        )
    else:
        lines.append(say("不符，共 {count} 处：", count=len(found.findings)))
    for finding in found.findings:
        where = finding.file if finding.row is None else f"{finding.file}:{finding.row}"
        lines.append(say("· {file}：{what}", file=where, what=finding.what))
    lines.append(say("印记 {seal}", seal=found.seal))
    data = {
        "evidence": str(shown(path)),
        "proved": found.proved,
        "seal": found.seal,
        "event": found.event,
        "outlet": found.outlet,
        "sealed_at": found.sealed_at,
        "sealed_by": found.sealed_by,
        "files": found.files,
        "frames": found.frames,
        "values": found.values,
        "findings": [
            {"file": finding.file, "row": finding.row, "what": finding.what.render(lang)}
            for finding in found.findings
        ],
    }
    return Answer([line.render(lang) for line in lines], data, failed=not found.proved)


def _verify_store(path: Path, lang: Language) -> Answer:
    """What a receiver has kept: the chain through all its segments."""
    from muheng.monitoring.store.cursor import verify_reach
    from muheng.monitoring.store.segments import Finding, list_segments, verify_segments

    reach = verify_reach(path)  # first: a receiver that runs only adds to what it says
    count = len(list_segments(path / SEGMENTS))
    findings = [*verify_segments(path / SEGMENTS), *reach]
    if not count and not findings:
        findings = [Finding(SEGMENTS, None, say("没有报文，没有可以核对的。"))]
    lines = [say("{file}：{count} 段报文。", file=shown(path), count=f"{count:,}")]
    if findings:
        lines.append(say("不符，共 {count} 处：", count=len(findings)))
    else:
        lines.append(say("相符：从第一段到最后一段，校验链没有断，封条都在。"))
    lines += [say("· {file}：{what}", file=finding.file, what=finding.what) for finding in findings]
    data = {
        "store": str(shown(path)),
        "proved": not findings,
        "segments": count,
        "findings": [
            {"file": finding.file, "offset": finding.offset, "what": finding.what.render(lang)}
            for finding in findings
        ],
    }
    return Answer([line.render(lang) for line in lines], data, failed=bool(findings))


def _verify_result(path: Path, seal: str, lang: Language) -> Answer:
    from muheng.policy.seal import BundleError, verify_bundle

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
    other = _is_other(seal, found.seal)
    if other:
        lines.append(OTHER)
    lines.append(say("印记 {seal}", seal=found.seal))
    data = {
        "bundle": str(shown(path)),
        "proved": found.proved and not other,
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
    return Answer([line.render(lang) for line in lines], data, failed=other or not found.proved)
