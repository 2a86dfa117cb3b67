"""Roles that came with the site and were not changed get the rights of casework; the new ones are added.

A role that a city has changed stays as the city made it. On a site without roles there is nothing to do: they come
with the first account.
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
    ],
    "leader": [
        "registry.view",
        "intake.view",
        "policy.view",
        "evaluation.view",
        "evaluation.sign",
        "people.view",
    ],
}
ADDED = {
    "clerk": [
        "casework.view",
        "casework.open",
        "casework.assign",
        "casework.handle",
        "liaison.view",
        "liaison.visit",
        "matching.view",
        "matching.edit",
    ],
    "section_chief": [
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
    ],
    "leader": ["casework.view", "casework.lead", "liaison.view", "matching.view"],
}
NEW = {
    "case_desk": (
        "受理岗",
        "Case desk",
        [
            "registry.view",
            "casework.view",
            "casework.open",
            "casework.assign",
            "casework.handle",
            "casework.personal",
            "casework.set",
            "liaison.view",
            "matching.view",
        ],
    ),
    "handler": ("承办人", "Handler", ["registry.view", "casework.open", "casework.handle"]),
    "liaison_officer": (
        "联络员",
        "Liaison officer",
        ["registry.view", "casework.open", "casework.handle", "liaison.visit", "matching.view"],
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
    dependencies = [("people", "0001_initial")]
    operations = [migrations.RunPython(give_rights, migrations.RunPython.noop)]
