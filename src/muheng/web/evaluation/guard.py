"""The database's own guard of signed runs: what code forgets, SQL refuses. Set up after every migration."""

from __future__ import annotations

from typing import Any

from django.db import connections

TRIGGER = "evaluation_run_signed"
SAID = "a signed run is never changed"


def set_guard(using: str = "default", **_signal: Any) -> None:
    """A trigger that refuses every change of a signed run's sealed columns, on either database."""
    from muheng.web.evaluation.models import Run

    connection = connections[using]
    table = Run._meta.db_table
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return
        columns = [field.column for field in Run._meta.concrete_fields if field.attname in Run.SEALED]
        if connection.vendor == "sqlite":
            changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in columns)
            cursor.execute(f"DROP TRIGGER IF EXISTS {TRIGGER}")
            cursor.execute(
                f"CREATE TRIGGER {TRIGGER} BEFORE UPDATE ON {table} "
                f"WHEN OLD.signed_at IS NOT NULL AND ({changed}) "
                f"BEGIN SELECT RAISE(ABORT, '{SAID}'); END"
            )
            return
        changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION {TRIGGER}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{SAID}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        cursor.execute(f"DROP TRIGGER IF EXISTS {TRIGGER} ON {table}")
        cursor.execute(
            f"CREATE TRIGGER {TRIGGER} BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN (OLD.signed_at IS NOT NULL AND ({changed})) EXECUTE FUNCTION {TRIGGER}()"
        )
