"""Face detection: find the faces in a picture, and decide where to look in the next one.

Not here: recognition (`engine.embedding`, `engine.gallery`).
"""

from engine.detection.finder import FaceFinder, Finder
from engine.detection.mtcnn import Detector, MTCNNDetector
from engine.detection.searcher import Search, Searcher

__all__ = ["Detector", "FaceFinder", "Finder", "MTCNNDetector", "Search", "Searcher"]
