"""Decodes pictures that strangers send."""

import io

import numpy as np
from PIL import Image, ImageOps

from shared.compute.media_types import (
    DEFAULT_LIMITS,
    JPEG,
    PNG,
    WEBP,
    MediaLimits,
    Source,
    open_source,
    sniff,
    wrong_type,
)
from shared.domain.errors import UnreadableMedia
from shared.ports.face_embedder import Pixels

IMAGE_TYPES = (JPEG, PNG, WEBP)

_FORMATS = ("JPEG", "PNG", "WEBP")
_PAPER = "white"


def check_image(source: Source, limits: MediaLimits = DEFAULT_LIMITS) -> str:
    """Return the media type of a picture that can be decoded as a whole; else `UnreadableMedia`."""
    decode_image(source, limits)
    return sniff(source)


def decode_image(source: Source, limits: MediaLimits = DEFAULT_LIMITS) -> Pixels:
    """Return a JPEG, PNG or WebP picture, turned upright as its EXIF says; the first of several.

    `UnreadableMedia` if it is anything else, cut off, damaged or too large.
    """
    media_type = sniff(source)
    if media_type not in IMAGE_TYPES:
        raise wrong_type(media_type, "a JPEG, PNG or WebP picture")
    with open_source(source) as file:
        data = file.read()
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > limits.image_pixels:
                raise _too_large(image.width, image.height, limits)
            return _rgb(ImageOps.exif_transpose(image))
    except UnreadableMedia:
        raise
    except Image.DecompressionBombError as error:
        raise UnreadableMedia(
            f"the picture is too large; send one of at most {limits.image_pixels} pixels"
        ) from error
    # Pillow's decoders raise whatever the damage leads to: OSError, SyntaxError, ValueError,
    # struct.error, EOFError, ... The file has been read already, so the file is at fault.
    except Exception as error:
        raise UnreadableMedia(
            f"the {media_type} picture is cut off or damaged; send the whole file again"
        ) from error


def _too_large(width: int, height: int, limits: MediaLimits) -> UnreadableMedia:
    return UnreadableMedia(
        f"the picture has {width} x {height} pixels; send one of at most "
        f"{limits.image_pixels} pixels"
    )


def _rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith("I"):
        # 16 bits a pixel; Pillow would clip them to 8 instead of scaling.
        return np.repeat((np.asarray(image) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        # What lies under transparent pixels was never meant to be seen.
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, _PAPER)
        image.alpha_composite(layer)
    return np.ascontiguousarray(image.convert("RGB"))
