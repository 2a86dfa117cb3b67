"""The places of one compiled policy: keys and line ranges in its file, names in words. What the chapters share."""

from __future__ import annotations

from muheng.documents.toml_file import KeyPath, TomlFile
from muheng.policy import plan as p
from muheng.policy.change import read_data
from muheng.reports.phrases import Reader, Said
from muheng.reports.policy_text import Lines, Passage, Row, row_sentence


class Places:
    """Writes sentences and rows that know where in the file their rule stands."""

    def __init__(self, plan: p.Plan) -> None:
        self.plan = plan
        self.document = plan.document
        self.reader = Reader(plan)
        self.file: TomlFile = read_data(plan.text, plan.document.policy.id)
        self.ends: dict[KeyPath, int] = {}
        for path, line in self.file.lines.items():
            for length in range(1, len(path) + 1):
                self.ends[path[:length]] = max(line, self.ends.get(path[:length], 0))

    def key(self, path: KeyPath) -> str:
        return self.file.describe(path)

    def lines(self, path: KeyPath) -> Lines | None:
        first = self.file.line_of(path)
        return None if first is None else Lines(first, max(first, self.ends.get(path, first)))

    def passage(self, path: KeyPath, said: Said, clause: str | None = None) -> Passage:
        return Passage(self.key(path), said, self.lines(path), clause)

    def row(self, path: KeyPath, header: tuple[Said, ...], cells: tuple[Said, ...]) -> Row:
        return Row(self.key(path), cells, self.lines(path), row_sentence(header, cells), header)
