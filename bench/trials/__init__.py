"""How a scenario is run: its cells, the arms under them, and each trial."""
