"""The schema of a case-type file: what may stand in it, with the sentence that explains each key.

Shapes only: whether states can be reached, clocks stop and closing conditions can be met is checked by
``case_type``. ``docs/cases.md`` is generated from these classes.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from muheng.documents.message import Language, Message

Part = Literal["enterprise", "opener", "desk", "handler", "leader", "room", "site"]
"""Who somebody is to a case."""
Phase = Literal["open", "answered", "closed", "void"]
"""Only open and answered cases run clocks."""
Asked = Literal["required", "optional", "none"]
Unit = Literal["working", "calendar", "hour"]

_ID = r"^[a-z][a-z0-9_]*$"
_SHARE = r"^[1-9]\d{0,2}%$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _key(description: str, example: str, default: Any = ..., **limits: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"example": example}, **limits)


@dataclass(frozen=True)
class Title(Message):
    """A name of the file inside a sentence, in the sentence's language."""

    english: str = ""

    def render(self, lang: Language = "zh") -> str:
        return self.english if lang == "en" else self.template


class _Named(_Strict):
    id: str = _key("编号，小写字母、数字和下划线；写进历史，用过就不要改。", 'id = "accept"', pattern=_ID)
    name: str = _key("中文名称，办事的人怎样叫就怎样写。", 'name = "受理"', min_length=1)
    english: str = _key("英文名称。", 'english = "Accept"', min_length=1)

    def title(self, lang: Language = "zh") -> str:
        return self.english if lang == "en" else self.name

    @property
    def said(self) -> Title:
        return Title(self.name, english=self.english)


class Source(_Strict):
    document: str = _key("文件或报道的名称。", 'document = "某市企业诉求办理办法"', min_length=1)
    number: str | None = _key("文号。", 'number = "某政办发〔2025〕1号"', None)
    date: datetime.date | None = _key("印发日期。", "date = 2025-01-01", None)
    status: str = _key("是原件、转载，还是未见原件。", 'status = "未见原件"', min_length=1)


class Kind(_Named):
    routes: tuple[str, ...] = _key(
        "归口部门名称里的字，先写者优先；受理时据此提议交给谁。", 'routes = ["自然资源", "规划"]', ()
    )


class FieldOf(_Named):
    """One thing that is asked of whoever opens a case, or of an act."""

    type: Literal["text", "long", "choice", "date", "number", "money", "flag"] = _key(
        "text 一行文字，long 一段文字，choice 选项，date 日期，number 数，money 金额（万元），flag 是或否。",
        'type = "text"',
        "text",
    )
    choices: tuple[str, ...] = _key("选项；类型为 choice 时必填。", 'choices = ["一般", "较大"]', ())
    unit: str | None = _key("数的单位。", 'unit = "亩"', None)
    opening: Asked = _key(
        "登记时：required 必填，optional 可填，none 不问（由某一办理动作填写）。",
        'opening = "required"',
        "optional",
    )
    kinds: tuple[str, ...] = _key("只对哪些类别才问；不写为全部。", 'kinds = ["land"]', ())
    personal: StrictBool = _key(
        "是否个人信息（联系人、电话）；另处存放，到期抹去，不进历史。", "personal = true", False
    )
    note: str | None = _key("填写说明，显示在输入框旁。", 'note = "写清地块位置和面积。"', None)

    def is_for(self, kind: str | None) -> bool:
        """Is it asked for cases of this kind?"""
        return not self.kinds or kind in self.kinds


class State(_Named):
    phase: Phase = _key(
        "阶段：open 在办，answered 已答复待确认，closed 办结，void 作废。只有在办、待确认时计时。",
        'phase = "open"',
    )
    waits_for: Part | Literal["nobody"] = _key(
        "等谁办：enterprise 企业，opener 提出人，desk 受理岗，handler 承办人，leader 督办审批，room 其他业务，"
        "site 系统，nobody 不等谁。",
        'waits_for = "desk"',
    )


