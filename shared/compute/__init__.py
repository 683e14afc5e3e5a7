"""Compute drivers: what a GPU step runs on."""
