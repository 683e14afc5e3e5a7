"""The feature flag: which engine takes a job."""
