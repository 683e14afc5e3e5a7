"""A run of every arm, measured and reported once for all tests of the report."""

import pytest

from bench.record.metrics import Metrics
from bench.report.build import Report, build_report
from tests.unit.bench.report.synthetic_run import SyntheticRun


@pytest.fixture(scope="session")
def run() -> SyntheticRun:
    return SyntheticRun(kills=5, stops=3, real_kills=3)


@pytest.fixture(scope="session")
def metrics(run: SyntheticRun) -> Metrics:
    return run.metrics


@pytest.fixture(scope="session")
def report(run: SyntheticRun, metrics: Metrics, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return build_report(run.write(tmp_path_factory.mktemp("run")), metrics)
