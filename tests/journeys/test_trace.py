"""One trace tells a request's whole way, across services and processes."""

from collections.abc import Sequence

import httpx

from mpp.testing.node import RunningNode
from mpp.testing.otlp import OtlpReceiver, Received

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_a_change_in_the_catalog_is_one_trace_from_the_request_to_the_consumer_in_another_process(
    node: RunningNode, traces: OtlpReceiver
) -> None:
    headers = {
        "Authorization": f"Bearer {node.token('supervisor', '--mall', 'bombana')}",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    }
    async with httpx.AsyncClient(base_url=node.address, headers=headers) as client:
        close = "/api/catalog/v1/malls/bombana/lines/A/close"
        answer = await client.post(close, json={"reason": "equipment-failure"})
        assert answer.status_code < 300, answer.text

    def whole(spans: Sequence[Received]) -> bool:
        return {"catalog", "queue"} <= {span.service for span in spans if span.trace == TRACE}

    spans = [s for s in await traces.await_spans(whole) if s.trace == TRACE]
    [server] = [s for s in spans if s.service == "catalog"]
    [consumer] = [s for s in spans if s.service == "queue"]
    assert server.kind == "server" and consumer.kind == "consumer"
    assert consumer.parent == server.id
    async with httpx.AsyncClient(base_url=node.address, headers=headers) as client:
        await client.post("/api/catalog/v1/malls/bombana/lines/A/open")
