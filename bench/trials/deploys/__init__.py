"""Deploys of changed code with jobs under way, one way beside the other."""
