"""The Temporal side: client, activities, workflow, worker, and the engine that the facade sees."""
