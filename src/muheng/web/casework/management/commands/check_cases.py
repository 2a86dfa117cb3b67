"""``manage check_cases``: replays every history, and names the rows that do not say what it says; ``--mend`` rewrites them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from muheng.web.casework.checking import check_cases


class Command(BaseCommand):
    help = "从历史重算每件事项，列出与之不符的行；加 --mend 改写。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mend", action="store_true", help="把不符的行改写成历史所说的。")

    def handle(self, *args: Any, mend: bool = False, **options: Any) -> None:
        checked = wrong = broken = 0
        for found in check_cases(mend=mend):
            checked += 1
            if found.broken:
                broken += 1
                self.stdout.write(f"{found.number} 历史不成立：{found.broken}")
            elif found.columns:
                wrong += 1
                self.stdout.write(f"{found.number} 不符：{'、'.join(found.columns)}")
        done = "已改写" if mend else "未改动"
        self.stdout.write(f"查了 {checked} 件，不符 {wrong} 件（{done}），历史不成立 {broken} 件。")
        if broken or (wrong and not mend):
            raise CommandError("有不符的。" if not mend else "有历史不成立的，改不了。", returncode=1)
