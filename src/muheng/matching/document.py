"""The schema of a matching document: for one kind of need, hard conditions and points, each with a name for the reason.

Conditions are declared data, each of a known test; there are no formulas. Who offers what stands in the offers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from muheng.documents.schema import Number

Points = Annotated[int, Field(ge=0, le=10_000)]
Days = Annotated[int, Field(ge=0, le=3_650)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Named(_Strict):
    name: str = Field(
        min_length=1,
        max_length=40,
        description="理由里怎样叫它。",
        json_schema_extra={"example": 'name = "服务区域"'},
    )
    english: str = Field(
        min_length=1,
        max_length=60,
        description="英文名称。",
        json_schema_extra={"example": 'english = "Region served"'},
    )


class _Condition(_Named):
    unknown: Literal["pass", "fail"] = Field(
        description="所需的情况不清楚时：pass 先算符合、提示核实，fail 算不符合。",
        json_schema_extra={"example": 'unknown = "pass"'},
    )


# -- hard conditions ---------------------------------------------------------------------------------


class RegionCondition(_Condition):
    """The enterprise lies in a region that the offer serves."""

    test: Literal["region"] = Field(description="核对或加分的项目。")


class IndustryCondition(_Condition):
    """The enterprise's industry is one that the offer serves, and one of ``only``."""

    test: Literal["industry"] = Field(description="核对或加分的项目。")
    only: tuple[str, ...] = Field((), description="本地规定只对这些行业：GB/T 4754 门类字母或开头几位。")


class AmountCondition(_Condition):
    """The amount lies within the offer's bounds, and within ``least`` and ``most``."""

    test: Literal["amount"] = Field(description="核对或加分的项目。")
    least: Number | None = Field(None, description="本地规定的下限；资金和技术以万元计，用工以人计。")
    most: Number | None = Field(None, description="本地规定的上限；单位同 least。")


class CapacityCondition(_Condition):
    """The offer has enough left."""

    test: Literal["capacity"] = Field(description="核对或加分的项目。")


class GradeCondition(_Condition):
    """The enterprise's grade is one that the offer takes, and one of ``only``."""

    test: Literal["grade"] = Field(description="核对或加分的项目。")
    only: tuple[str, ...] = Field((), description="本地规定只对这些等级。")


class StatusCondition(_Condition):
    """The enterprise has one of the statuses that the offer asks for, and one of ``any``."""

    test: Literal["status"] = Field(description="核对或加分的项目。")
    any: tuple[str, ...] = Field((), description="本地规定至少有其中一个称号，例如 专精特新。")


class TermCondition(_Condition):
    """The offer lasts as long as it is needed, in months."""

    test: Literal["term"] = Field(description="核对或加分的项目。")
    most: Annotated[int, Field(ge=1, le=600)] | None = Field(None, description="本地规定的最长月数。")


class RateCondition(_Condition):
    """The rate is not above what the enterprise would pay, and not above ``most``."""

    test: Literal["rate"] = Field(description="核对或加分的项目。")
    most: Annotated[Number, Field(ge=0, le=100)] | None = Field(None, description="本地规定的最高年利率，%。")


class LeadCondition(_Condition):
    """It can be there by the day on which it is wanted."""

    test: Literal["lead"] = Field(description="核对或加分的项目。")


class ValidityCondition(_Condition):
    """The offer is in force."""

    test: Literal["validity"] = Field(description="核对或加分的项目。")


class TagsCondition(_Condition):
    """The offer has every tag that the need cannot do without."""

    test: Literal["tags"] = Field(description="核对或加分的项目。")


Condition = Annotated[
    RegionCondition
    | IndustryCondition
    | AmountCondition
    | CapacityCondition
    | GradeCondition
    | StatusCondition
    | TermCondition
    | RateCondition
    | LeadCondition
    | ValidityCondition
    | TagsCondition,
    Field(discriminator="test"),
]


# -- points ------------------------------------------------------------------------------------------


class TagPoints(_Named):
    """For each tag that both have."""

    test: Literal["tags"] = Field(description="核对或加分的项目。")
    each: Points = Field(description="每个相同的标签得几分。")
    most: Points = Field(description="合计最多几分。")


