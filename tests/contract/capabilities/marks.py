"""What every test of a row carries."""

import pytest

MARKS = [
    pytest.mark.capabilities,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]
row = pytest.mark.row
