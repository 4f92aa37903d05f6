"""Answers: prepared JSON, pages with a cursor, versions as ETags."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, Field
from starlette.responses import Response

from mpp.web.problems import Malformed

T = TypeVar("T")
_INT64 = range(-(1 << 63), 1 << 63)


class Page(BaseModel, Generic[T]):
    """Part of a list; `next` is the cursor of the part after it, null on the last."""

    items: list[T]
    next: str | None = Field(None, description="pass as `cursor` to read on; null: this is the last page")


def json_response(
    content: bytes | Mapping[str, Any] | list[Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer that is ready: bytes are sent as they are, anything else is written by orjson."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Response(body, status, headers, "application/json")


def encode_cursor(*values: str | int | float | bool | None) -> str:
    """An opaque cursor that holds the sort values of the last row shown."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """The values of a cursor, checked against `kinds`; None without one.

    Raises Malformed when the cursor is not one of ours.
    """
    if cursor is None:
        return None
    try:
        values = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise Malformed("The cursor is not one of ours.") from None
    if not isinstance(values, list) or len(values) != len(kinds) or not all(map(_fits, values, kinds)):
        raise Malformed("The cursor is not one of ours.")
    return tuple(values)


def _fits(value: Any, kind: type) -> bool:
    if type(value) is int and value not in _INT64:
        return False
    if isinstance(value, str) and "\x00" in value:
        return False
    return type(value) is kind


def etag(version: int) -> str:
    """The ETag of a stream's version: 12 → '"12"'."""
    return f'"{version}"'
