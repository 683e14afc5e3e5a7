"""Real face embeddings: dlib's detector, landmarks and ResNet, on the CPU."""

from pathlib import Path
from typing import Any

from shared.compute.dlib_weights import LANDMARKS, RESNET, checked, weights_folder
from shared.ports.face_embedder import FaceBox, FaceEmbedding, Pixels

_DETECT_PX = 800
_MIN_SCORE = 0.2
_PADDING = 0.25


class DlibFaces:
    """HOG detector, 5-point landmarks and a ResNet of 29 layers with 128 outputs.

    99.38 % on Labeled Faces in the Wild with a threshold of 0.6 on the distance
    (dlib.net/face_recognition.py.html). `folder` overrides where the weights are. dlib, numpy
    and Pillow are imported by `load`, not before.
    """

    name = "dlib: face_recognition_resnet_model_v1 (cpu)"

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._detector: Any = None
        self._landmarks: Any = None
        self._network: Any = None

    def load(self) -> None:
        """Load the weights, and embed once with them, so that the first face is not slow.

        Raises `BadSetting` if a file of weights is missing or is not the one that was published.
        """
        import dlib
        import numpy as np
        import PIL.Image  # noqa: F401

        folder = self._folder or weights_folder()
        self._landmarks = dlib.shape_predictor(checked(folder, LANDMARKS))
        self._network = dlib.face_recognition_model_v1(checked(folder, RESNET))
        self._detector = dlib.get_frontal_face_detector()
        self._vector(np.zeros((150, 150, 3), np.uint8), FaceBox(0, 0, 150, 150))

    def embed(self, image: Pixels, limit: int = 1) -> list[FaceEmbedding]:
        """Return the largest faces; those whose eyes and mouth a frontal detector can see.

        A face is found if it is at least a twentieth of the picture's longer side and 40 pixels
        wide.
        """
        if self._detector is None:
            raise RuntimeError("load() has to be called before embed()")
        boxes = self._find(image)[:limit]
        return [FaceEmbedding(box, self._vector(image, box)) for box in boxes]

    def _find(self, image: Pixels) -> list[FaceBox]:
        """Find faces in a copy of bounded size; the detector knows faces from 80 pixels on.

        Twice as close, at four times the cost, only if there is none: large faces are found well
        in small copies, and false ones are fewer there.
        """
        import numpy as np
        from PIL import Image

        height, width, _ = image.shape
        far = min(1.0, _DETECT_PX / max(height, width))
        for scale in (far, 2 * far):
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            copy = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
            # True faces score 0.4 and more, blurred ones too; patterns that only look like one
            # stay below 0.15.
            found, *_ = self._detector.run(copy, 0, _MIN_SCORE)
            boxes = [
                FaceBox(
                    round(box.left() / scale),
                    round(box.top() / scale),
                    round((box.right() + 1) / scale),
                    round((box.bottom() + 1) / scale),
                )
                for box in found
            ]
            if boxes:
                return sorted(boxes, key=lambda box: (-box.area, box.left, box.top))
        return []

    def _vector(self, image: Pixels, box: FaceBox) -> Any:
        """Embed one face at the picture's own resolution, aligned by its landmarks."""
        import dlib
        import numpy as np

        rectangle = dlib.rectangle(box.left, box.top, box.right - 1, box.bottom - 1)
        shape = self._landmarks(image, rectangle)
        # Without jitter: dlib's draws random crops, and a repeat has to give the same numbers.
        return np.array(self._network.compute_face_descriptor(image, shape, 0, _PADDING))
