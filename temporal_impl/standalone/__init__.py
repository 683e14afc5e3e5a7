"""An image job as one Standalone Activity, Temporal's closest match to a task in a queue."""
