"""Any policy that compiles can be read as a document, whatever it combines; keys are unique and in order."""

from __future__ import annotations

from generate import Case, cases
from hypothesis import given

from muheng.policy.compile import compile_policy
from muheng.reports.policy_chapters import write_policy


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
