"""What the business logic and the facade need from outside: one Protocol a file."""
