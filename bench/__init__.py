"""The bench: starts everything, loads it, breaks it, and reports what happened.

It knows the engines only through the facade's HTTP API and the ledger.
"""
