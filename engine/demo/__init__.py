"""The demonstration: real people from the sample photos walk through a drawn entrance, and a script says who they were.

Not here: anything that the product needs to run.
"""

from engine.demo.minute import minute
from engine.demo.run import DemoOutcome, Score, Script, run_demo
from engine.demo.script import FPS, PASSES, Pass, truth
from engine.demo.week import week

__all__ = ["FPS", "PASSES", "DemoOutcome", "Pass", "Score", "Script", "minute", "run_demo", "truth", "week"]
