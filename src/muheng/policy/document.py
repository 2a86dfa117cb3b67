"""The schema of a policy file: what may stand in it, with the sentence that explains each key.

Shapes only: whether names, units, formulas and rules fit together is checked by ``compile``.
``docs/policy.md`` is generated from these classes.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictBool, StrictInt, StrictStr, Tag

from muheng.documents.schema import Number


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True
    )


def _key(description: str, example: str, default: Any = ..., **limits: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"example": example}, **limits)


# A figure as the author wrote it: 30, 24.097, "5%", "不设". Never a binary float.
Share = StrictStr | Number


class Source(_Part):
    document: str = _key("文件名称。", 'document = "黄岩区2022年度工业企业综合评价公示"')
    number: str | None = _key("文号。", 'number = "淮政办发〔2018〕39号"', None)
    date: datetime.date | None = _key("印发或公示日期。", "date = 2023-09-25", None)
    url: str | None = _key("所见网页（不含协议头也可）。", 'url = "www.example.gov.cn/art_1"', None)
    status: str = _key("是原件、转载，还是未见原件。", 'status = "转载，未见原件"')


class Validity(_Part):
    start: datetime.date = _key("自哪一天起适用（含当日）。", "from = 2023-01-01", alias="from")
    until: datetime.date | None = _key("到哪一天为止（不含当日）；不写为长期。", "until = 2024-01-01", None)


class Policy(_Part):
    id: str = _key(
        "编号，全库唯一，小写字母、数字和短横。", 'id = "zj-huangyan-2022"', pattern=r"^[a-z0-9][a-z0-9-]*$"
    )
    name: str = _key("名称，显示在每一页结果上。", 'name = "黄岩区工业企业亩均效益综合评价（2022年度）"')
    source: Source = _key("依据的文件。", 'source = { document = "…", status = "转载，未见原件" }')
    valid: Validity = _key("适用期间 [from, until)。", "valid = { from = 2023-01-01, until = 2024-01-01 }")
    open: tuple[str, ...] = _key(
        "来源文本没有说明、需要人确认之处；显示在每份结果上。", 'open = ["得分上限未见"]'
    )
    illustrative: StrictBool = _key("是否仅为示例（不是当地现行规定）。", "illustrative = true", False)


class Input(_Part):
    type: Literal["数值", "文本", "日期", "标签", "等级"] = _key("数据的类型。", 'type = "数值"', "数值")
    unit: str | None = _key("计量单位；数值必填。", 'unit = "万元"', None)
    digits: StrictInt | None = _key(
        "保留的小数位数；不写则按单位（万元 2 位、亩 4 位……）。", "digits = 2", None, ge=0, le=8
    )
    range: tuple[Number, Number] | None = _key(
        "合理范围（本单位），超出即报错；不写则按单位的通常范围。也用来证明计算不溢出。",
        "range = [-1e6, 1e8]",
        None,
    )
    basis: Literal["当量值", "等价值"] | None = _key(
        "综合能耗的口径；单位为 tce 时必填。", 'basis = "等价值"', None
    )
    levels: tuple[str, ...] | None = _key(
        "等级的取值，由轻到重（或由低到高）；类型为等级时必填。", 'levels = ["无", "一般", "较大"]', None
    )
    values: tuple[str, ...] | None = _key("文本允许的取值。", 'values = ["规上", "规下"]', None)
    provider: str | None = _key("由哪个部门提供。", 'from = "税务"', None, alias="from")
    missing: Share = _key(
        "没有数据时怎么办：一个数（按此数计）、“得零分”、“同组平均得分”、“不参评：理由”、“暂缓评价：理由”、"
        "“报错”；文本、等级、标签可写替代值，日期可写“视为缺”。",
        'missing = "同组平均得分"',
    )
    clause: str | None = _key("依据的条款。", 'clause = "评价指标四"', None)


class Definition(_Part):
    formula: str | None = _key("计算式。", 'formula = "自有用地 + 承租用地 - 出租用地"', None)
    unit: str | None = _key("计算结果的单位；数值必填。", 'unit = "亩"', None)
    digits: StrictInt | None = _key(
        "结果保留的小数位数（四舍五入）；不写则按单位。", "digits = 4", None, ge=0, le=8
    )
    when: str | None = _key("条件式（与 formula 二选一）。", "when = \"有('高新技术企业')\"", None)
    group: str | None = _key("按哪一项文本分组（与 formula 二选一）。", 'group = "行业代码"', None)
    table: dict[str, tuple[str, ...]] | None = _key(
        "分组表：组名 = 该项文本的开头（行业代码写前几位）。",
        'table = { 纺织鞋帽橡塑 = ["17", "18", "29"] }',
        None,
    )
    other: str | None = _key("不在表中的归入哪一组。", 'other = "其他"', None)
    must: str | None = _key("必须满足的要求，如“> 0”；不满足时按 else 处理。", 'must = "> 0"', None)
    otherwise: str | None = _key(
        "不满足 must 时：“不参评：理由”“暂缓评价：理由”“得零分”。",
        'else = "不参评：无有效用地"',
        None,
        alias="else",
    )
    clause: str | None = _key("依据的条款。", 'clause = "第五条"', None)


class Exemption(_Part):
    name: str = _key("名称，写进理由。", 'name = "公用事业"')
    when: str = _key("条件。", "when = \"开头是(行业代码, '44', '45', '46')\"")
    then: Literal["免评价", "暂缓评价", "不参评", "T", "不定等级"] = _key("归入哪一类。", 'then = "T"')
    scored: StrictBool = _key("是否仍计算得分（不定等级通常计分不定级）。", "scored = true", False)
    treated_as: str | None = _key("配置要素时按哪一级对待。", 'treated_as = "B"', None)
    clause: str | None = _key("依据的条款。", 'clause = "第四条"', None)


class Small(_Part):
    below: StrictInt = _key("组内参评户数少于多少视为过小。", "below = 20", ge=1)
    then: Literal["合并小组", "按全体"] = _key(
        "“合并小组”：各过小组并成一组；“按全体”：这些企业按本类全体的基准或名次。", 'then = "合并小组"'
    )


class Base(_Part):
    of: Literal["同组平均", "同组加权平均", "上年同组平均", "上年同组加权平均", "同组分位"] = _key(
        "基准值怎样得来。加权平均为分子合计除以分母合计（要求指标公式是一次除法）。", 'of = "上年同组平均"'
    )
    times: Share = _key("倍数。", "times = 2", 1)
    by: tuple[str, ...] = _key("按哪些项分组；空为本类全体。", 'by = ["行业组"]', ())
    digits: StrictInt | None = _key("基准值保留的小数位数；不写同指标。", "digits = 4", None, ge=0, le=8)
    percentile: str | None = _key(
        "分位（同组分位必填），按最近秩：第 ⌈p·n⌉ 小的值。", 'percentile = "90%"', None
    )
    values: dict[str, Share] | None = _key(
        "已公布的数（上年同组平均可直接写在此）；键为组名，“*”为其余。", 'values = { "*" = 6 }', None
    )
    small: Small | None = _key("组过小时怎么办。", 'small = { below = 5, then = "按全体" }', None)


def _base_kind(value: object) -> str:
    """A table with ``of`` says how the base arises; any other table gives figures by group."""
    if isinstance(value, dict):
        return "Base" if "of" in value else "groups"
    return "Base" if isinstance(value, Base) else "figure"


AnyBase = Annotated[
    Annotated[Share, Tag("figure")]
    | Annotated[Base, Tag("Base")]
    | Annotated[dict[str, Share], Tag("groups")],
    Discriminator(_base_kind),
]


class Score(_Part):
    by: Literal["比值", "极差", "名次", "分档"] = _key(
        "计分方法。比值：权重 × 值 ÷ 基准；极差：权重 ×［底分＋(100－底分)×(值－最小)÷(最大－最小)］÷100；"
        "名次：权重 ×（户数－名次＋1）÷ 户数；分档：按区间给分。",
        'by = "比值"',
    )
    base: AnyBase | None = _key("基准值：一个数，或按组给数，或从同组得来。", "base = 24.097", None)
    by_group: str | None = _key("base 按组给数时，按哪一项分组。", 'by_group = "行业组"', None)
    direction: Literal["越高越好", "越低越好"] = _key("指标方向。", 'direction = "越低越好"', "越高越好")
    cap: Share | None = _key("得分上限：“不设”、分数，或“1.2倍权重”；比值法必填。", 'cap = "1.2倍权重"', None)
    floor: Share | None = _key("得分下限：“不设”或分数；比值法必填。", "floor = 0", None)
    bottom: Share | None = _key("极差法的底分（百分制）；极差法必填。", "bottom = 20", None)
    equal: Literal["满分", "得零分"] | None = _key(
        "极差法全组数值相同时；极差法必填。", 'equal = "满分"', None
    )
    group: tuple[str, ...] = _key("极差、名次在哪些组内计算；空为本类全体。", 'group = ["行业组"]', ())
    bands: tuple[tuple[Share, Share], ...] | None = _key(
        "分档：[下限, 得分]，由高到低，达到下限即得该分；最后一档以下得 0 分。",
        "bands = [[20, 30], [10, 15]]",
        None,
    )


class Indicator(_Part):
    name: str = _key("指标名称。", 'name = "亩均税收"')
    formula: str = _key("计算式。", 'formula = "税收 / 用地"')
    unit: str = _key("单位。", 'unit = "万元/亩"')
    digits: StrictInt = _key("指标值保留的小数位数（四舍五入）。", "digits = 4", ge=0, le=8)
    weight: Share = _key("权重（分）。", "weight = 30")
    score: Score = _key("怎样计分。", 'score = { by = "比值", base = 24.097, cap = "不设", floor = 0 }')
    missing: str | None = _key(
        "缺数据时：“得零分”“同组平均得分”“不参评：理由”；不写则按所用数据项的规定。",
        'missing = "得零分"',
        None,
    )
    missing_by: tuple[str, ...] = _key(
        "“同组平均得分”按哪些项分组；空为本类全体。", 'missing_by = ["行业组"]', ()
    )
    zero: str | None = _key(
        "分母不大于零时：“得零分”“满分”“同组平均得分”“不参评：理由”；分母可能为零时必填。",
        'zero = "得零分"',
        None,
    )
    clause: str | None = _key("依据的条款。", 'clause = "评价指标一"', None)


class Boundaries(_Part):
    """Who gets which grade inside one class."""

    method: Literal["累计名次", "两步"] = _key("定级方法。", 'method = "累计名次"', "累计名次")
    within: tuple[str, ...] = _key("在哪些组内排名；空为本类全体。", 'within = ["行业组"]', ())
    order: tuple[str, ...] = _key(
        "排序键，由先到后，“降”或“升”；最后一个必须唯一。", 'order = ["总分 降", "统一社会信用代码 升"]'
    )
    quota: dict[str, str] = _key(
        "各级的累计比例（“20%”）或分数线（“>= 60分”），由好到差，最后一级“100%”；两步法不写。",
        'quota = { A = "20%", B = "60%", C = "95%", D = "100%" }',
        {},
    )
    round: dict[str, Literal["四舍五入", "进一", "舍去"]] = _key(
        "比例乘户数得小数时：写好级者定该级及以上的户数，写最后一级者定最后一级的户数。",
        'round = { A = "四舍五入", B = "四舍五入", D = "进一" }',
        {},
    )
    counted: tuple[Literal["参评", "T", "免评价", "暂缓评价", "不参评", "不定等级"], ...] = _key(
        "哪些企业计入名额的户数。", 'counted = ["参评"]'
    )
    ties: Literal["按排序键", "同分就高", "同分就低"] = _key("总分相同怎样定级。", 'ties = "按排序键"')
    vetoed: Literal["占名额", "不占名额"] = _key("被一票否决的企业是否占名额。", 'vetoed = "不占名额"')
    direct: Literal["占名额", "不占名额"] = _key("定档的企业是否占名额。", 'direct = "不占名额"')
    small: Small | None = _key("排名组过小时怎么办。", 'small = { below = 20, then = "合并小组" }', None)
    step: tuple[Step, ...] = _key("两步法的各步。", '[[grading.step]]\nfrom = "前50%"', ())
    rest: str | None = _key("两步法中其余企业的等级。", 'rest = "B"', None)


class Step(_Part):
    part: str = _key(
        "取总分名次的哪一段：“前50%”或“后50%”。",
        'from = "前50%"',
        alias="from",
        pattern=r"^[前后]\d+(\.\d+)?%$",
    )
    order: tuple[str, ...] = _key(
        "在这一段里重新排序的键。", 'order = ["亩均税收 降", "统一社会信用代码 升"]'
    )
    first: str = _key("取全体户数的多少。", 'first = "15%"', pattern=r"^\d+(\.\d+)?%$")
    round: Literal["四舍五入", "进一", "舍去"] = _key("户数得小数时。", 'round = "四舍五入"')
    grade: str = _key("定为哪一级。", 'grade = "A"')
    clause: str | None = _key("依据的条款。", 'clause = "第九条"', None)


class Class(_Part):
    when: str | None = _key("哪些企业属于本类；只有一类时可不写。", "when = \"规模 == '规上'\"", None)
    like: str | None = _key("沿用另一类的指标。", 'like = "规上"', None)
    indicator: tuple[Indicator, ...] = _key("指标。", '[[class.规上.indicator]]\nname = "亩均税收"', ())
    grading: Boundaries | None = _key(
        "本类自己的定级办法；不写则用 [grading]。", '[class.规下.grading]\ncounted = ["参评"]', None
    )


class Adjustment(_Part):
    name: str = _key("名称。", 'name = "省级专精特新"')
    when: str | None = _key("条件；不写为全部企业。", "when = \"有('专精特新', '省级')\"", None)
    add: Share | None = _key("分数，或指标合计得分的百分比（“5%”）。加分、减分都写正数。", "add = 3", None)
    points: str | None = _key(
        "分数的计算式（与 add 二选一）。", 'points = "5 * 最大(出租规下户数 - 1, 0)"', None
    )
    limit: str = _key("归入哪一个限额组（见 [limit]）。", 'limit = "加分"')
    classes: tuple[str, ...] = _key("只适用于哪些类；空为全部。", 'classes = ["规上"]', ())
    clause: str | None = _key("依据的条款。", 'clause = "第八条"', None)


class Limit(_Part):
    take: Literal["合计", "最高一项", "第一项"] = _key(
        "同组各项怎样取：全部相加，只取最高的一项，或只取写在最前的一项。", 'take = "合计"'
    )
    cap: Share = _key("合计上限：分数或“不设”。", "cap = 10")


class Regrade(_Part):
    name: str = _key("名称，写进理由。", 'name = "县五百强"')
    when: str = _key("条件。", "when = \"有('县500强')\"")
    then: str = _key(
        "定档“定为 A”，提档“提 1 档”，降档“降 1 档”，限档“最高 B”“最低 C”。按所写次序执行。",
        'then = "提 1 档"',
    )
    classes: tuple[str, ...] = _key("只适用于哪些类；空为全部。", 'classes = ["规上"]', ())
    clause: str | None = _key("依据的条款。", 'clause = "第十条"', None)


class Veto(_Part):
    name: str = _key("名称，写进理由。", 'name = "较大及以上安全生产事故"')
    when: str = _key("条件。", "when = \"安全事故等级 >= '较大'\"")
    then: str = _key("“最高 D”“最高 C”“降 1 档”“定为 D”。最后执行，加分不能抵消。", 'then = "最高 D"')
    classes: tuple[str, ...] = _key("只适用于哪些类；空为全部。", 'classes = ["规上"]', ())
    clause: str | None = _key("依据的条款。", 'clause = "一票否决"', None)


class Merge(_Part):
    by: str = _key("哪一项文本相同的企业并成一个评价对象。", 'by = "宗地号"')
    lead: str | None = _key(
        "以谁为主体：写一项文本，其值等于本企业信用代码者为主体；不写则取用地最大者。",
        'lead = "主体企业"',
        None,
    )
    land: str = _key("比较用地大小时用哪一项。", 'land = "自有用地"')
    alone: str | None = _key("符合条件的企业单独评价，不并入。", 'alone = "承租用地 >= 5"', None)
    result: Literal["共享", "独立与合并"] = _key(
        "“共享”：成员同用合并后的结果；“独立与合并”：两个结果都给，等级以 official 为准。", 'result = "共享"'
    )
    official: Literal["独立", "合并"] = _key("独立与合并并存时以哪个为准。", 'official = "合并"', "合并")
    clause: str | None = _key("依据的条款。", 'clause = "第六条"', None)


class Grade(_Part):
    name: str = _key("等级全称。", 'name = "优先发展类"')


class Scoring(_Part):
    score_digits: StrictInt = _key("单项得分保留的小数位数。", "score_digits = 4", ge=0, le=6)
    total_digits: StrictInt = _key("总分保留的小数位数；位数越少，并列越多。", "total_digits = 2", ge=0, le=6)
    cap: Share = _key("总分上限：分数或“不设”。", 'cap = "不设"')
    floor: Share = _key("总分下限：分数或“不设”。", "floor = 0")
    weights: Share = _key("权重应合计为多少。", "weights = 100", 100)


class PolicyDocument(_Part):
    policy: Policy = _key("这份规则是什么、出自哪里、何时有效。", '[policy]\nid = "…"')
    input: dict[str, Input] = _key(
        "需要知道每户企业的哪些数据。", '[input]\n税收 = { unit = "万元", missing = "得零分" }'
    )
    define: dict[str, Definition] = _key("由数据算出的中间值、条件和分组。", "[define]\n用地 = { … }", {})
    exempt: tuple[Exemption, ...] = _key(
        "不评、缓评、免评和不定等级；先写者优先。", '[[exempt]]\nname = "公用事业"', ()
    )
    merge: Merge | None = _key("同一宗地多户企业合并评价。", '[merge]\nby = "宗地号"', None)
    classes: dict[str, Class] = _key("企业分几类评价，各用哪些指标。", "[class.规上]", alias="class")
    scoring: Scoring = _key("得分的位数和总分的上下限。", "[scoring]\nscore_digits = 4\ntotal_digits = 2")
    limit: dict[str, Limit] = _key("加分、减分的限额。", '[limit]\n加分 = { take = "合计", cap = 10 }', {})
    bonus: tuple[Adjustment, ...] = _key("加分项。", '[[bonus]]\nname = "省级专精特新"', ())
    deduction: tuple[Adjustment, ...] = _key("减分项。", '[[deduction]]\nname = "出租厂房"', ())
    grade: dict[str, Grade] = _key("等级，由好到差。", '[grade]\nA = { name = "优先发展类" }')
    grading: Boundaries | None = _key("定级办法（各类通用）。", "[grading]\nwithin = []", None)
    regrade: tuple[Regrade, ...] = _key("定档、提档、降档。", '[[regrade]]\nname = "县五百强"', ())
    veto: tuple[Veto, ...] = _key("一票否决。", '[[veto]]\nname = "较大及以上安全生产事故"', ())


Boundaries.model_rebuild()
Class.model_rebuild()
PolicyDocument.model_rebuild()
