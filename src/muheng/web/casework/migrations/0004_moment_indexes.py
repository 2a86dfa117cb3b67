"""Lists are sorted and reminders found by moments; the days that stood for them go."""

from __future__ import annotations

from django.db import migrations, models

LIVE = models.Q(("live", True))


class Migration(migrations.Migration):
    dependencies = [("casework", "0003_moments")]

    operations = [
        migrations.RemoveIndex("case", "case_of_office"),
        migrations.RemoveIndex("case", "case_of_handler"),
        migrations.RemoveIndex("case", "case_by_due"),
        migrations.RemoveIndex("case", "case_of_county_by_due"),
        migrations.RemoveIndex("case", "case_of_enterprise_by_due"),
        migrations.RemoveIndex("case", "case_by_part"),
        migrations.RemoveIndex("case", "case_of_office_by_part"),
        migrations.RemoveIndex("case", "case_by_level"),
        migrations.RemoveIndex("case", "case_in_hand"),
        migrations.RemoveIndex("case", "case_to_remind"),
        migrations.RemoveField("case", "turn_on"),
        migrations.RemoveField("case", "remind_on"),
        migrations.AddIndex(
            "case",
            models.Index(
                condition=LIVE, fields=["organisation", "assigned", "turn_at", "id"], name="case_of_office"
            ),
        ),
        migrations.AddIndex(
            "case", models.Index(fields=["handler", "waits_for", "turn_at", "id"], name="case_of_handler")
        ),
        migrations.AddIndex(
            "case", models.Index(condition=LIVE, fields=["turn_at", "id"], name="case_by_due")
        ),
        migrations.AddIndex(
            "case",
            models.Index(condition=LIVE, fields=["county", "turn_at", "id"], name="case_of_county_by_due"),
        ),
        migrations.AddIndex(
            "case",
            models.Index(
                condition=LIVE, fields=["enterprise", "turn_at", "id"], name="case_of_enterprise_by_due"
            ),
        ),
        migrations.AddIndex(
            "case", models.Index(condition=LIVE, fields=["waits_for", "turn_at", "id"], name="case_by_part")
        ),
        migrations.AddIndex(
            "case",
            models.Index(
                condition=LIVE,
                fields=["waits_for", "organisation", "turn_at", "id"],
                name="case_of_office_by_part",
            ),
        ),
        migrations.AddIndex(
            "case", models.Index(condition=LIVE, fields=["level", "turn_at", "id"], name="case_by_level")
        ),
        migrations.AddIndex(
            "case",
            models.Index(
                condition=LIVE,
                fields=["type", "county", "organisation", "kind", "handler", "turn_at", "level", "live"],
                name="case_in_hand",
            ),
        ),
        migrations.AddIndex(
            "case", models.Index(condition=LIVE, fields=["remind_at", "id"], name="case_to_remind")
        ),
    ]
