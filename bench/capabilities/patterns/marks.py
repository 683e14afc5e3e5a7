"""What every test of a row carries."""

import pytest

MARKS = [
    pytest.mark.capabilities,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
    # A chord's results unsubscribe when Python collects them, by when Redis may be gone.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <function AsyncResult.__del__"),
]
row = pytest.mark.row
