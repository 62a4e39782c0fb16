"""Cameras while they run: one owner per camera, its pictures sent to viewers, and the browser's own camera."""
