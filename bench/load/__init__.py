"""The load of a cell: Locust, headless, in its own process."""
