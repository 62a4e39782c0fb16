"""Fit the check of covered faces on a folder of people: `python -m tests.bench.covers FOLDER TARGET.onnx`.

The photos' faces are covered by drawings (`tests.bench.occluders`). Four fifths of the people fit the network; on the rest the command
reports what untouched and covered faces score. Real dark glasses among the photos count as errors there.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engine.config import Config
from engine.face_reader import open_reader, subject
from engine.imaging import read_image
from engine.models import ModelStore
from engine.models.convert import export_onnx
from engine.occlusion import LIMIT, SIDE
from tests.bench.occluders import EYES, HARMLESS, MOUTH, seen_by_a_camera

__all__ = ["drawn", "fit", "network", "scores"]

RGB = NDArray[np.uint8]
_VARIANTS, _EPOCHS, _BATCH = 5, 24, 128


def network() -> torch.nn.Module:
    """Four convolutions, each halving the picture; what is left of every place decides about the two parts of the face."""
    layers: list[torch.nn.Module] = []
    for inward, outward in ((3, 16), (16, 32), (32, 48), (48, 64)):
        layers += [torch.nn.Conv2d(inward, outward, 3, 2, 1), torch.nn.BatchNorm2d(outward), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Dropout(0.3), torch.nn.Linear(64 * 16, 2))


def drawn(face: RGB, generator: np.random.Generator) -> tuple[RGB, tuple[int, int]]:
    """A face with or without something over it, as a camera sees it; whether eyes and mouth are covered."""
    chance = generator.random()
    eyes, mouth = bool(0.4 < chance < 0.75), bool(chance > 0.7)
    if generator.random() < (0.5 if not eyes and not mouth else 0.2):
        face = HARMLESS[int(generator.integers(len(HARMLESS)))](face, generator)
    if eyes:
        face = EYES[int(generator.integers(len(EYES)))](face, generator)
    if mouth:
        face = MOUTH[int(generator.integers(len(MOUTH)))](face, generator)
    return seen_by_a_camera(face, generator), (int(eyes), int(mouth))


def _input(faces: NDArray[np.uint8]) -> torch.Tensor:
    return (torch.from_numpy(faces).permute(0, 3, 1, 2).float() - 127.5) / 128


def fit(faces: NDArray[np.uint8]) -> torch.nn.Module:
    """Fit the network on aligned faces (n, 160, 160, 3)."""
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    pictures = np.empty((_VARIANTS * len(faces), SIDE, SIDE, 3), np.uint8)
    truth = np.empty((len(pictures), 2), np.float32)
    for place in range(len(pictures)):
        picture, truth[place] = drawn(faces[place % len(faces)], generator)
        pictures[place] = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    model, wanted = network(), torch.from_numpy(truth)
    steps = _EPOCHS * (len(pictures) // _BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps)
    for step in range(steps):
        chosen = generator.integers(0, len(pictures), _BATCH)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(_input(pictures[chosen])), wanted[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
        if step % 200 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.4f}", flush=True)
    return torch.nn.Sequential(model.eval(), torch.nn.Sigmoid())


def scores(model: torch.nn.Module, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How surely eyes and mouth of aligned faces (n, 160, 160, 3) are covered: (n, 2)."""
    small = np.stack([cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for face in faces])
    with torch.inference_mode():
        return np.asarray(model(_input(small)).numpy(), np.float32)


def aligned(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The main face of each photo in folders named after people; which of them are of those who set the limit."""
    config, faces, kept_aside = Config(), [], []
    reader = open_reader(ModelStore(), config.embedding, config.alignment, config.detection, config.quality)
    for path in sorted(folder.glob("*/*.jpg")):
        image = read_image(path)
        found = reader.cut(image, reader.detector.detect_photo(image))
        chosen = subject(found, (image.shape[1], image.shape[0]))
        if chosen is not None:
            faces.append(found.crops[chosen])
            kept_aside.append(zlib.crc32(path.parent.name.encode()) % 5 == 0)
    return np.stack(faces), np.array(kept_aside)


def main() -> None:
    """Fit, write the network, and say what limits would let through."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", type=Path)
    given = parser.parse_args()
    faces, aside = aligned(given.folder)
    model = fit(faces[~aside])
    given.target.write_bytes(export_onnx(model, (2, 3, SIDE, SIDE), {0: "n"}))
    report(model, faces[aside])


def report(model: torch.nn.Module, faces: NDArray[np.uint8]) -> None:
    """Say what faces of people who were not fitted score as they are and with drawings over them."""
    for share in (0.98, 0.99, 0.995):
        eyes, mouth = np.quantile(scores(model, faces), share, axis=0)
        print(f"{share:.1%} of {len(faces)} uncovered faces: eyes below {eyes:.3f}, mouth below {mouth:.3f}")
    generator = np.random.default_rng(1)
    for draw in {*EYES, *MOUTH, *HARMLESS}:
        shown = np.stack([seen_by_a_camera(draw(face, generator), generator) for face in faces[:400]])
        eyes, mouth = (scores(model, shown) >= LIMIT).mean(0)
        print(f"{draw.__name__}: eyes covered in {eyes:.1%}, mouth in {mouth:.1%}")


if __name__ == "__main__":
    main()
