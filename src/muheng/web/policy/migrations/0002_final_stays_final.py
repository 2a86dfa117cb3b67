"""The database refuses to change the text of a final version, whoever asks and by whatever program."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_CHANGED = """NEW.text IS DISTINCT FROM OLD.text OR NEW.sha256 IS DISTINCT FROM OLD.sha256
    OR NEW.state IS DISTINCT FROM OLD.state OR NEW.number IS DISTINCT FROM OLD.number
    OR NEW.document_id IS DISTINCT FROM OLD.document_id"""

SQLITE = f"""
CREATE TRIGGER policy_final_stays_final BEFORE UPDATE ON policy_policyversion
WHEN OLD.state = 'final' AND ({_CHANGED.replace("IS DISTINCT FROM", "IS NOT")})
BEGIN SELECT RAISE(ABORT, 'a final policy text is never changed'); END
"""
POSTGRESQL = f"""
CREATE FUNCTION policy_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a final policy text is never changed'; END $$;
CREATE TRIGGER policy_final_stays_final BEFORE UPDATE ON policy_policyversion
FOR EACH ROW WHEN (OLD.state = 'final' AND ({_CHANGED})) EXECUTE FUNCTION policy_refuse_change()
"""


def hold(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    editor.execute(POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE)


def release(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP TRIGGER policy_final_stays_final ON policy_policyversion")
        editor.execute("DROP FUNCTION policy_refuse_change()")
    else:
        editor.execute("DROP TRIGGER policy_final_stays_final")


class Migration(migrations.Migration):
    dependencies = (("policy", "0001_initial"),)

    operations = (migrations.RunPython(hold, release),)
