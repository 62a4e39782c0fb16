"""Run an installation: overview, doctor, starting servers, and reports for command line and pages.

Not here: commands (`engine.cli`), pages and servers (`app`). Import modules one by one, so that commands start quickly.
"""

__all__: list[str] = []
