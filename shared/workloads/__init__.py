"""Workloads, a folder each: request, body, policies, and steps with ports as arguments."""
