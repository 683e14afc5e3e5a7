"""The soak: random faults from a seed under steady load, all roles, for as long as one likes."""
