"""What is done once and shipped as its result: none of it is in the wheel."""
