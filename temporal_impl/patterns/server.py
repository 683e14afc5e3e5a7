"""What the rows ask of a development server, beyond its defaults."""

SERVER_OPTIONS = (
    # Priority is on by default, fairness is not (docs.temporal.io/develop/
    # task-queue-priority-fairness).
    *("--dynamic-config-value", "matching.enableFairness=true"),
    # Order holds within a partition, and each gets a share of a rate limit. By default a queue has
    # four, and a few jobs spread over four have hardly an order (same page;
    # server service/matching/ratelimit_manager.go).
    *("--dynamic-config-value", "matching.numTaskqueueReadPartitions=1"),
    *("--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"),
)
"""Further options of `temporal server start-dev`, for the rows `priority` and `rate_limit`."""
