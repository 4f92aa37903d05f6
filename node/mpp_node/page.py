"""The node's plain page: the board of a mall, live, and what the gateway says when a service cannot."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, Response

STATIC = Path(__file__).parent / "static"
FILES = {
    "/papan": "board.html",
    "/static/board.css": "board.css",
    "/static/board.js": "board.js",
    "/oidc/sign-in.css": "sign-in.css",
}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
PROBLEMS = {
    404: ("not-found", "Nothing is here"),
    429: ("too-many-requests", "Too many requests from this address; try again in a moment"),
    502: ("service-unreachable", "The service does not answer now; try again in a moment"),
    504: ("service-too-slow", "The service did not answer in time; try again in a moment"),
}

router = APIRouter()


def _file(name: str) -> Response:
    return FileResponse(STATIC / name, headers=HEADERS)


for path, name in FILES.items():
    router.add_api_route(path, lambda name=name: _file(name), include_in_schema=False)


@router.get("/problems/{status}", include_in_schema=False)
async def problem(status: int) -> JSONResponse:
    """The body of an answer that the gateway gives by itself, RFC 9457."""
    status = status if status in PROBLEMS else 404
    code, title = PROBLEMS[status]
    headers = {"Retry-After": "1"} if status != 404 else {}
    return JSONResponse(
        {"type": f"urn:mpp:problem:{code}", "title": title, "status": status},
        status,
        media_type="application/problem+json",
        headers=headers,
    )
