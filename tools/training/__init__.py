"""Draws the data and trains the tiny text-to-image model that ships with Changeover."""
