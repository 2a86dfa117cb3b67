"""Credits: the list, one with its book, and writing in it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.matching.money import in_wan, show_money
from muheng.web.entrance import read_number
from muheng.web.matching.actions import credits as deeds
from muheng.web.matching.forms import CreditForm, LineForm, put_refusal
from muheng.web.matching.models import Credit, CreditLine, Kind, Supplier
from muheng.web.matching.pages.common import enterprise_of, find, list_page, named
from muheng.web.matching.queries import EDIT, VIEW, credits_seen, introductions_seen
from muheng.web.matching.share import percent
from muheng.web.people.rights import holds, require
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import may, official_scope
from muheng.web.request import Request


def listing(request: Request) -> HttpResponse:
    """Credits of the enterprises that the official looks after."""
    require(request.user, VIEW)
    words, bank = request.GET.get("q", "").strip()[:100], read_number(request.GET.get("bank", ""))
    rows = credits_seen(request.user)
    banks = Supplier.objects.filter(kind=Kind.FINANCE, credits__isnull=False).distinct().order_by("name")
    if bank is not None:
        rows = rows.filter(bank=bank)
    if words:
        rows = rows.filter(named(words))
    context = list_page(request, rows.order_by("-since", "-pk"))
    context |= {
        "rows": [(row, percent(row.lent, row.granted)) for row in context["page"]],
        "banks": banks,
        "bank": bank,
        "q": words,
        "may_edit": holds(request.user, EDIT),
    }
    return render(request, "matching/credits.html", context)


def new(request: Request) -> HttpResponse:
    """A bank granted credit: by itself, or out of an introduction."""
    require(request.user, EDIT)
    number = read_number(request.GET.get("introduction", ""))
    introduction = find(introductions_seen(request.user), number) if number is not None else None
    initial: dict[str, Any] = {"code": request.GET.get("enterprise", "")}
    if introduction is not None:
        initial = {
            "code": introduction.need.enterprise.code,
            "bank": introduction.offer.supplier_id,
            "granted": in_wan(introduction.amount) if introduction.amount else "",
            "since": introduction.changed_on,
        }
    form = CreditForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        inside = official_scope(request.user, EDIT).filter(Enterprise.objects.all())
        enterprise = enterprise_of(inside, given["code"])
        if enterprise is None:
            form.add_error("code", _("没有找到这个代码的企业，或不在您负责的范围内。"))
        else:
            try:
                credit = deeds.grant_credit(
                    request.user,
                    enterprise,
                    given["bank"],
                    given["granted"],
                    since=given["since"],
                    until=given["until"],
                    document=given["document"],
                    revolving=given["revolving"],
                    introduction=introduction,
                )
            except Refused as refused:
                put_refusal(form, refused)
            else:
                messages.success(request, _("授信已登记。"))
                return redirect("matching:credit", credit.pk)
    wrong = request.method == "POST"
    context = {"form": form, "introduction": introduction}
    return render(request, "matching/credit_form.html", context, status=422 if wrong else 200)


def show(request: Request, number: int) -> HttpResponse:
    """One credit: what was lent and repaid, line by line; officials write the next."""
    credit = find(credits_seen(request.user), number)
    may_edit = may(request.user, EDIT, credit.enterprise) and credit.voided_at is None
    form = LineForm(credit, _loans(credit), request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_edit:
            raise Http404
        if form.is_valid() and _write(request, credit, form):
            messages.success(request, _("已记下。"))
            return redirect("matching:credit", credit.pk)
        credit = find(credits_seen(request.user), number)
    lines = list(CreditLine.objects.filter(credit=credit).select_related("by").order_by("number"))
    taken_back = {line.of for line in lines if line.act == CreditLine.Act.REVERSE}
    context = {
        "credit": credit,
        "share": percent(credit.lent, credit.granted),
        "lines": [
            {
                "line": line,
                "taken_back": line.number in taken_back,
                "may_reverse": line.act != CreditLine.Act.REVERSE and line.number not in taken_back,
            }
            for line in lines
        ],
        "form": form,
        "may_edit": may_edit,
        "official": holds(request.user, VIEW),
        "may_void": may_edit and not credit.lent,
    }
    wrong = request.method == "POST"
    return render(request, "matching/credit.html", context, status=422 if wrong else 200)


def _write(request: Request, credit: Credit, form: LineForm) -> bool:
    given = form.cleaned_data
    try:
        if given["act"] == "lend":
            deeds.lend(
                request.user,
                credit,
                given["amount"],
                given["on"],
                document=given["document"],
                reason=given["reason"],
            )
        else:
            deeds.repay(
                request.user,
                credit,
                given["of"] or 0,
                given["amount"],
                given["on"],
                document=given["document"],
            )
    except Refused as refused:
        put_refusal(form, refused)
        return False
    return True


def _loans(credit: Credit) -> list[tuple[int, str]]:
    """Loans that are not all repaid, for choosing."""
    return [
        (
            number,
            _("第 %(number)d 笔，%(day)s 放款，未还 %(left)s")
            % {
                "number": number,
                "day": loan.on.isoformat(),
                "left": show_money(loan.outstanding, language()),
            },
        )
        for number, loan in deeds.book_of(credit).loans.items()
        if loan.outstanding
    ]


@require_POST
def reverse_line(request: Request, number: int, line: int) -> HttpResponse:
    credit = find(credits_seen(request.user), number)
    deeds.reverse_line(request.user, credit, line, request.POST.get("reason", ""))
    messages.success(request, _("第 %(line)d 笔已冲正。") % {"line": line})
    return redirect("matching:credit", credit.pk)


@require_POST
def void(request: Request, number: int) -> HttpResponse:
    credit = find(credits_seen(request.user), number)
    deeds.void_credit(request.user, credit, request.POST.get("reason", ""))
    messages.success(request, _("这笔授信已作废。"))
    return redirect("matching:credit", credit.pk)
