"""What a person may do, and where. A right is a word such as ``evaluation.sign``; roles give rights at a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.people.models import Organisation, User
from muheng.web.refusal import Refused

# Every right that code asks for, and how it reads.
RIGHTS: dict[str, Any] = {
    "registry.view": gettext_lazy("查看企业档案"),
    "registry.edit": gettext_lazy("修改企业档案"),
    "registry.merge": gettext_lazy("合并、拆分企业"),
    "intake.view": gettext_lazy("查看数据归集"),
    "intake.upload": gettext_lazy("上传部门表格"),
    "intake.accept": gettext_lazy("接受、撤销批次"),
    "policy.view": gettext_lazy("查看评价办法"),
    "policy.edit": gettext_lazy("起草评价办法"),
    "policy.finalise": gettext_lazy("定稿评价办法"),
    "evaluation.view": gettext_lazy("查看评价"),
    "evaluation.edit": gettext_lazy("组织评价"),
    "evaluation.review": gettext_lazy("内部审核"),
    "evaluation.answer": gettext_lazy("答复异议"),
    "evaluation.sign": gettext_lazy("签发评价结果"),
    "filing.review": gettext_lazy("核对企业填报"),
    "casework.view": gettext_lazy("查看本地事项"),
    "casework.open": gettext_lazy("登记事项"),
    "casework.assign": gettext_lazy("受理、交办事项"),
    "casework.handle": gettext_lazy("办理交给本单位的事项"),
    "casework.lead": gettext_lazy("督办、审批事项"),
    "casework.personal": gettext_lazy("查看事项里的个人信息"),
    "casework.set": gettext_lazy("设置答复模板和事项类型"),
    "liaison.view": gettext_lazy("查看结对和走访"),
    "liaison.pair": gettext_lazy("安排结对"),
    "liaison.visit": gettext_lazy("走访结对企业"),
    "matching.view": gettext_lazy("查看供需和资金"),
    "matching.edit": gettext_lazy("登记、撮合供需"),
    "monitoring.view": gettext_lazy("查看自动监控"),
    "monitoring.edit": gettext_lazy("管理监测点位和设备"),
    "monitoring.handle": gettext_lazy("核实、处置监测事件"),
    "monitoring.patrol": gettext_lazy("网上巡查"),
    "monitoring.seal": gettext_lazy("锁定监测证据"),
    "emergency.view": gettext_lazy("查看应急减排"),
    "emergency.edit": gettext_lazy("修订应急减排清单和方案"),
    "emergency.adopt": gettext_lazy("采用应急减排方案"),
    "emergency.issue": gettext_lazy("签发、解除预警"),
    "emergency.inspect": gettext_lazy("检查应急减排措施"),
    "notices.configure": gettext_lazy("设置通知渠道"),
    "people.view": gettext_lazy("查看人员与机构"),
    "own.view": gettext_lazy("查看本企业"),
    "own.confirm": gettext_lazy("确认、异议本企业数据"),
    "own.file": gettext_lazy("填报本企业数据"),
    "own.monitoring": gettext_lazy("标记、自证、说明本企业的监测数据"),
    "own.emergency": gettext_lazy("确认、落实本企业的应急减排措施"),
    "own.case": gettext_lazy("提出、确认本企业的事项"),
}


@dataclass(frozen=True)
class Post:
    """A role held at a place: its rights, and the territory with its path."""

    rights: frozenset[str]
    path: str
    territory_id: int
    kind: str


def posts_of(user: User) -> tuple[Post, ...]:
    """The posts of a person; asked for once in the life of the object."""
    found: tuple[Post, ...] | None = getattr(user, "_posts", None)
    if found is None:
        posts = []
        held = user.memberships.select_related("role", "organisation__parent__parent__parent")
        for membership in held if user.is_active else ():
            territory = membership.organisation.territory
            posts.append(
                Post(frozenset(membership.role.rights), territory.path, territory.pk, territory.kind)
            )
        found = tuple(posts)
        user._posts = found  # type: ignore[attr-defined]
    return found


def holds(user: Any, right: str, at: Organisation | None = None) -> bool:
    """Whether a person has a right: somewhere, or for the place ``at``."""
    if right.startswith("own."):
        return represents(user)
    if not getattr(user, "is_authenticated", False):
        return False
    return any(
        right in post.rights and (at is None or at.path.startswith(post.path)) for post in posts_of(user)
    )


def require(user: Any, right: str, at: Organisation | None = None) -> None:
    """Raises :class:`Refused` (403) where a person does not have a right."""
    if not holds(user, right, at):
        raise Refused(
            _("您没有“%(right)s”的权限。") % {"right": RIGHTS[right]},
            _("需要时请联系本单位的管理员。"),
            status=403,
            code="forbidden",
        )


def represents(user: Any) -> bool:
    """Whether the account is an enterprise's."""
    found: bool | None = getattr(user, "_represents", None)
    own: frozenset[int] | None = getattr(user, "_own", None)
    if found is None and own is not None:
        return bool(own) and user.is_active  # its scope has been asked for already
    if found is None:
        found = (
            bool(getattr(user, "is_authenticated", False))
            and user.is_active
            and user.represented.filter(until=None).exists()
        )
        if getattr(user, "is_authenticated", False):
            user._represents = found
    return found
