"""The market of the tests: who offers what in the small city."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from muheng.matching.money import WAN
from muheng.web.matching.actions.needs import NeedTerms, file_need
from muheng.web.matching.actions.suppliers import OfferTerms, add_offer, add_supplier, add_tags
from muheng.web.matching.models import Need, Offer, Supplier
from web.population import Population, make_city

NOW = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 3)


@dataclass(frozen=True)
class Market:
    """``loan``: up to 500万元 for the first county; ``large``: from 1000万元 for grade A; ``agency`` gives workers."""

    city: Population
    bank: Supplier
    loan: Offer
    large: Offer
    workers: Offer
    need: Need


def make_market() -> Market:
    city = make_city()
    add_tags(city.clerk, "finance", ["信用贷", "技改", "绿色"])
    add_tags(city.clerk, "labour", ["焊工", "普工"])
    bank = add_supplier(
        city.clerk,
        "finance",
        "东山农村商业银行",
        keeper=city.root,
        place=city.townships[0],
        contact="客户经理何",
        phone="0555-1234567",
    )
    agency = add_supplier(city.clerk, "labour", "江南人力资源公司", keeper=city.root)
    loan = add_offer(
        city.clerk,
        bank,
        OfferTerms(
            "技改贷",
            most=500 * WAN,
            capacity=800 * WAN,
            months=36,
            rate=385,
            lead_days=10,
            regions=(city.counties[0],),
            tags=("信用贷", "技改"),
        ),
    )
    large = add_offer(city.clerk, bank, OfferTerms("大额贷", least=1000 * WAN, grades=("A",), rate=345))
    workers = add_offer(
        city.clerk, agency, OfferTerms("普工派遣", most=50, capacity=60, lead_days=5, tags=("普工",))
    )
    need = file_need(
        city.owner,
        city.enterprises[0],
        "finance",
        NeedTerms(
            "新上一条生产线，缺设备款",
            "设备已订，预付三成。",
            amount=300 * WAN,
            months=24,
            rate=450,
            wanted_by=date(2026, 12, 20),
            tags=("技改",),
        ),
    )
    return Market(city, bank, loan, large, workers, need)
