"""`tomllib`'s complaints in words for the person who wrote the file: line, what is wrong, how to mend it."""

from __future__ import annotations

import re

from muheng.documents.message import Message, say
from muheng.documents.toml_lines import Located

_FULL_WIDTH = {
    "＝": "=", "“": '"', "”": '"', "‘": "'", "’": "'", "，": ",", "：": "=", "；": ",", "【": "[", "】": "]",
    "［": "[", "］": "]", "｛": "{", "｝": "}", "＃": "#", "．": ".", "。": ".", "、": ",",
}  # fmt: skip
_WIDE_SPACES = "\u3000\u00a0"
_CLOSED_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')


def explain_syntax_error(text: str, error: str, found: Located) -> tuple[int, Message, Message | None]:
    """Line, what and fix for `tomllib`'s English complaint."""
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", error)
    reason = error[: place.start()] if place else error
    at_line = place is not None and place.group(1) is not None
    line = int(place.group(1)) if place and at_line else found.line_at_end
    if not at_line and found.unclosed is not None:
        what = say("从这一行开始的括号或三引号，到文件末尾也没有结束。")
        return found.unclosed, what, say("补上右括号或右引号。")
    source = text.split("\n")[line - 1] if text else ""
    code = _CLOSED_STRING.sub(lambda match: " " * len(match.group()), source).split("#")[0]
    for mark in code:
        if mark in _WIDE_SPACES:
            return line, say("这一行有全角空格或不间断空格。"), say("换成普通（半角）空格。")
        if mark in _FULL_WIDTH:
            fix = say("改成半角符号 {half} 。", half=_FULL_WIDTH[mark])
            return line, say("这一行用了全角符号 {mark} 。", mark=mark), fix
    if "twice" in reason or "overwrite" in reason or "Duplicate" in reason or "namespace" in reason:
        if found.repeated is not None:
            key, first, second = found.repeated
            what = say("“{key}”写了两次，第一次在第 {line} 行。", key=key, line=first)
            return second, what, say("删去一处，或改用不同的名称。")
        return line, say("这一行的名称前面已经用过，两处互相矛盾。"), say("删去一处，或改用不同的名称。")
    if "key part" in reason:
        if found.unclosed is None and "{" in code and "}" not in code:
            return line, say("花括号没有写完。"), say("{{ }} 里的内容要写在同一行，末项后面不加逗号。")
        return line, say("这里应有一个名称（键）。"), say("名称里有 & ( ) / 等符号时，用英文引号括起来。")
    if "Expected '='" in reason:
        fix = say("写成 名称 = 值；名称里有 & ( ) / 等符号时，用英文引号括起来。")
        return line, say("名称后面应是等号。"), fix
    if "declaration" in reason:
        return line, say("表头的方括号没有写完。"), say("写成 [名称] 或 [[名称]]，单独占一行。")
    if "Unclosed array" in reason:
        return line, say("方括号里的各项没有用逗号隔开，或没有右方括号。"), None
    if "inline table" in reason:
        return line, say("花括号没有写完。"), say("{{ }} 里的内容要写在同一行，末项后面不加逗号。")
    if "Unescaped" in reason or "hex value" in reason or "Escaped" in reason:
        what = say("双引号文字里的反斜杠 \\ 有特别的意思，这里的写法不对。")
        return line, what, say("改用单引号括起来，例如 'D:\\数据'。")
    if "Unterminated" in reason or "Illegal character '\\n'" in reason or 'Expected "\'"' in reason:
        return line, say("文字没有结束，缺少右引号。"), say("在这一行末尾补上引号；分行的文字用三引号。")
    if "Illegal character" in reason or "invalid character" in reason:
        return line, say("这一行有看不见的控制字符。"), say("删去这一行重新输入。")
    if "date or datetime" in reason:
        return line, say("没有这个日期。"), say("日期写成 2026-01-31 的样子。")
    if "Invalid value" in reason:
        return line, say("等号后面的值读不懂。"), say("文字要用英文引号括起来；是与否写 true 或 false。")
    if "newline" in reason:
        return line, say("一个值写完后，这一行还有别的内容。"), say("每行只写一项；文字要用英文引号括起来。")
    return line, say("这一行不符合 TOML 的写法。"), None
