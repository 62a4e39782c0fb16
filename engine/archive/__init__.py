"""Process backlogs of recordings, and embed galleries of another model again, on this machine or on a cluster.

Not here: live cameras (`engine.pipeline`). Modules are imported one by one: workers start quickly.
"""

__all__: list[str] = []
