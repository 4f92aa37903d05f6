"""The collector's pipeline is whole, keeps what failed, and lets nothing pass that leads to a person."""

from typing import Any

import httpx
import yaml

from mpp.testing.node import RunningNode
from mpp.testing.otlp import OtlpReceiver

from .promql import TELEMETRY

COLLECTOR: dict[str, Any] = yaml.safe_load((TELEMETRY / "collector.yaml").read_text())
ALLOWED = {*COLLECTOR["processors"]["redaction"]["allowed_keys"]}


def test_every_part_of_the_collector_is_used_and_every_part_used_is_there() -> None:
    pipelines = COLLECTOR["service"]["pipelines"].values()
    for kind in ("receivers", "processors", "exporters"):
        assert {name for pipeline in pipelines for name in pipeline[kind]} == {*COLLECTOR[kind]}
    assert COLLECTOR["service"]["extensions"] == [*COLLECTOR["extensions"]]


def test_memory_is_guarded_first_and_batches_are_made_last() -> None:
    for pipeline in COLLECTOR["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"
        assert pipeline["processors"][-1] == "batch"


def test_attributes_are_taken_away_before_traces_are_kept_by_an_allow_list() -> None:
    order = COLLECTOR["service"]["pipelines"]["traces"]["processors"]
    assert order.index("redaction") < order.index("tail_sampling")
    assert COLLECTOR["processors"]["redaction"]["allow_all_keys"] is False
    about_people = ("user", "client", "address", "ip", "url", "path", "query", "header", "statement", "agent")
    assert [key for key in ALLOWED if any(word in key.split(".") for word in about_people)] == []


def test_what_failed_or_came_late_is_always_kept() -> None:
    policies = {policy["type"]: policy for policy in COLLECTOR["processors"]["tail_sampling"]["policies"]}
    assert policies["status_code"]["status_code"]["status_codes"] == ["ERROR"]
    assert policies["latency"]["latency"]["threshold_ms"] == 300


async def test_the_services_send_no_attribute_that_the_collector_takes_away(
    node: RunningNode, traces: OtlpReceiver
) -> None:
    async with httpx.AsyncClient(base_url=node.address) as client:
        await client.get("/api/catalog/v1/malls/bombana")
    spans = await traces.await_spans(lambda spans: any("malls" in span.name for span in spans))
    assert {key for span in spans for key in span.attributes} <= ALLOWED
    assert [span.name for span in spans if "bombana" in span.name] == []
