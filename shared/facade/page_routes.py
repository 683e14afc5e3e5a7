"""The page at `/`: submit a job in a browser and watch it."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)


@router.get("/", response_class=HTMLResponse)
async def index() -> str:
    """Return the page; it speaks to the API like any other client."""
    return (files("shared.facade") / "pages" / "index.html").read_text(encoding="utf-8")
