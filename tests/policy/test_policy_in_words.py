"""Any policy that compiles can be read as a document, whatever it combines; keys are unique and in order."""

from __future__ import annotations

import os
import re

from generate import Case, cases
from hypothesis import given, settings

from muheng.documents.toml_file import read_toml
from muheng.policy.change import differences
from muheng.policy.compile import compile_policy
from muheng.reports.policy_changes import KEYS, compare_wording, tell_texts
from muheng.reports.policy_chapters import write_policy
from muheng.reports.words import render

MANY = int(os.environ.get("MUHENG_EXAMPLES", "1"))


@settings(max_examples=25 * MANY)
@given(cases())
def test_every_policy_has_its_document(case: Case) -> None:
    plan = compile_policy(case.text, "generated").plan
    if plan is None:
        return
    text = write_policy(plan)
    keys = [place.key for chapter in text.chapters for place in chapter.places()]
    assert len(keys) == len(set(keys))
    assert f"class.{plan.classes[0]}.indicator" in {
        part.key for chapter in text.chapters for part in chapter.parts if hasattr(part, "rows")
    }
    for rule in (*plan.document.regrade, *plan.document.veto, *plan.document.bonus, *plan.document.deduction):
        assert any(f"[{rule.name}]" in key for key in keys)
    shown = "\n".join([*text.lines("zh"), *text.lines("en")])
    assert "Message(" not in shown
    assert "None" not in shown


LATIN = sorted({key.rpartition(".")[2] for key in KEYS if len(key) > 4})


@settings(max_examples=12 * MANY)
@given(cases(), cases())
def test_any_two_policies_are_compared_in_words(first: Case, second: Case) -> None:
    """One sentence for each change, none of them by the names of keys; alike texts have none."""
    before, _ = read_toml(first.text, "before")
    after, _ = read_toml(second.text, "after")
    assert before is not None
    assert after is not None
    told = tell_texts(first.text, second.text)
    changes = differences(before, after)
    assert len(told) == max(len(changes), first.text != second.text)
    for said in told:
        assert not re.search(rf"\b({'|'.join(LATIN)})\b", render(said, "zh")), render(said, "zh")
        assert render(said, "en")
    assert tell_texts(first.text, first.text) == ()


@settings(max_examples=12 * MANY)
@given(cases(), cases())
def test_every_rule_that_reads_otherwise_is_found(first: Case, second: Case) -> None:
    plans = compile_policy(first.text).plan, compile_policy(second.text).plan
    if plans[0] is None or plans[1] is None:
        return
    old, new = write_policy(plans[0]), write_policy(plans[1])
    found = compare_wording(old, new)
    for side, text in (("before", old), ("after", new)):
        keys = [place.key for each in found if (place := getattr(each, side)) is not None]
        assert len(keys) == len(set(keys))
        same = [key for key in text.places if key not in keys]
        other = new if side == "before" else old
        for key in same:
            assert key in other.places
            assert render(other.places[key][1].words, "zh") == render(text.places[key][1].words, "zh")
    assert compare_wording(old, old) == ()
