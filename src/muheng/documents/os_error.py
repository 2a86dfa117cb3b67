"""Why the system refused a file, in words of the language."""

from __future__ import annotations

import errno
from collections.abc import Mapping

from muheng.documents.message import Message, say

_REASONS: Mapping[int, Message] = {
    errno.ENOENT: say("找不到"),
    errno.EACCES: say("没有权限"),
    errno.EPERM: say("没有权限"),
    errno.EROFS: say("只能读，不能写"),
    errno.ENOSPC: say("磁盘满了"),
    errno.EDQUOT: say("磁盘满了"),
    errno.EIO: say("磁盘读写出错"),
    errno.EMFILE: say("打开的文件太多"),
    errno.EISDIR: say("是文件夹，不是文件"),
    errno.ENOTDIR: say("路径中有一段是文件，不是文件夹"),
    errno.ENAMETOOLONG: say("文件名太长"),
}


def name_reason(error: OSError) -> Message | str:
    """As the system says it where we have no words for it."""
    return _REASONS.get(error.errno or 0, error.strerror or str(error))
