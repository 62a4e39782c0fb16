"""Muster's engine: faces in, attendance and incidents out.

The way of the data, one module per station::

    Frame → Detections → aligned faces → embeddings → Matches → Tracks → Events → attendance log · incident log · images
    sources  detection    alignment       embedding    gallery   tracking  events   attendance · incidents

Start at `engine.workbench.Workbench`.
"""

__version__ = "0.1.0"
