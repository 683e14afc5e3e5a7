"""What may be asked: the scenario's models, its file, and the shipped scenarios."""
