"""Every part of a report between the answer and the settings, in order: one line each."""

from bench.report import (
    budget,
    capabilities,
    charts,
    fault_table,
    frontier_chart,
    idempotency,
    pictures,
    soak,
    tables,
    terms,
    timeline_chart,
    twins,
)

PARTS = (
    frontier_chart.PART,
    fault_table.PART,
    tables.PART,
    terms.PART,
    charts.PART,
    timeline_chart.PART,
    pictures.PART,
    twins.PART,
    soak.PART,
    idempotency.PART,
    capabilities.PART,
    budget.PART,
)
