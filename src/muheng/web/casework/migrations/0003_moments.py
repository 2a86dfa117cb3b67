"""Cases have their turn, and are looked at again, at a moment: clocks may count hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from django.db import migrations, models

CHINA = timezone(timedelta(hours=8))
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def fill_moments(apps: Any, _editor: Any) -> None:
    """From the days that were kept; live cases are looked at once more by the next sweep, as clocks of their types may have
    come to count hours."""
    cases = apps.get_model("casework", "Case").objects.order_by()
    for day in cases.exclude(turn_on=date.max).values_list("turn_on", flat=True).distinct():
        cases.filter(turn_on=day).update(turn_at=datetime.combine(day, time.max, CHINA))
    for day in cases.filter(live=True).exclude(remind_on=None).values_list("remind_on", flat=True).distinct():
        cases.filter(remind_on=day).update(remind_at=datetime.combine(day, time.min, CHINA))
    cases.filter(live=True).update(calendar="")


class Migration(migrations.Migration):
    dependencies = [("casework", "0002_indexes")]

    operations = [
        migrations.AddField("case", "due_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("case", "turn_at", models.DateTimeField(default=NEVER)),
        migrations.AddField("case", "remind_at", models.DateTimeField(blank=True, null=True)),
        migrations.RunPython(fill_moments, migrations.RunPython.noop),
    ]
