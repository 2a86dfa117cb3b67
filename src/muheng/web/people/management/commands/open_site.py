"""``open_site``: the first steps of a city's own site: its tree, the roles, and the first account.

Run it once; run again, it adds what a newer city pack has, and another account.
"""

from __future__ import annotations

import getpass
import os
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from muheng.cities.pack import load_pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.web.people import actions
from muheng.web.people.models import User
from muheng.web.refusal import Refused


class Command(BaseCommand):
    """Founds the city of a pack and appoints one person at its head."""

    help = "建立城市的机构树和角色，并开第一个账号。密码从终端输入，或取自环境变量 MUHENG_PASSWORD。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--city", required=True, help="城市包的编号或文件夹")
        parser.add_argument("--username", required=True, help="用户名")
        parser.add_argument("--name", required=True, help="姓名")
        parser.add_argument("--role", default="section_chief", help="角色编号")

    def handle(self, *args: Any, **options: Any) -> None:
        pack, found = load_pack(options["city"])
        if pack is None:
            raise CommandError(format_diagnostics(found))
        password = os.environ.get("MUHENG_PASSWORD") or getpass.getpass("密码：")
        try:
            validate_password(password, User(username=options["username"], name=options["name"]))
            with transaction.atomic():
                root = actions.found_city(pack.city)
                roles = actions.take_roles()
                if options["role"] not in roles:
                    raise CommandError(f"没有编号为“{options['role']}”的角色，可用：{'、'.join(roles)}。")
                person = actions.make_person(options["username"], options["name"], password)
                actions.appoint(person, roles[options["role"]], root)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except Refused as refused:
            raise CommandError(f"{refused.what}{refused.fix}") from refused
        self.stdout.write(f"{root.name}：{person.name}（{person.username}）可以登录了。")
