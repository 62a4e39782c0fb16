"""Backlogs of recordings, and galleries of another model: worked on by processes of this machine or of a cluster.

Not here: live cameras (`engine.pipeline`). Modules are imported one by one: workers start quickly.
"""

__all__: list[str] = []
