"""``retally``: hold the figures of cases against the cases, and count them anew where they differ."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from muheng.web.casework.tally import find_differences, fold, retally


class Command(BaseCommand):
    """Counts the cases once more."""

    help = "把事项逐件再数一遍，统计数有不符的重新写；--check 只核对，不改。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="只核对；不符时退出码为 1")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = find_differences()
        for (month, type_id, kind, county, organisation), counts in sorted(wrong.items())[:20]:
            said = "，".join(f"{name} {number:+d}" for name, number in sorted(counts.items()))
            self.stdout.write(
                f"{month:%Y-%m} {type_id} {kind or '—'} 县区{county} 单位{organisation}：{said}"
            )
        if not wrong:
            self.stdout.write(f"统计数与事项相符；并行 {fold()} 行。")
        elif options["check"]:
            raise CommandError(f"{len(wrong)} 处不符。去掉 --check 再运行一次，重新统计。")
        else:
            self.stdout.write(f"{len(wrong)} 处不符，已重新统计，共 {retally()} 行。")
