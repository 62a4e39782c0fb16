"""Faces in a picture, and where to look for them next."""

from engine.detection.finder import FaceFinder
from engine.detection.mtcnn import Detector, MTCNNDetector

__all__ = ["Detector", "FaceFinder", "MTCNNDetector"]
