"""Temporal's side of the capability matrix: one module a row, and the few that all rows share."""
