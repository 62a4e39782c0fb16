"""The demonstration: real people from the sample photos walk through a drawn entrance, and a script says who they were."""

from engine.demo.run import DemoOutcome, run_demo
from engine.demo.script import FPS, PASSES, Pass, truth
from engine.demo.video import render_video

__all__ = ["FPS", "PASSES", "DemoOutcome", "Pass", "render_video", "run_demo", "truth"]
