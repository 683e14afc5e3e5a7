"""What a broker does not keep: the state of jobs, what is to be published, waits, a clock.

Nothing of it has a counterpart in `temporal_impl`: there the server keeps it.
"""
