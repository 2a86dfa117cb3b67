"""What a person filled in for a field of a case, as the history keeps it. Knows no case."""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal, InvalidOperation

from muheng.casework.document import FieldOf
from muheng.documents.message import Refusal, say

MOST_LETTERS = 200
MOST_LETTERS_LONG = 20_000
MOST_DIGITS = 15


def read_value(field: FieldOf, value: object) -> str | bool | None:
    """The value as JSON: text, a date as 2026-01-31, a number as its exact digits, a flag as true or false;
    None for nothing. Raises Refusal.

    Whoever keeps personal values reads them with this, and tells the history only True.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if field.type == "flag":
        if not isinstance(value, bool):
            raise Refusal(say("“{field}”应是“是”或“否”。", field=field.said), at=(field.id,))
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Refusal(say("“{field}”的写法不对。", field=field.said), at=(field.id,))
    text = str(value).strip()
    if field.type in ("text", "long"):
        most = MOST_LETTERS if field.type == "text" else MOST_LETTERS_LONG
        if len(text) > most:
            raise Refusal(
                say(
                    "“{field}”太长：至多 {most} 字，写了 {found} 字。",
                    field=field.said,
                    most=most,
                    found=len(text),
                ),
                at=(field.id,),
            )
        return text
    if field.type == "choice":
        if text not in field.choices:
            raise Refusal(
                say("“{field}”请选：{choices}。", field=field.said, choices="、".join(field.choices)),
                at=(field.id,),
            )
        return text
    text = unicodedata.normalize("NFKC", text)
    return _read_date(field, text) if field.type == "date" else _read_number(field, text)


def _read_date(field: FieldOf, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Refusal(
            say("“{field}”应是日期，如 2026-01-31；写的是“{found}”。", field=field.said, found=text),
            at=(field.id,),
        ) from None


def _read_number(field: FieldOf, text: str) -> str:
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if (
        not number.is_finite()
        or len(number.as_tuple().digits) > MOST_DIGITS
        or abs(number.adjusted()) > MOST_DIGITS
    ):
        raise Refusal(
            say("“{field}”应是数字；写的是“{found}”。", field=field.said, found=text), at=(field.id,)
        )
    if field.type == "money" and number < 0:
        raise Refusal(say("“{field}”不能是负数。", field=field.said), at=(field.id,))
    return f"{number:f}"
