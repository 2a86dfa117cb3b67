"""``python -m muheng.web.manage COMMAND``: the site's own commands (migrate, worker, check …)."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line


def main(arguments: list[str] | None = None) -> None:
    """Run one command under the settings of DJANGO_SETTINGS_MODULE, those of a laptop by default."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "muheng.web.settings.dev")
    execute_from_command_line(["muheng", *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    main()
