"""The emergency list, its plans, forecasts, alerts and orders for programs: the pages' queries and actions."""

from __future__ import annotations

from ninja import Router

from muheng.web.emergency import api_alerts, api_lists, api_plans

PREFIX = "emergency"
router = Router(tags=["应急减排"])
router.add_router("", api_lists.router)
router.add_router("", api_plans.router)
router.add_router("", api_alerts.router)
