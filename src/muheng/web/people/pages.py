"""Log in and out, and a person's own page: posts, password, keys for programs."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from muheng.web.people import actions
from muheng.web.people.forms import LoginForm
from muheng.web.people.queries import RIGHT, describe_posts, describe_roles, representatives_for, tree_for
from muheng.web.people.rights import require
from muheng.web.request import Request


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    """The only page that a stranger sees."""

    template_name = "people/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True


class Logout(LogoutView):
    next_page = "people:login"


def me(request: Request) -> HttpResponse:
    """Who I am here, what I may do where, my password and my keys."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, form.user)
        messages.success(request, _("密码已修改。"))
        return redirect("people:me")
    return render(
        request,
        "people/me.html",
        {
            "form": form,
            "posts": describe_posts(request.user),
            "tokens": request.user.tokens.filter(ended_at=None),
            "new_key": request.session.pop("new_key", ""),
        },
    )


def show_people(request: Request) -> HttpResponse:
    """Who is where and may do what, below the places that the person looks after."""
    require(request.user, RIGHT)
    tree = tree_for(request.user)
    return render(
        request,
        "people/list.html",
        {
            "tree": tree,
            "total": sum(node.people for node in tree),
            "roles": describe_roles(),
            "representatives": representatives_for(request.user).count(),
        },
    )


@require_POST
def make_token(request: Request) -> HttpResponse:
    request.session["new_key"] = actions.make_token(request.user, request.POST.get("name") or _("未命名"))
    return redirect("people:me")


@require_POST
def end_token(request: Request, number: int) -> HttpResponse:
    actions.end_token(request.user, number)
    messages.success(request, _("密钥已停用。"))
    return redirect("people:me")
