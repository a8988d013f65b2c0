"""AT5: no indicator is built on log-ins, photographs, check-ins; what only sounds alike may be counted."""

from __future__ import annotations

import pytest

from quanyu.kernel.traces import trace_in


@pytest.mark.parametrize(
    "word",
    [
        "logins", "log_in_count", "loggedIn", "sign-ins per day", "sessions > 3", "daily active users", "online_hours",
        "app_opens", "page views", "clicks", "photo_count", "photos", "Photographs taken", "selfie", "screenshots",
        "check_ins", "checkIn", "checked-in staff", "clock-ins", "punches", "staff attendance", "footprint", "likes",
        "patrol_tracks", "traces of work", "activity points", "points_ranking", "step count",
        "登录次数", "APP登陆率", "签到率", "打卡人数", "刷脸次数", "考勤", "照片数量", "拍照上传", "截图张数", "工作留痕",
        "巡查轨迹长度", "网格员在线率", "在线时长", "日活", "用户活跃度", "积分排名", "点赞数", "转发量", "步数", "小程序下载量",
    ],
)  # fmt: skip
def test_traces_of_work_are_found(word: str) -> None:
    assert trace_in(["closed cases", word]), word


@pytest.mark.parametrize(
    "word",
    [
        "closed_on_time", "flow == 'grid_case' and closed_at >= start", "photovoltaic_share", "photosynthesis",
        "charging_sessions", "carbon_footprint", "likelihood", "design", "free channels", "punctuality",
        "obsession", "logistics", "sensor_online_share", "footpath", "checkup", "checks_passed",
        "设备在线率", "车辆轨迹", "光伏发电", "按期结案率", "碳足迹", "检查合格率", "积水点数", "转发",
    ],
)  # fmt: skip
def test_what_only_sounds_alike_is_left_alone(word: str) -> None:
    assert trace_in([word]) is None


def test_an_indicator_without_words_has_no_trace() -> None:
    assert trace_in([]) is None
