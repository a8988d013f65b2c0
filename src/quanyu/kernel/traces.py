"""Traces of work are not work: words that no indicator may be built on (rules.md A5, acceptance test AT5).

Log-ins, photographs, check-ins, tracks, likes and points show that somebody was seen working, not that anything was
solved. What only sounds alike stays allowed: photovoltaics, carbon footprints, charging sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_ENGLISH: Final = re.compile(
    r"\b(?:"
    r"log(?:ged)?[ -]?(?:in|on)s?|sign(?:ed)?[ -]?(?:in|on)s?|(?<!charging )sessions?"
    r"|(?:daily|monthly)? ?active (?:users?|accounts?)|online (?:time|hours|minutes)"
    r"|app (?:visits?|opens?|launches|downloads?|registrations?)|page ?views?|clicks?"
    r"|photos?|photographs?|pictures?|selfies?|screen ?shots?|face scans?"
    r"|check(?:ed)?[ -]?ins?|clock(?:ed)?[ -]?ins?|punch(?:es|ed)?|punch[ -]?ins?|(?:staff|cadre) attendance"
    r"|(?<!carbon )(?<!water )(?<!ecological )footprints?|(?:patrol|staff|worker|cadre) (?:tracks?|traces?|steps)"
    r"|traces? of work|step counts?|likes|reposts|points? rank(?:s|ings?)?|(?:bonus|activity) points"
    r")\b",
    re.IGNORECASE,
)
_CHINESE: Final = re.compile(
    "登录|登陆|登入|签到|签退|打卡|刷脸|考勤|自拍|拍照|照片|图片|截图|截屏|留痕|痕迹"
    "|(?:巡查|巡逻|网格员|人员|干部|工作)轨迹|(?:人员|用户|干部|网格员|账号)(?:在线|上线|活跃)|在线时长|日活|月活|活跃度"
    "|积分(?:排名|排行|榜)|点赞|转发[数量率]|评论数|浏览量|点击[数量率]|步数|(?:应用|APP|小程序)(?:下载|安装|注册|使用)",
    re.IGNORECASE,
)
_JOINTS: Final = re.compile(r"_|(?<=[a-z])(?=[A-Z])")


def trace_in(words: Iterable[str]) -> str | None:
    """Return the first trace of work among names, titles and expressions; None when there is none."""
    for word in words:
        found = _ENGLISH.search(_JOINTS.sub(" ", word)) or _CHINESE.search(word)
        if found is not None:
            return found[0].strip()
    return None
