"""What can be broken, how it is aimed, and what the documentation promises of it."""
