"""The list as a page and as JSON."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.paginator import Paginator
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.generic import ListView

from bench.site.bare.models import Enterprise

ROWS = 50


class EnterpriseList(LoginRequiredMixin, ListView):
    queryset = Enterprise.objects.select_related("county", "township")
    paginate_by = ROWS
    template_name = "list.html"


@login_required
def list_json(request: HttpRequest) -> JsonResponse:
    """The same rows by the same ways of Django."""
    page = Paginator(Enterprise.objects.select_related("county", "township"), ROWS).get_page(
        request.GET.get("page")
    )
    rows = [
        {
            "code": each.code,
            "name": each.name,
            "grade": each.grade,
            "scale": each.scale,
            "industry_group": each.industry_group,
            "state": each.state,
            "county": each.county and each.county.name,
            "township": each.township and each.township.name,
        }
        for each in page
    ]
    return JsonResponse({"count": page.paginator.count, "items": rows})


urlpatterns = [path("", EnterpriseList.as_view()), path("list.json", list_json)]
