"""A contact sheet: all pictures of a job on one page."""

import io
import math
from collections.abc import Sequence

from PIL import Image

_GAP_PX = 4
_PAPER = (245, 245, 245)


def contact_sheet(pngs: Sequence[bytes]) -> bytes:
    """Return a PNG with the given pictures in a near-square grid, in order."""
    pictures = [Image.open(io.BytesIO(png)).convert("RGB") for png in pngs]
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    cell_w = max(picture.width for picture in pictures) + _GAP_PX
    cell_h = max(picture.height for picture in pictures) + _GAP_PX
    sheet = Image.new("RGB", (columns * cell_w + _GAP_PX, rows * cell_h + _GAP_PX), _PAPER)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        sheet.paste(picture, (column * cell_w + _GAP_PX, row * cell_h + _GAP_PX))
    out = io.BytesIO()
    sheet.save(out, format="PNG")
    return out.getvalue()
