"""Many rows at once, where making an object for each would take most of the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model


def insert_rows(model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]], **same: Any) -> None:
    """Insert rows of plain numbers and text for the fields ``names`` (attribute names: ``enterprise_id``).

    ``same`` are the fields that are alike in every row; the others have their default. No signals, no checks.
    """
    fields = {field.attname: field for field in model._meta.concrete_fields if not field.primary_key}
    assert set(names) | set(same) <= set(fields), (names, same)
    constants: Mapping[str, Any] = {
        name: field.get_db_prep_save(same.get(name, field.get_default()), connection)
        for name, field in fields.items()
        if name not in names
    }
    columns = [*names, *constants]
    quote = connection.ops.quote_name
    sql = (
        f"INSERT INTO {quote(model._meta.db_table)} "
        f"({', '.join(quote(str(fields[name].column)) for name in columns)}) "
        f"VALUES ({', '.join(['%s'] * len(columns))})"
    )
    tail = tuple(constants.values())
    with connection.cursor() as cursor:
        cursor.executemany(sql, [(*row, *tail) for row in rows])
