"""The recording process of `muster serve`: every camera that is on, around the clock, with one set of networks for all.

Not here: what a camera does while it runs (`app.live`), and who keeps this process alive (`engine.operations.supervisor`).
"""
