"""Assets: files under names that change with their content, so that browsers keep them for good."""

import mimetypes
from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, HTTPException
from markupsafe import Markup
from starlette.responses import FileResponse, Response

STATIC = Path(__file__).parent / "static"
ICONS = Path(__file__).parent / "icons"
FOR_GOOD = "public, max-age=31536000, immutable"
mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("audio/ogg", ".opus")


class Assets:
    """`assets.url("page.css")` → `/aset/3f9c1a2b/page.css`; the mark is of all of them together."""

    def __init__(self, folder: Path = STATIC) -> None:
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        self._folder, self._names = folder, [str(file.relative_to(folder)) for file in files]
        told = sha256(b"".join(name.encode() + file.read_bytes() for name, file in self._named(files)))
        self.mark = told.hexdigest()[:8]

    def _named(self, files: list[Path]) -> list[tuple[str, Path]]:
        return list(zip(self._names, files, strict=True))

    def url(self, name: str) -> str:
        """KeyError for a file that is not there."""
        if name not in self._names:
            raise KeyError(name)
        return f"/aset/{self.mark}/{name}"

    def names(self) -> list[str]:
        return [*self._names]

    @cache  # noqa: B019 - one per process
    def icon(self, name: str) -> Markup:
        """An icon as a part of the page; it says nothing to a screen reader."""
        drawn = (ICONS / f"{name}.svg").read_text()
        return Markup(drawn.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1))  # noqa: S704

    def router(self) -> APIRouter:
        router = APIRouter()

        @router.get("/aset/{mark}/{name:path}", include_in_schema=False)
        async def asset(mark: str, name: str) -> Response:
            if name not in self._names:
                raise HTTPException(404)
            kept = FOR_GOOD if mark == self.mark else "no-cache"
            return FileResponse(self._folder / name, headers={"Cache-Control": kept})

        return router
