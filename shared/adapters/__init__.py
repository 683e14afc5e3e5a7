"""Adapters: each file bears the name of the port that it serves."""