class IndustryPoints(_Named):
    """The nearer the industries that the offer names are to the enterprise's, the more."""

    test: Literal["industry"] = Field(description="核对或加分的项目。")
    digits: dict[Literal["门类", "2", "3", "4"], Points] = Field(
        min_length=1, description="门类相同，或代码前 2、3、4 位相同，各得几分；取最细的一档。"
    )


class NearnessPoints(_Named):
    """The smallest place that both lie in."""

    test: Literal["nearness"] = Field(description="核对或加分的项目。")
    same: dict[Literal["township", "park", "county", "city"], Points] = Field(
        min_length=1, description="同在一个镇街、园区、县区、市各得几分；取最高的一档。"
    )


class GradePoints(_Named):
    """By the enterprise's grade."""

    test: Literal["grade"] = Field(description="核对或加分的项目。")
    grades: dict[str, Points] = Field(min_length=1, description="等级 = 几分；没有列出的不得分。")


class StatusPoints(_Named):
    """For each of the statuses that the enterprise has."""

    test: Literal["status"] = Field(description="核对或加分的项目。")
    statuses: tuple[str, ...] = Field(min_length=1, description="哪些称号得分。")
    each: Points = Field(description="每个称号得几分。")
    most: Points = Field(description="合计最多几分。")


class DayStep(_Strict):
    within: Days = Field(description="不超过几天。")
    points: Points = Field(description="几分。")


class UrgencyPoints(_Named):
    """The sooner it is wanted, the more: for the order of needs, when an offer looks for them."""

    test: Literal["urgency"] = Field(description="核对或加分的项目。")
    steps: tuple[DayStep, ...] = Field(
        min_length=1, description="离需要的日子还有几天以内，得几分；由近到远。"
    )


class LeadPoints(_Named):
    """The faster the supplier, the more."""

    test: Literal["lead"] = Field(description="核对或加分的项目。")
    steps: tuple[DayStep, ...] = Field(min_length=1, description="几天以内办好，得几分；由快到慢。")


class RateStep(_Strict):
    within: Annotated[Number, Field(ge=0, le=100)] = Field(description="年利率不超过，%。")
    points: Points = Field(description="几分。")


class RatePoints(_Named):
    """The lower the rate, the more."""

    test: Literal["rate"] = Field(description="核对或加分的项目。")
    steps: tuple[RateStep, ...] = Field(min_length=1, description="年利率不超过多少得几分；由低到高。")


PointRule = Annotated[
    TagPoints
    | IndustryPoints
    | NearnessPoints
    | GradePoints
    | StatusPoints
    | UrgencyPoints
    | LeadPoints
    | RatePoints,
    Field(discriminator="test"),
]

Tie = Literal["rate", "lead", "left", "wanted_by", "id"]


class MatchingDocument(_Strict):
    """One kind of need: what an offer must fulfil, and what speaks for it."""

    id: str = Field(
        pattern=r"^[a-z][a-z0-9-]*$",
        description="代号，与文件同名；城市包里同一代号的文件替换通用的。",
        json_schema_extra={"example": 'id = "finance"'},
    )
    kind: Literal["technology", "finance", "labour"] = Field(
        description="技术、资金还是用工。", json_schema_extra={"example": 'kind = "finance"'}
    )
    name: str = Field(min_length=1, max_length=60, description="名称。")
    english: str = Field(min_length=1, max_length=100, description="英文名称。")
    source: str = Field(min_length=1, description="依据；没有依据的写“示例，以本地规定为准”。")
    ties: tuple[Tie, ...] = Field(
        min_length=1,
        description="同分时依次比什么：rate 利率低、lead 办得快、left 余量多、wanted_by 要得急、id 登记在先；最后必须是 id。",
        json_schema_extra={"example": 'ties = ["rate", "id"]'},
    )
    condition: tuple[Condition, ...] = Field((), description="硬条件：一条不符合就不推荐，并说明差多少。")
    points: tuple[PointRule, ...] = Field((), description="加分：分数都是整数。")
