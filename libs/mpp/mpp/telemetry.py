"""One call for traces, logs and metrics: what a service tells about its own work, never about people."""

import logging
import random
import re
import sys
import traceback
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import asyncpg
import orjson
import pydantic
import structlog
from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)

__all__ = ["SpanKind", "Telemetry", "configure", "span", "traceparent"]

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_tracer: Tracer | None = None


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What `configure` started; `shutdown` sends the spans still waiting."""

    provider: TracerProvider | None

    def shutdown(self) -> None:
        global _tracer
        _tracer = None
        if self.provider is not None:
            self.provider.shutdown()


def configure(
    service: str, *, otlp_endpoint: str | None = None, sample: float = 1.0, log_level: str = "info"
) -> Telemetry:
    """JSON logs to stdout; spans to the collector at `otlp_endpoint` (base address), or nowhere.

    sample is the share (0 to 1) of new traces that are recorded; a trace begun elsewhere keeps the
    decision taken there.
    """
    global _tracer
    _log_as_json(service, log_level)
    if otlp_endpoint is None:
        _tracer = None
        return Telemetry(None)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # dear to import

    provider = TracerProvider(
        resource=Resource.create({"service.name": service}),
        sampler=ParentBased(TraceIdRatioBased(sample)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    _tracer = provider.get_tracer("mpp")
    return Telemetry(provider)


class span:  # noqa: N801 - reads as a statement: with span("project")
    """A timed piece of work; the current trace goes on inside, or that of `parent`, a traceparent.

    With no parent, inside or given, a new trace begins. links are traceparents of work this serves.
    """

    __slots__ = ("_attributes", "_kind", "_links", "_name", "_own", "_parent", "_token", "span")

    def __init__(
        self,
        name: str,
        *,
        parent: str = "",
        kind: SpanKind = SpanKind.INTERNAL,
        links: Sequence[str] = (),
        **attributes: str | int | float | bool,
    ) -> None:
        self._name, self._parent, self._kind, self._links = name, parent, kind, links
        self._attributes = attributes

    def __enter__(self) -> Span:
        known = _remote(self._parent)
        above = context.get_current() if known is None else set_span_in_context(NonRecordingSpan(known))
        self.span = self._start(above)
        self._token = context.attach(set_span_in_context(self.span, above))
        return self.span

    def _start(self, above: Context) -> Span:
        self._own = _tracer is not None
        if _tracer is None:
            inherited = get_current_span(above)
            return inherited if inherited.get_span_context().is_valid else NonRecordingSpan(_fresh())
        links = [Link(known) for link in self._links if (known := _remote(link)) is not None]
        return _tracer.start_span(
            self._name, above, kind=self._kind, attributes=self._attributes or None, links=links or None
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        context.detach(self._token)
        if not self._own:
            return
        if error is not None and self.span.is_recording():
            self.span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        self.span.end()


def traceparent() -> str:
    """The current trace as a W3C traceparent, "" outside of any."""
    here = get_current_span().get_span_context()
    if not here.is_valid:
        return ""
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"


def _remote(parent: str) -> SpanContext | None:
    found = _TRACEPARENT.fullmatch(parent) if parent else None
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))


def _fresh() -> SpanContext:
    chance = random.getrandbits(192) | (1 << 191) | 1  # neither id may be zero
    return SpanContext(chance >> 64, chance & (1 << 64) - 1, is_remote=False)


def _log_as_json(service: str, level: str) -> None:
    def named(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        here = get_current_span().get_span_context()
        if here.is_valid:
            event["trace_id"], event["span_id"] = f"{here.trace_id:032x}", f"{here.span_id:016x}"
        return event

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            named,
            structlog.processors.ExceptionRenderer(_told),
            structlog.processors.JSONRenderer(serializer=_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Bridge()], level=level.upper(), force=True)
    for chatty in ("httpx", "httpcore", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _Bridge(logging.Handler):
    """Lines of libraries (uvicorn, asyncpg, nats) leave through the same renderer."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(library=record.name)
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info)


def _line(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _told(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """A stack trace whose messages cannot hold what people typed."""
    return "\n".join(line for error in _chain(exc_info[1]) for line in (*_frames(error), _message(error)))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    below: BaseException | None = error
    errors = []
    while below is not None and id(below) not in seen:
        seen.add(id(below))
        errors.append(below)
        below = below.__cause__ or (None if below.__suppress_context__ else below.__context__)
    return reversed(errors)


def _frames(error: BaseException) -> list[str]:
    return [line.rstrip() for line in traceback.format_tb(error.__traceback__)]


def _message(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, pydantic.ValidationError):
        return f"{name}: " + "; ".join(f"{e['loc']}: {e['type']}" for e in error.errors(include_input=False))
    if isinstance(error, asyncpg.PostgresError):  # its DETAIL shows rows
        return f"{name}: {error.sqlstate} {error.args[0] if error.args else ''}"
    return f"{name}: {error}"
