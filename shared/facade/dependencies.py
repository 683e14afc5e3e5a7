"""What routes are handed: the service, the intake of files, the job id of the path."""

from typing import Annotated

from fastapi import Depends, Header, Path, Request

from shared.domain.ids import JobId, parse_job_id
from shared.facade.intake import Intake
from shared.facade.service import Service


def service_of(request: Request) -> Service:
    """Return the service that the app was built with."""
    service: Service = request.app.state.service
    return service


def intake_of(request: Request) -> Intake:
    """Return the intake that the app was built with."""
    intake: Intake = request.app.state.intake
    return intake


def job_id_of(
    job_id: Annotated[str, Path(description="from the answer to the submission")],
) -> JobId:
    """Return the job id in the path; a malformed one is a 422 that says what one looks like."""
    return parse_job_id(job_id)


ServiceDep = Annotated[Service, Depends(service_of)]
IntakeDep = Annotated[Intake, Depends(intake_of)]
JobIdDep = Annotated[JobId, Depends(job_id_of)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        description="The same key and body give the same job, however often they are sent.",
    ),
]
