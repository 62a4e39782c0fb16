"""The registration page in a test: from details over pictures to the check."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from app.views.registration.state import Registration
from engine.enrolment import Shot
from engine.workbench import Workbench

CLEAR = {
    "madonna": ("05", "01", "06", "02", "12", "08", "09", "07", "17", "04"),
    "elton_john": ("02", "06", "08", "03"),
}


def photos(samples: Path, person: str, count: int) -> list[Path]:
    """Photos that pass the gate and are like each other."""
    return [samples / "train" / person / f"{name}.jpg" for name in CLEAR[person][:count]]


def press(page: AppTest, label: str) -> AppTest:
    """Press the button of that label."""
    (button,) = [each for each in page.button if each.label == label]
    return button.click().run()


def labels(page: AppTest) -> list[str]:
    return [each.label for each in page.button]


def state(page: AppTest) -> Registration:
    found = page.session_state["registration"]
    assert isinstance(found, Registration)
    return found


def to_pictures(page: AppTest, name: str = "Ann", employee_id: str = "") -> AppTest:
    """Through details and consent."""
    if employee_id:
        page.text_input[0].set_value(employee_id)
    if page.text_input:
        page.text_input[1].set_value(name)
    press(page, "Continue")
    if not page.checkbox[0].value:
        page.checkbox[0].check().run()
    return press(page, "Continue")


def upload(page: AppTest, *paths: Path) -> AppTest:
    page.segmented_control[0].select("files").run()
    page.file_uploader[0].set_value([(path.name, path.read_bytes(), "image/jpeg") for path in paths])
    return page.run()


def enrol(page: AppTest, name: str, *paths: Path) -> AppTest:
    """Everything up to the check."""
    return press(upload(to_pictures(page, name), *paths), "Check")


def examined(bench: Workbench, samples: Path) -> Shot:
    (shot,), _ = bench.registrar.examine([("a", photos(samples, "madonna", 1)[0])])
    return shot
