"""The node's own web process: its page and its development issuer."""

import os
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mpp_node import issuer, page, sign_in
from mpp_node.home import Home


def create(home: Home) -> FastAPI:
    """The application; it has no endpoint that must stay internal."""
    app = FastAPI(title="mpp node", openapi_url=None)
    app.include_router(page.router)
    sign_ins = sign_in.SignIns()
    app.include_router(issuer.router(home, sign_ins))
    app.include_router(sign_in.router(home, sign_ins))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, refusal: HTTPException) -> JSONResponse:
        answer = {"type": "about:blank", "title": str(refusal.detail), "status": refusal.status_code}
        media_type = "application/problem+json"
        return JSONResponse(answer, refusal.status_code, headers=refusal.headers, media_type=media_type)

    return app


def main() -> None:
    """Serves until told to stop."""
    home = Home(Path(os.environ["MPP_HOME"]))
    uvicorn.run(create(home), host="127.0.0.1", port=home.port("site"), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
