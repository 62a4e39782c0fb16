"""The workbench's web interface and the kiosk; both stand on `engine.workbench`."""
