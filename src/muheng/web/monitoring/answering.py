"""What came of requests to devices, from the receiver's files to the rows; whoever asked is told."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy

from muheng.web.monitoring.actions.asks import COMMANDS
from muheng.web.monitoring.models import Ask
from muheng.web.monitoring.sayings import say_later
from muheng.web.monitoring.store import read_answer, remove_ask
from muheng.web.monitoring.telling import ROOM
from muheng.web.notices.actions import tell

_STATES = {"done": Ask.State.DONE, "refused": Ask.State.REFUSED}


def take_answers() -> int:
    """Keep the answers that are there; gives how many."""
    taken = 0
    for ask in Ask.objects.filter(state=Ask.State.WAITING).select_related("device__point", "by"):
        try:
            answer = read_answer(ask)
        except ValueError:
            answer = {"result": "unreadable"}
        if answer is None:
            continue
        with transaction.atomic():
            ask.state = _STATES.get(str(answer.get("result")), Ask.State.FAILED)
            ask.answer, ask.answered_at = answer, timezone.now()
            ask.save(update_fields=("state", "answer", "answered_at"))
            _tell(ask)
        remove_ask(ask)
        taken += 1
    return taken


def _tell(ask: Ask) -> None:
    state = ask.get_state_display
    tell(
        [ask.by],
        say_later(
            gettext_lazy("%(command)s：%(state)s（%(point)s）"),
            command=COMMANDS.get(ask.command, ask.command),
            state=lazy(state, str)(),
            point=ask.device.point.name,
        ),
        "",
        reverse("monitoring:point", args=[ask.device.point_id]),
        room=ROOM,
        at=ask.answered_at,
    )