class Needs(_Strict):
    """What has to be so before an act may be taken: mostly the act that closes a case."""

    confirmed: StrictBool = _key("企业已确认（见 act 的 confirms）。", "confirmed = true", False)
    children: StrictBool = _key("由本事项引出的事项都已办结。", "children = true", False)
    closed: tuple[str, ...] = _key(
        "这些类型的下级事项各至少有一件已办结，先后如所写：后一种至少有一件在前一种都办结以后办结。",
        'closed = ["rectification", "revisit"]',
        (),
    )
    evidence: tuple[str, ...] = _key(
        "这些种类的附件各至少有一份；它引出、已经办结的事项附过的也算。", 'evidence = ["整改后照片"]', ()
    )
    fields: tuple[str, ...] = _key("这些内容已经填写。", 'fields = ["result"]', ())


class Opening(_Strict):
    state: str = _key("登记后处于哪个状态。", 'state = "submitted"')
    by: tuple[Part, ...] = _key("谁可以登记。", 'by = ["enterprise", "desk"]', min_length=1)
    starts: tuple[str, ...] = _key("登记时开始计哪些时限。", 'starts = ["acceptance"]', ())
    attachments: tuple[str, ...] = _key("登记时必须附哪些种类的附件。", 'attachments = ["现场照片"]', ())


class Act(_Named):
    from_states: tuple[str, ...] = _key(
        "在哪些状态下可以做。", 'from = ["submitted"]', alias="from", min_length=1
    )
    to: str | None = _key("做了以后到哪个状态；不写为不变。", 'to = "accepted"', None)
    by: tuple[Part, ...] = _key("谁可以做。", 'by = ["desk"]', min_length=1)
    note: Asked = _key(
        "要不要写说明或理由：required 必填，optional 可填，none 不问。", 'note = "required"', "optional"
    )
    reasons: tuple[str, ...] = _key(
        "事由的选项；写了就必须选一项。", 'reasons = ["等待企业补正材料", "专家评审"]', ()
    )
    fields: tuple[str, ...] = _key("必须填写的内容（以前填过的不必再填）。", 'fields = ["result"]', ())
    optional: tuple[str, ...] = _key("可以填写的内容。", 'optional = ["cost"]', ())
    attachments: tuple[str, ...] = _key(
        "必须有的附件种类（本次附上，或以前附过）。", 'attachments = ["答复文书"]', ()
    )
    assigns: Asked = _key(
        "是否同时交给承办单位：required 必须，optional 可以。", 'assigns = "required"', "none"
    )
    kind: StrictBool = _key("是否可以同时改类别。", "kind = true", False)
    starts: tuple[str, ...] = _key("开始计哪些时限。", 'starts = ["handling"]', ())
    stops: tuple[str, ...] = _key("哪些时限到此为止。", 'stops = ["handling"]', ())
    pauses: tuple[str, ...] = _key("暂停哪些时限（正在计时的才停）。", 'pauses = ["handling"]', ())
    resumes: tuple[str, ...] = _key("恢复哪些时限。", 'resumes = ["handling"]', ())
    extends: tuple[str, ...] = _key(
        "可以延长哪些时限；延多久在做的时候写，不超过时限里的规定。", 'extends = ["handling"]', ()
    )
    needs: Needs = _key("先要满足的条件。", "needs = { confirmed = true, children = true }", Needs())
    confirms: StrictBool = _key("是否为企业的确认。", "confirms = true", False)
    asks_rating: StrictBool = _key(
        "是否请企业评价（好差评，1 至 5 分，5 为非常满意）。", "asks_rating = true", False
    )
    internal: StrictBool = _key(
        "这一步的说明和附件是否只给工作人员看；企业只看到事项到了哪个状态。", "internal = true", False
    )
    returns: StrictBool = _key("是否为退回；计入退回次数。", "returns = true", False)
    reopens: StrictBool = _key("是否为办结后的重新办理；计入重办次数。", "reopens = true", False)
    within_days: StrictInt | None = _key(
        "重新办理须在办结后几天（自然日）之内；不写为不限。", "within_days = 15", None, ge=1
    )
    opens: tuple[str, ...] = _key("引出哪种下级事项；写了几种就任选一种。", 'opens = ["hazard"]', ())
    bulk: StrictBool = _key("是否可以对许多件一起做。", "bulk = true", False)


