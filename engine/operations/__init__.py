"""Looking after an installation: overview, doctor, starting servers, and reports put together for command line and pages.

Not here: commands (`engine.cli`), pages and servers themselves (`app`). Modules are imported one by one: commands start quickly.
"""

__all__: list[str] = []
