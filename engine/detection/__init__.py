"""Faces in a picture, and where to look for them next.

Not here: whose faces they are (`engine.embedding`, `engine.gallery`).
"""

from engine.detection.finder import FaceFinder, Finder
from engine.detection.mtcnn import Detector, MTCNNDetector

__all__ = ["Detector", "FaceFinder", "Finder", "MTCNNDetector"]
