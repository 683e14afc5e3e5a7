"""The artifact store on any file system that fsspec speaks: `file://`, `s3://`, `gs://`, ..."""

import contextlib
import hashlib
import uuid
from pathlib import Path


class FsspecArtifacts:
    """`Artifacts` below one URL. A blob appears under its name only once it is complete."""

    def __init__(self, url: str) -> None:
        # Late: a clock, which registers the tasks without running any, has no use for it.
        import fsspec

        self._fs, self._root = fsspec.core.url_to_fs(url)

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if self._fs.exists(path):
            return sha256
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        # Object stores put whole objects; a file system needs the rename to be atomic.
        partial = f"{path}.{uuid.uuid4().hex}"
        self._fs.pipe_file(partial, data)
        self._fs.mv(partial, path)
        return sha256

    def put_file(self, path: Path) -> str:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        target = self._path(sha256)
        if not self._fs.exists(target):
            self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            partial = f"{target}.{uuid.uuid4().hex}"
            self._fs.put_file(str(path), partial)
            self._fs.mv(partial, target)
        return sha256

    def remove(self, sha256: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(sha256))

    def get(self, sha256: str) -> bytes:
        try:
            data: bytes = self._fs.cat_file(self._path(sha256))
        except FileNotFoundError:
            raise KeyError(sha256) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise KeyError(sha256)
        return data

    def _path(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"
