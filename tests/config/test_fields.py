"""What the models say about each setting: kind, limits, choices, and what a text looks like."""

from __future__ import annotations

import pytest

from engine.config import Config, NotificationRule, ShiftConfig
from engine.config.fields import Setting, setting, settings_below


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (("timezone",), {"kind": "text", "default": "UTC"}),
        (("cameras", "x", "source"), {"kind": "text"}),
        (("cameras", "x", "rotate"), {"kind": "choice", "choices": (0, 90, 180, 270)}),
        (("cameras", "x", "min_face_px"), {"kind": "number", "whole": True, "optional": True, "low": 12, "high": 2000}),
        (("cameras", "x", "tailgating"), {"kind": "truth", "optional": True}),
        (("cameras", "x", "quiet_hours"), {"kind": "list", "entry": "text", "look": "window"}),
        (("cameras", "x", "region"), {"kind": "numbers", "optional": True}),
        (("shifts", "x", "start"), {"kind": "time", "required": True}),
        (("shifts", "x", "days"), {"kind": "text", "look": "days", "default": "mon-fri"}),
        (("shifts", "x", "valid_from"), {"kind": "date", "optional": True}),
        (("shifts",), {"kind": "entries", "model": ShiftConfig, "numbered": False}),
        (("holidays", "extra"), {"kind": "dated"}),
        (("holidays", "working"), {"kind": "list", "entry": "date"}),
        (("holidays", "groups", "x", "country"), {"kind": "text"}),
        (("notifications", "rules"), {"kind": "entries", "model": NotificationRule, "numbered": True}),
        (("notifications", "rules", 0, "to"), {"kind": "list", "entry": "secret"}),
        (("notifications", "rules", 0, "webhook"), {"kind": "secret", "optional": True}),
        (("notifications", "rules", 0, "min_severity"), {"kind": "choice", "default": "info"}),
        (("app", "oidc", "client_id"), {"kind": "text", "required": True}),
        (("app", "second_factor"), {"kind": "list", "entry": "choice"}),
        (("detection", "thresholds"), {"kind": "numbers"}),
        (("voting", "min_share"), {"kind": "number", "low": 0.5, "high": 1, "whole": False}),
    ],
)
def test_a_setting_is_described_by_its_model(path: tuple[str | int, ...], wanted: dict[str, object]) -> None:
    found = setting(Config, path)
    assert {name: getattr(found, name) for name in wanted} == wanted


def test_every_setting_can_be_described_alone() -> None:
    for pattern, found in settings_below(Config):
        assert isinstance(found, Setting)
        assert setting(Config, tuple("0" if part == "*" else part for part in pattern)) == found
    with pytest.raises(KeyError):
        setting(Config, ("nothing",))
