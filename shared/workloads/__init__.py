"""Step functions, one module a workload: pure logic, with ports as arguments."""
