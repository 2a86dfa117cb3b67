"""What is well formed in a case-type file and still wrong: every finding with its line and how to mend it."""

from __future__ import annotations

from muheng.casework.document import CaseType
from muheng.documents.diagnostic import Diagnostic
from muheng.documents.toml_file import TomlFile


def check(file: TomlFile, case_type: CaseType) -> list[Diagnostic]:
    return []