MOST_DAYS = 3660
MOST_HOURS = 24 * MOST_DAYS


class Extension(_Strict):
    times: StrictInt = _key("至多延长几次。", "times = 1", ge=1)
    days: StrictInt | None = _key(
        "每次至多延长几天（与时限同样的日）；按日的时限必填。", "days = 10", None, ge=1
    )
    hours: StrictInt | None = _key(
        "每次至多延长几小时；按小时的时限必填。", "hours = 2", None, ge=1, le=MOST_HOURS
    )

    @property
    def most(self) -> int:
        """In the unit of the clock."""
        return self.days or self.hours or 0


class Clock(_Named):
    nature: Literal["legal", "promised"] = _key("legal 法定，promised 承诺。", 'nature = "promised"')
    unit: Unit = _key(
        "working 工作日，calendar 自然日，hour 小时（自然小时，夜里和休息日也算，从那一步办的时刻起算）。",
        'unit = "working"',
    )
    days: StrictInt | None = _key(
        "几天；起算当日不计。0 为当日。按日的时限必填。", "days = 15", None, ge=0, le=MOST_DAYS
    )
    hours: StrictInt | None = _key("几小时；按小时的时限必填。", "hours = 48", None, ge=1, le=MOST_HOURS)
    by_kind: dict[str, Annotated[StrictInt, Field(ge=0, le=MOST_HOURS)]] = _key(
        "某些类别另有规定的，类别编号 = 天数（按小时的时限为小时数）。", "by_kind = { approval = 7 }", {}
    )
    extension: Extension | None = _key(
        "可以怎样延长；不写为不可延长。", "extension = { times = 1, days = 10 }", None
    )
    warn_at: tuple[str, ...] = _key(
        "用去时限的几成时提醒，由小到大，写整数百分比。", 'warn_at = ["50%", "80%"]', ()
    )
    basis: str = _key(
        "出自哪里；没有依据的写“示例，以本地规定为准”。", 'basis = "示例，以本地规定为准"', min_length=1
    )

    def limit(self, kind: str | None) -> int:
        """Days or hours, as the unit says."""
        general = (self.hours if self.unit == "hour" else self.days) or 0
        return self.by_kind.get(kind, general) if kind is not None else general

    @cached_property
    def warnings(self) -> tuple[int, ...]:
        """Percentages."""
        return tuple(read_share(share) for share in self.warn_at)


class Escalation(_Strict):
    clock: str = _key("哪个时限。", 'clock = "handling"')
    at: str | None = _key("用去时限的几成（与超期多久二选一）。", 'at = "100%"', None, pattern=_SHARE)
    overdue_days: StrictInt | None = _key(
        "超期几天（与时限同样的日）；时限按日的用它。", "overdue_days = 3", None, ge=1, le=MOST_DAYS
    )
    overdue_hours: StrictInt | None = _key(
        "超期几小时；时限按小时的用它。", "overdue_hours = 24", None, ge=1, le=MOST_HOURS
    )
    levels: StrictInt = _key("报到承办单位以上第几级。", "levels = 1", ge=1, le=9)
    tells: tuple[Part, ...] = _key("还要告诉谁。", 'tells = ["handler", "desk"]', ())

    @property
    def overdue(self) -> int | None:
        """In the unit of the clock."""
        return self.overdue_days or self.overdue_hours


