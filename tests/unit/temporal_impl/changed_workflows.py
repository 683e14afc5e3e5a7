"""Later versions of the session's workflow that somebody might write, for the replay tests."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from shared.domain.faces import FaceResult
    from temporal_impl.face_workflows import FaceSimilarityWorkflow
    from temporal_impl.messages import FaceWorkflowInput, SessionOutcome

_NAME = FaceSimilarityWorkflow.__name__


@workflow.defn(name=_NAME)
class NotifiesBeforeSaving(FaceSimilarityWorkflow):
    """Two steps change places."""

    @workflow.init
    def __init__(self, given: FaceWorkflowInput) -> None:
        super().__init__(given)

    @workflow.run
    async def run(self, given: FaceWorkflowInput) -> SessionOutcome:
        return await super().run(given)

    async def _save(self, result: FaceResult) -> FaceResult:
        await self._notify()
        return await super()._save(result)


@workflow.defn(name=_NAME)
class ForgetsTheDeadline(FaceSimilarityWorkflow):
    """A wait without a timer."""

    @workflow.init
    def __init__(self, given: FaceWorkflowInput) -> None:
        super().__init__(given)

    @workflow.run
    async def run(self, given: FaceWorkflowInput) -> SessionOutcome:
        return await super().run(given)

    async def _files_are_there(self) -> bool:
        await workflow.wait_condition(self._complete)
        return True


@workflow.defn(name=_NAME)
class NotifiesBeforeSavingIfNew(NotifiesBeforeSaving):
    """The change done right: only sessions that begin it with this version have the new order."""

    @workflow.init
    def __init__(self, given: FaceWorkflowInput) -> None:
        super().__init__(given)

    @workflow.run
    async def run(self, given: FaceWorkflowInput) -> SessionOutcome:
        return await super().run(given)

    async def _save(self, result: FaceResult) -> FaceResult:
        if workflow.patched("notify-before-saving"):
            return await super()._save(result)
        return await FaceSimilarityWorkflow._save(self, result)
