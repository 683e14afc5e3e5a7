"""What both engines are asked for, row by row."""
