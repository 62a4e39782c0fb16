"""What the server holds from which tests fork their processes, so that none of them loads it anew."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import rich.table
import safetensors.numpy
import scipy.stats
import xlsxwriter

import engine.cli.app
import engine.operations
import engine.workbench
from engine.detection.sampler import AreaSampler

sys.path.insert(0, str(Path(__file__).parent))

import fakes
import paperwork
import two_processes

__all__: list[str] = []

_loaded = (cv2, hypothesis, onnxruntime, pd, pytest, rich.table, safetensors.numpy, scipy.stats, xlsxwriter)
_ours = (engine.cli.app, engine.operations, engine.workbench, fakes, paperwork, two_processes)
AreaSampler(np.zeros((8, 8, 3), np.uint8)).resized(4, 4, (0, 4))  # compiled code takes two seconds to load
