"""What a run leaves behind: history, run info, metrics, and the folder they lie in."""
