"""Faults: aimed at what the ledger shows, confirmed by what it shows afterwards."""
