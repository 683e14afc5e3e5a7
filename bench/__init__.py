"""The bench: starts everything, loads it, breaks it, and reports what happened.

It drives the engines over the facade's HTTP API and reads the ledger. Only the suite of the
capability matrix loads an engine's code, by name: that is what it tries.
"""
