"""Frozen types that every part of the system agrees on. No framework, no I/O."""
