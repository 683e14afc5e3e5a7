"""The HTTP API: one app for both engines."""
