"""What a user can ask for: one module a verb of the command line."""
