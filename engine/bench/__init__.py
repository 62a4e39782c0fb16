"""How fast, how far from what the machine could do, and against whom: all in one run."""

from engine.bench.suite import TARGETS, run_bench

__all__ = ["TARGETS", "run_bench"]
