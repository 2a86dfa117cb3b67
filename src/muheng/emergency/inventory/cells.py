"""A firm, a line, a measure as the cells of its row: by column, in the column's unit. Knows no workbook."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping

from muheng.emergency.inventory import sheets
from muheng.emergency.inventory.model import Filed, Firm, Inventory, Level, Line, Offer, Source, Transport

Cell = str | int | datetime.date | None
"""Numbers scaled by the digits of their column."""


def masses(head: str, amounts: Iterable[int | None] | None) -> dict[str, Cell]:
    if amounts is None:
        return {}
    return {f"{head}|{name}": amount for name, amount in zip(sheets.POLLUTANTS, amounts, strict=True)}


def yes(truth: bool) -> str:
    return "是" if truth else "否"


def firm_cells(firm: Firm) -> dict[str, Cell]:
    return {
        sheets.CODE: firm.code,
        sheets.NAME: firm.name,
        "县（市、区）": firm.county,
        "行业代码": firm.industry,
        "重点行业": firm.trade,
        "绩效等级": firm.grade or sheets.NOT_GRADED,
        "等级有效期至": firm.grade_until,
        "保障类型": firm.guarantee,
        "保障最高级别": sheets.LEVELS[firm.guarantee_level] if firm.guarantee_level else None,
        "长期停产": yes(firm.stopped),
        "排污许可证编号": firm.permit,
        **masses("许可排放量", firm.permitted),
        "日产值": firm.output,
        "经度": microdegrees(firm.longitude),
        "纬度": microdegrees(firm.latitude),
        "联系人": firm.contact,
        "联系电话": firm.phone,
    }


def microdegrees(degrees: float | None) -> int | None:
    return None if degrees is None else round(degrees * 10**6)


def identity(line: Line, names: Mapping[str, str]) -> dict[str, Cell]:
    return {
        sheets.CODE: line.firm,
        sheets.NAME: names[line.firm],
        sheets.NUMBER: sheets.own_number(line.id, line.firm),
    }


def firm_names(inventory: Inventory) -> dict[str, str]:
    return {firm.code: firm.name for firm in inventory.firms}


def line_rows(inventory: Inventory) -> Iterator[dict[str, Cell]]:
    names = firm_names(inventory)
    for line in inventory.lines:
        yield {
            **identity(line, names),
            "生产线名称": line.name,
            "产品": line.product,
            "产能": line.capacity,
            "涉气工序": line.step,
            "生产设备": line.equipment,
            "燃料": line.fuel,
            "治理设施": line.control,
            "年生产天数": line.days,
            **masses("年排放量", line.yearly),
            **masses("日排放量", line.daily),
            "连续工序": yes(line.continuous),
            "最低负荷": line.least_load,
            "停产准备时间": line.stop_hours,
            "恢复时间": line.restart_hours,
            "电表户号": line.meter,
            "排放口编号": line.outlet,
            "日停产损失": line.stop_loss,
            "重启费用": line.restart_cost,
            "服务生产线": "、".join(sheets.own_number(served, line.firm) for served in line.serves),
            "民生供应": line.supply,
            "日供应量": line.supplied or None,
        }


def offer_rows(inventory: Inventory) -> Iterator[dict[str, Cell]]:
    names, lines = firm_names(inventory), {line.id: line for line in inventory.lines}
    for offer in inventory.offers:
        yield {
            **identity(lines[offer.line], names),
            "严格程度": offer.order,
            **measure_cells(offer),
            "日损失": offer.loss,
        }


def filed_rows(inventory: Inventory) -> Iterator[dict[str, Cell]]:
    names, lines = firm_names(inventory), {line.id: line for line in inventory.lines}
    for filed in inventory.filed:
        yield {
            **identity(lines[filed.line], names),
            "预警级别": sheets.LEVELS[filed.level],
            **measure_cells(filed),
            "措施内容": filed.text,
        }


def measure_cells(measure: Offer | Filed) -> dict[str, Cell]:
    return {
        "措施名称": measure.name,
        "措施类型": measure.kind,
        "限产比例": measure.part,
        "计量方式": measure.count_by,
        "核查方式": measure.evidence,
        **masses("日减排量", measure.cut),
    }


def transport_rows(inventory: Inventory) -> Iterator[dict[str, Cell]]:
    names = firm_names(inventory)
    for each in inventory.transport:
        yield {
            sheets.CODE: each.firm,
            sheets.NAME: names[each.firm],
            "日常车次": each.usual,
            **{f"{sheets.alert(level)}车次": lorries(each, level) for level in sheets.LEVELS},
            "允许排放阶段": each.stage,
        }


def lorries(transport: Transport, level: Level) -> int:
    """Lorries a day that may still come in at a level."""
    return {"yellow": transport.yellow, "orange": transport.orange, "red": transport.red}[level]


def source_cells(source: Source) -> dict[str, Cell]:
    cells: dict[str, Cell] = {"排放源": source.name, **masses("日排放量", source.emission)}
    for level in sheets.LEVELS:
        cells |= masses(f"{sheets.alert(level)}减排量", source.cut.get(level))
    return cells
