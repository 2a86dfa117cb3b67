"""What the description of the API says of every operation alike: its room, who may ask, how it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from muheng.web.api_errors import STATUSES

TITLE = "亩衡接口 · Muheng API"
ABOUT = """\
网页能看的、能做的，程序都能经这里看、做：同一套查询和操作，同样的权限，同样的记录。

**密钥**：在网站上点自己的名字，新建程序密钥；每次请求带上 `Authorization: Bearer mh_…`。密钥的权限就是您的权限；不在权限之内的，等于没有（404）。
登录后的浏览器也可以直接用，改动的请求要带 CSRF 令牌。

**列表**：`limit`（最多 200）、`offset`；答 `items`、`count`（符合条件的总数）、`next`（下一段的地址，到头为 null）。不认识的条件不会被略过，答 422 并列出可用的。

**出错**：`{"error": {"code", "what", "fix", "at"}}`。`code` 供程序判断，`what` 和 `fix` 是给人看的话，`at` 是哪一项。

**写法**：日期 `2026-03-09`，时刻带时区；需要准确的数写成文字（`"12.50"`）；`?lang=en` 答英文。

The pages' queries and actions for programs, with the same rights and records. Make a key under your name on the site and
send it as a bearer token. Lists are paged by `limit` and `offset`. Add `?lang=en` for English sentences.
"""

ROOMS: Mapping[str, tuple[str, str]] = {
    "me": ("我", "密钥是谁的，能做什么。Whose key this is."),
    "people": ("人员与机构", "机构树、人员和职务。Organisations, people and posts."),
    "enterprises": ("企业档案", "一企一档：企业、历年数据、用地、经历。One file for each enterprise."),
    "cases": ("事项", "诉求、隐患、走访等事项：登记、办理、时限和经过。Cases, their clocks and histories."),
    "intake": ("数据归集", "部门表格：上传、核对、接受、撤销。Departments' workbooks."),
    "policies": ("评价办法", "办法的版本：读、比较、起草、定稿。Methods and their versions."),
    "evaluations": ("评价", "名单、确认、试算、审核、公示、异议、签发和结果。Evaluations and results."),
    "liaison": ("结对走访", "谁联系哪户企业，一周安排，走访。Pairings, weeks and visits."),
    "matching": ("供需对接", "需求、供给、对接、授信和放款、活动。Needs, offers, credits, gatherings."),
    "monitoring": ("自动监控", "点位、数值、事件。Watched outlets, what they emit, events."),
    "emergency": (
        "应急减排",
        "清单、方案、预报、预警、措施和执行。Emergency lists, plans, alerts and orders.",
    ),
    "filings": ("月度填报", "企业自己每月的数据。Enterprises' monthly figures."),
    "home": ("首页", "今天要做的事，全市概况。What to do today."),
    "notices": ("通知", "告诉您的事：看、标为已读。What you are told."),
    "jobs": ("后台任务", "进行到哪里，取消。Background work."),
}
"""The first part of an address: how the room is called, and what it holds."""

NAMES: Mapping[str, str] = {
    "code": "统一社会信用代码。",
    "slug": "办法的编号，如 zj-huangyan-2022。",
    "line": "生产线的编号，如 91340500MA0000001X-1。",
    "evaluation": "评价的编号。",
    "run": "第几次计算。",
    "objection": "异议的编号。",
    "file": "文件的编号。",
    "row": "这一条的编号。",
    "parcel": "宗地的编号。",
    "deed": "哪一次合并或分立的编号。",
    "job": "任务的编号。",
    "template": "模板的编号。",
    "saved": "存下的筛选的编号。",
    "way": "up 升了的，down 降了的。",
    "against": "与第几次计算比。",
    "year": "年度。",
    "month": "月份，如 2026-10。",
    "q": "名称或代码的一部分。",
    "county": "县区的编号，见 /api/people/organisations。",
    "township": "镇街的编号。",
    "park": "园区的编号。",
    "industry": "行业代码开头几位。",
    "industry_group": "行业大类的名称。",
    "scale": "规模。",
    "grade": "等级。",
    "class": "类别。",
    "standing": "评价状态。",
    "state": "状态。",
    "status": "称号，如 高新技术企业。",
    "stage": "阶段：confirmation 数据确认，publicity 公示。",
    "kind": "种类。",
    "factor": "HJ 212-2017 的因子编码，如 a21002。",
    "by": "按什么分。",
    "before": "前一版，如 zj-huangyan-2021@1。",
    "after": "后一版。",
    "retired": "也要停用的。",
    "forget": "去掉对各表的决定。",
    "annotated": "要标好问题的那一份。",
    "show": "哪一部分：rated 参评，exempt 不评，out 移出；不写为全部。",
    "sort": "按哪一列排，前面加 - 为倒序。",
    "lang": "答话的语言：zh 中文，en 英文。",
}
"""What a parameter is, where its operation does not say it: the same name is the same thing everywhere."""

_NUMBERS: Mapping[str, str] = {
    "emergency": "清单、方案、预报、预警或措施单的编号。",
    "monitoring": "点位的编号。",
    "cases": "事项的编号，如 SQ-2026-000001。",
    "me": "密钥的编号。",
    "intake": "批次的编号。",
    "policies": "第几版。",
    "evaluations": "评价的编号。",
    "jobs": "任务的编号。",
    "matching": "这一条的编号。",
    "notices": "通知的编号。",
}

_LANG: dict[str, Any] = {
    "in": "query",
    "name": "lang",
    "required": False,
    "schema": {"type": "string", "enum": ["zh", "en"], "default": "zh"},
    "description": NAMES["lang"],
}


def _file(kind: str) -> dict[str, Any]:
    content = {kind: {"schema": {"type": "string", "format": "binary"}}}
    return {"responses": {200: {"description": "文件。", "content": content}}}


FILE, ZIP = _file("application/octet-stream"), _file("application/zip")
XLSX = _file("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
"""``openapi_extra`` of an operation that answers with a file."""

ERROR = "Error"
_ERROR_SCHEMA = {
    "title": ERROR,
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "what", "fix", "at"],
            "properties": {
                "code": {"type": "string", "description": "是哪一种，供程序判断；不随语言变。"},
                "what": {"type": "string", "description": "哪里不对。"},
                "fix": {"type": "string", "description": "怎么办；可以是空的。"},
                "at": {"type": "string", "description": "请求里的哪一项；可以是空的。"},
            },
        },
        "changes": {
            "type": "array",
            "items": {"type": "string"},
            "description": "code 为 changed 时：您看过之后别人办了什么。",
        },
    },
}


def complete(description: dict[str, Any], prefix: str) -> None:
    """Say of every operation what is the same of all. ``prefix`` is where the API is mounted."""
    for path, operation in _operations(description):
        room = path.removeprefix(prefix).split("/")[0]
        operation["tags"] = [ROOMS[room][0]]
        for parameter in operation["parameters"]:
            name = parameter["name"]
            if name == "number":
                said = NAMES["run"] if "{evaluation}" in path else _NUMBERS[room]
            else:
                said = NAMES.get(name, "")
            parameter.setdefault("description", said)
        operation["parameters"].append(_LANG)
        responses = operation["responses"]
        for status in STATUSES:
            responses.setdefault(status, {"$ref": f"#/components/responses/{status}"})
    components = description["components"]
    components["schemas"][ERROR] = _ERROR_SCHEMA
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ERROR}"}}}
    components["responses"] = {
        str(status): {"description": said, "content": content} for status, said in STATUSES.items()
    }
    used = {tag for _path, operation in _operations(description) for tag in operation["tags"]}
    description["tags"] = [
        {"name": name, "description": about} for name, about in ROOMS.values() if name in used
    ]


def _operations(description: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in description["paths"].items():
        for operation in methods.values():
            yield path, operation