class CaseType(_Named):
    """A case-type file, read. `act`, `state` and the others give None for an id that it does not have."""

    prefix: str = _key("编号的字头，两到四个大写字母；各类型不同。", 'prefix = "SQ"', pattern=r"^[A-Z]{2,4}$")
    subject: Literal["enterprise", "place", "none"] = _key(
        "关于什么：enterprise 一户企业，place 一个地方，none 都不是。", 'subject = "enterprise"'
    )
    note: str | None = _key("给维护者的话：哪些是示例。", 'note = "时限为示例，以本地规定为准。"', None)
    source: tuple[Source, ...] = _key("依据的文件。", '[[source]]\ndocument = "…"\nstatus = "未见原件"', ())
    shown: StrictBool | None = _key(
        "企业看不看得到；不写时，企业有事可做的类型才看得到。内部的话企业总是看不到。", "shown = true", None
    )
    erase_after_days: StrictInt | None = _key(
        "办结多少天后抹去个人信息；有个人信息的必填。", "erase_after_days = 1095", None, ge=1
    )
    merged: str | None = _key(
        "并入另一件之后处于哪个（作废的）状态；不写为不能合并。", 'merged = "merged"', None
    )
    labels: tuple[str, ...] = _key("附件的种类。", 'labels = ["现场照片", "整改后照片"]', ())
    kinds: tuple[Kind, ...] = _key("类别。", '[[kind]]\nid = "land"', (), alias="kind")
    fields: tuple[FieldOf, ...] = _key("要填写的内容。", '[[field]]\nid = "title"', (), alias="field")
    states: tuple[State, ...] = _key("状态。", '[[state]]\nid = "submitted"', alias="state", min_length=1)
    opening: Opening = _key("怎样登记。", '[opening]\nstate = "submitted"\nby = ["enterprise"]')
    acts: tuple[Act, ...] = _key(
        "办理的动作：从哪个状态到哪个状态。", '[[act]]\nid = "accept"', alias="act", min_length=1
    )
    clocks: tuple[Clock, ...] = _key("时限。", '[[clock]]\nid = "handling"', (), alias="clock")
    escalations: tuple[Escalation, ...] = _key(
        "超期或将要超期时逐级上报。", '[[escalation]]\nclock = "handling"', (), alias="escalation"
    )

    @property
    def shown_to_enterprise(self) -> bool:
        """Whether the enterprise sees such a case: as the file says, or where it has something to do in it."""
        if self.subject != "enterprise":
            return False
        has_part = "enterprise" in self.opening.by or any("enterprise" in act.by for act in self.acts)
        return has_part if self.shown is None else self.shown

    def act(self, id: str) -> Act | None:  # noqa: A002
        return self._acts.get(id)

    def state(self, id: str) -> State | None:  # noqa: A002
        return self._states.get(id)

    def kind(self, id: str) -> Kind | None:  # noqa: A002
        return self._kinds.get(id)

    def field(self, id: str) -> FieldOf | None:  # noqa: A002
        return self._fields.get(id)

    def clock(self, id: str) -> Clock | None:  # noqa: A002
        return self._clocks.get(id)

    def acts_from(self, state: str) -> tuple[Act, ...]:
        return self._acts_from.get(state, ())

    def fields_at_opening(self, kind: str | None) -> tuple[FieldOf, ...]:
        """What is asked when a case of this kind is opened."""
        return tuple(field for field in self.fields if field.opening != "none" and field.is_for(kind))

    @cached_property
    def _acts(self) -> dict[str, Act]:
        return _by_id(self.acts)

    @cached_property
    def _states(self) -> dict[str, State]:
        return _by_id(self.states)

    @cached_property
    def _kinds(self) -> dict[str, Kind]:
        return _by_id(self.kinds)

    @cached_property
    def _fields(self) -> dict[str, FieldOf]:
        return _by_id(self.fields)

    @cached_property
    def _clocks(self) -> dict[str, Clock]:
        return _by_id(self.clocks)

    @cached_property
    def _acts_from(self) -> dict[str, tuple[Act, ...]]:
        return {
            state.id: tuple(act for act in self.acts if state.id in act.from_states) for state in self.states
        }


def read_share(text: str) -> int:
    """80 of "80%"."""
    return int(text.removesuffix("%"))


N = TypeVar("N", bound=_Named)


def _by_id(rows: Iterable[N]) -> dict[str, N]:
    return {row.id: row for row in rows}
