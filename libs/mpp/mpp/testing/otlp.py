"""A receiver of traces for tests: OTLP over HTTP as a real collector speaks it."""

import asyncio
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, slots=True)
class Received:
    """One span as it arrived; ids in hexadecimal, parent "" for a root."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: str
    failed: bool
    attributes: dict[str, Any] = field(hash=False)
    links: tuple[str, ...]  # the traces of its links


class OtlpReceiver:
    """`with OtlpReceiver() as receiver:` collects the spans sent to `receiver.endpoint`."""

    def __init__(self) -> None:
        self.spans: list[Received] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def trace(self, trace: str) -> list[Received]:
        """The spans of one trace."""
        return [span for span in self.spans if span.trace == trace]

    async def await_spans(
        self, enough: Callable[[Sequence[Received]], bool], seconds: float = 15.0
    ) -> list[Received]:
        """All spans as soon as they are enough; TimeoutError names what had come by then."""
        try:
            async with asyncio.timeout(seconds):
                while not enough(self.spans):  # noqa: ASYNC110 - filled by another thread
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise TimeoutError(f"only {[(s.service, s.name) for s in self.spans]}") from None
        return list(self.spans)

    def _take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = str(_plain(resource.resource.attributes).get("service.name", ""))
            for scope in resource.scope_spans:
                self.spans += [_received(service, span) for span in scope.spans]

    def __enter__(self) -> Self:
        receiver = self

        class Pages(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver._take(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _received(service: str, span: Span) -> Received:
    return Received(
        service=service,
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        failed=span.status.code == 2,
        attributes=_plain(span.attributes),
        links=tuple(link.trace_id.hex() for link in span.links),
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in attributes
    }
