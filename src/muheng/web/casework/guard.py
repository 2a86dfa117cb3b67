"""The database's own guard of the history: what happened to a case is never changed or taken away, whoever asks.

Personal values are kept beside the events, so that they can be erased without it. Set up after every migration.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

TRIGGERS = {"casework_event_changed": "UPDATE", "casework_event_removed": "DELETE"}
SAID = "what happened to a case is never changed"


def set_guard(using: str = "default", **_signal: Any) -> None:
    """Triggers that refuse every change and removal of an event, on either database."""
    connection = connections[using]
    table = _table()
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION casework_event_guard() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{SAID}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
            )
        for trigger, deed in TRIGGERS.items():
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {table}")
                cursor.execute(
                    f"CREATE TRIGGER {trigger} BEFORE {deed} ON {table} "
                    "FOR EACH ROW EXECUTE FUNCTION casework_event_guard()"
                )
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {trigger}")
                cursor.execute(
                    f"CREATE TRIGGER {trigger} BEFORE {deed} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{SAID}'); END"
                )


def lift_guard(using: str = "default") -> None:
    """For whoever empties a whole database, such as tests do between two."""
    connection = connections[using]
    table = _table()
    with connection.cursor() as cursor:
        for trigger in TRIGGERS:
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger}{on}")


def _table() -> str:
    from muheng.web.casework.models import CaseEvent

    return CaseEvent._meta.db_table
