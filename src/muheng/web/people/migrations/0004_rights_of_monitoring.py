"""Roles that came with the site and were not changed get the rights of the monitoring room; the new one is added.

A role that a city has changed stays as the city made it. On a site without roles there is nothing to do.
"""

from django.db import migrations

WERE = {
    "clerk": [
        "registry.view",
        "registry.edit",
        "intake.view",
        "intake.upload",
        "intake.accept",
        "policy.view",
        "evaluation.view",
        "evaluation.edit",
        "evaluation.answer",
        "filing.review",
        "casework.view",
        "casework.open",
        "casework.assign",
        "casework.handle",
        "liaison.view",
        "liaison.visit",
        "matching.view",
        "matching.edit",
        "emergency.view",
    ],
    "section_chief": [
        "registry.view",
        "registry.edit",
        "registry.merge",
        "intake.view",
        "intake.upload",
        "intake.accept",
        "policy.view",
        "policy.edit",
        "policy.finalise",
        "evaluation.view",
        "evaluation.edit",
        "evaluation.review",
        "evaluation.answer",
        "filing.review",
        "people.view",
        "casework.view",
        "casework.open",
        "casework.assign",
        "casework.handle",
        "casework.lead",
        "casework.personal",
        "casework.set",
        "liaison.view",
        "liaison.pair",
        "liaison.visit",
        "matching.view",
        "matching.edit",
        "notices.configure",
        "emergency.view",
        "emergency.edit",
        "emergency.adopt",
        "emergency.inspect",
    ],
    "leader": [
        "registry.view",
        "intake.view",
        "policy.view",
        "evaluation.view",
        "evaluation.sign",
        "people.view",
        "casework.view",
        "casework.lead",
        "liaison.view",
        "matching.view",
        "emergency.view",
        "emergency.issue",
    ],
    "analyst": [
        "registry.view",
        "policy.view",
        "policy.edit",
        "evaluation.view",
        "evaluation.edit",
        "emergency.view",
        "emergency.edit",
    ],
    "viewer": ["registry.view", "policy.view", "evaluation.view", "emergency.view"],
    "air_officer": [
        "registry.view",
        "emergency.view",
        "emergency.edit",
        "emergency.inspect",
        "casework.open",
        "casework.handle",
    ],
    "enforcement_officer": [
        "registry.view",
        "emergency.view",
        "emergency.inspect",
        "casework.open",
        "casework.handle",
    ],
}
ADDED = {
    "clerk": ["monitoring.view"],
    "section_chief": [
        "monitoring.view",
        "monitoring.edit",
        "monitoring.handle",
        "monitoring.patrol",
        "monitoring.seal",
    ],
    "leader": ["monitoring.view"],
    "analyst": ["monitoring.view"],
    "viewer": ["monitoring.view"],
    "air_officer": ["monitoring.view"],
    "enforcement_officer": ["monitoring.view", "monitoring.handle", "monitoring.patrol", "monitoring.seal"],
}
NEW = {
    "monitoring_officer": (
        "自动监控管理员",
        "Monitoring officer",
        [
            "registry.view",
            "casework.open",
            "casework.handle",
            "monitoring.view",
            "monitoring.edit",
            "monitoring.handle",
            "monitoring.patrol",
            "monitoring.seal",
        ],
    ),
}


def give_rights(apps, schema_editor):
    role = apps.get_model("people", "Role")
    if not role.objects.exists():
        return
    for code, were in WERE.items():
        for held in role.objects.filter(code=code):
            if sorted(held.rights) == sorted(were):
                held.rights = [*held.rights, *ADDED[code]]
                held.save(update_fields=("rights",))
    for code, (name, english, rights) in NEW.items():
        role.objects.get_or_create(code=code, defaults={"name": name, "english": english, "rights": rights})


class Migration(migrations.Migration):
    dependencies = [("people", "0003_rights_of_emergency")]
    operations = [migrations.RunPython(give_rights, migrations.RunPython.noop)]
