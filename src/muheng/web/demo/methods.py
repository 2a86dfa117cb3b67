"""The methods of all city packs on the site, and a draft in which somebody works on the city's own."""

from __future__ import annotations

from muheng.cities.pack import find_pack, list_packs, load_pack
from muheng.web.demo.persons import People
from muheng.web.policy.actions import copy_policy, save_draft, take_shipped
from muheng.web.policy.models import PolicyVersion

METHOD = "ah-maanshan-demo"
DRAFT = "ah-maanshan-2027"


def take_methods(people: People) -> PolicyVersion:
    """Take what the packs bring; gives the method that the demo evaluates by."""
    for pack_id in list_packs():
        pack, _found = load_pack(find_pack(pack_id))
        if pack is not None:
            take_shipped(pack, people.chief)
    method = PolicyVersion.objects.get(document__slug=METHOD)
    draft = copy_policy(method, people.analyst, DRAFT, "马鞍山市亩均效益评价办法（2027年修订草稿）")
    # The draft asks for a little less tax and more research: weights that still add up.
    text = draft.text.replace("weight  = 40", "weight  = 35", 1).replace("weight  = 5\n", "weight  = 10\n", 1)
    save_draft(draft, people.analyst, text, draft.sha256, "亩均税收降 5 分，加到单位能耗；待测算影响")
    return method
