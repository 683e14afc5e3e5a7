"""The Temporal side: client, activities, workflows, worker, and the engine that the facade sees."""
