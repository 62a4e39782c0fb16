"""The workbench's web interface and the kiosk, both built on `engine.workbench`."""
