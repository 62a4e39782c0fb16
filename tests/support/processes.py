"""How tests start processes of their own: forked from a clean server that has imported the engine once.

They are not forked from the test's own process, which has threads.
"""

from __future__ import annotations

import multiprocessing

__all__ = ["CONTEXT"]

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.support.warm"])
