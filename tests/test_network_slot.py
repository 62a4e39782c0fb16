"""The slot for a network, and the settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import onnx
import pytest
from fakes import at
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from onnx import TensorProto, helper
from shapes import CONFIG, FAILED, FPS, HEAD, PASSED, seen, swing

from engine.config import Config, PresentationConfig, load_config
from engine.errors import ConfigError
from engine.presentation import (
    LivenessState,
    NetworkCheck,
    TrackLiveness,
)
from engine.presentation import judged as network_says


def save_model(
    path: Path, nodes: list[onnx.NodeProto], output: Sequence[int | str], shape: Sequence[int | str] = (1, 3, 8, 6)
) -> Path:
    """A graph from `x` to `y`."""
    graph = helper.make_graph(
        nodes,
        "check",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        [
            helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
            helper.make_tensor("places", TensorProto.INT64, [2], [2, 3]),
            helper.make_tensor("five", TensorProto.FLOAT, [1], [5.0]),
            helper.make_tensor("red_green", TensorProto.INT64, [2], [0, 1]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(path))
    return path


MEAN = [helper.make_node("ReduceMean", ["x", "axes"], ["m"], keepdims=1), helper.make_node("Flatten", ["m"], ["y"])]


RED_GREEN = [
    helper.make_node("ReduceMean", ["x", "places"], ["m"], keepdims=0),
    helper.make_node("Gather", ["m", "red_green"], ["y"], axis=1),
]


FIVEFOLD = [*MEAN[:1], helper.make_node("Flatten", ["m"], ["f"]), helper.make_node("Mul", ["f", "five"], ["y"])]


BOX = np.array([40, 30, 70, 70], np.float32)  # of the network's proportions


def lit(colour: Sequence[int] = (255, 255, 255)) -> NDArray[np.uint8]:
    """A black picture whose face is of one colour."""
    picture = np.zeros((100, 110, 3), np.uint8)
    picture[30:70, 40:70] = colour
    return picture


def test_a_probability_is_held_against_the_threshold(tmp_path: Path) -> None:
    path = save_model(tmp_path / "mean.onnx", MEAN, (1, 1))
    config = PresentationConfig(model=path, model_crop=1.0, model_threshold=128 / 255)
    check = NetworkCheck(config)
    assert_allclose(check.score(lit(), BOX), 1.0, atol=1e-6)
    on, below = (check.score(lit((grey,) * 3), BOX) for grey in (128, 127))
    assert network_says([on] * 3, config).state is PASSED  # exactly on the threshold
    verdict = network_says([below] * 3, config)
    assert verdict.state is FAILED
    assert "bona fide 0.50" in verdict.reason
    assert network_says([below] * 2, config).state is LivenessState.UNPROVEN  # two answers are too few


def test_the_crop_is_as_large_as_the_settings_say_and_black_beyond_the_edge(tmp_path: Path) -> None:
    path = save_model(tmp_path / "mean.onnx", MEAN, (1, 1))
    check = NetworkCheck(PresentationConfig(model=path, model_crop=2.0))
    assert_allclose(check.score(lit(), BOX), 0.25, atol=0.02)
    corner = np.full((50, 50, 3), 255, np.uint8)
    check = NetworkCheck(PresentationConfig(model=path, model_crop=1.0))
    assert_allclose(check.score(corner, np.array([-15, -20, 15, 20], np.float32)), 0.25, atol=0.02)
    assert check.score(corner, np.array([200, 200, 230, 240], np.float32)) == 0.0


def test_two_logits_are_attack_and_bona_fide_and_colours_are_red_first(tmp_path: Path) -> None:
    check = NetworkCheck(PresentationConfig(model=save_model(tmp_path / "two.onnx", RED_GREEN, (1, 2)), model_crop=1.0))
    share = 1 / (1 + math.exp(-1))
    assert_allclose(check.score(lit((0, 255, 0)), BOX), share, atol=1e-5)
    assert_allclose(check.score(lit((255, 0, 0)), BOX), 1 - share, atol=1e-5)
    assert_allclose(check.score(lit((0, 0, 255)), BOX), 0.5, atol=1e-5)


def test_an_answer_that_is_no_probability_is_an_error(tmp_path: Path) -> None:
    check = NetworkCheck(PresentationConfig(model=save_model(tmp_path / "five.onnx", FIVEFOLD, (1, 1)), model_crop=1.0))
    with pytest.raises(ConfigError, match=r"expected a probability from 0 to 1, the network gave 5"):
        check.score(lit(), BOX)


@pytest.mark.parametrize(
    ("output", "shape", "message"),
    [
        ((1, 1), (1, 1, 8, 6), r"expected one input, float32 \(1, 3, H, W\).*found x tensor\(float\) \[1, 1, 8, 6\]"),
        ((1, 1), (1, 3, "h", "w"), r"fixed H and W, found x tensor\(float\) \[1, 3, 'h', 'w'\]"),
        ((1, 1), (2, 3, 8, 6), r"found x tensor\(float\) \[2, 3, 8, 6\]"),
    ],
)
def test_a_network_of_another_input_is_refused_by_name(
    tmp_path: Path, output: Sequence[int], shape: Sequence[int | str], message: str
) -> None:
    path = save_model(tmp_path / "odd.onnx", MEAN, ("n", 1) if shape[0] == 2 else output, shape)
    with pytest.raises(ConfigError, match=message) as caught:
        NetworkCheck(PresentationConfig(model=path))
    assert "odd.onnx" in caught.value.message
    assert caught.value.hint


def test_a_network_of_another_output_is_refused_by_name(tmp_path: Path) -> None:
    nodes = [helper.make_node("ReduceMean", ["x", "places"], ["y"], keepdims=0)]
    path = save_model(tmp_path / "three.onnx", nodes, (1, 3))
    with pytest.raises(ConfigError, match=r"expected one output, .*found y tensor\(float\) \[1, 3\]"):
        NetworkCheck(PresentationConfig(model=path))


def test_a_missing_or_damaged_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"presentation\.model is empty"):
        NetworkCheck(CONFIG)
    with pytest.raises(ConfigError, match="there is no such file"):
        NetworkCheck(PresentationConfig(model=tmp_path / "none.onnx"))
    (tmp_path / "bad.onnx").write_bytes(b"not a graph")
    with pytest.raises(ConfigError, match="not an ONNX graph that runs here"):
        NetworkCheck(PresentationConfig(model=tmp_path / "bad.onnx"))


def test_the_section_is_read_from_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "muster.toml").write_text('[presentation]\npolicy = "require"\nstill_s = 20\n', encoding="utf-8")
    config: Config = load_config(tmp_path)
    assert (config.presentation.policy, config.presentation.still_s, config.presentation.model) == (
        "require",
        20.0,
        None,
    )


@pytest.mark.parametrize(
    "line", ['policy = "block"', "still_s = 3", "min_turn_deg = 5", "model_threshold = 1", "blink = 1"]
)
def test_a_setting_that_makes_no_sense_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "muster.toml").write_text(f"[presentation]\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"presentation\.{line.split(' ', maxsplit=1)[0]}"):
        load_config(tmp_path)


def test_times_are_any_zone_s() -> None:
    track = TrackLiveness(CONFIG)
    for index in range(100):
        time: datetime = at(index / FPS).astimezone()
        track.observe(time, seen(HEAD, swing(50)(index / FPS)))
    assert track.verdict.state is PASSED
