"""The suite of the capability matrix, and what the sources claim of each row."""
