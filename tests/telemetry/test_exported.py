"""Nothing is asked of Prometheus that a running node does not export."""

import asyncio

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mpp.testing.node import RunningNode
from mpp_node.home import Home
from mpp_node.services import SERVICES

from .promql import asked, metrics, recorded

NAMES = {service.name for service in SERVICES}


async def page_of(node: RunningNode, service: str) -> str:
    async with httpx.AsyncClient() as client:
        port = Home(node.folder / "home").port(service)
        return (await client.get(f"http://127.0.0.1:{port}/metrics")).text


async def exported(node: RunningNode, service: str) -> set[str]:
    """The names of all series a service exports, also of those that have no value yet."""
    names: set[str] = set()
    for family in text_string_to_metric_families(await page_of(node, service)):
        names |= {sample.name for sample in family.samples}
        match family.type:
            case "counter":
                names.add(f"{family.name}_total")
            case "histogram":
                names |= {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
            case _:
                names.add(family.name)
    return names


async def test_every_metric_named_by_a_dashboard_or_an_alert_is_exported(node: RunningNode) -> None:
    found = {name: await exported(node, name) for name in sorted(NAMES)}
    missing = {}
    for who, expression in asked():
        for metric in metrics(expression) - recorded():
            owner = metric.partition("_")[0]
            where = [owner] if owner in NAMES else NAMES
            if not any(metric in found[each] for each in where):
                missing[who] = metric
    assert missing == {}


@pytest.mark.parametrize("service", sorted(NAMES))
async def test_every_service_tells_how_it_is(node: RunningNode, service: str) -> None:
    def well(text: str) -> bool:
        families = text_string_to_metric_families(text)
        told = {
            s.name: s.value for family in families for s in family.samples if s.labels == {"service": service}
        }
        up = [told.get(name) for name in ("database_up", "nats_up", "relay_running")]
        return up == [1, 1, 1] and told.get("measured_timestamp_seconds", 0) > 0

    async with asyncio.timeout(30):
        while not well(await page_of(node, service)):
            await asyncio.sleep(0.2)


async def test_the_time_an_answer_took_has_a_bucket_at_the_promised_three_tenths(node: RunningNode) -> None:
    async with httpx.AsyncClient() as client:
        await client.get(f"{node.address}/api/catalog/v1/malls")
    text = await page_of(node, "catalog")
    assert 'route="/api/catalog/v1/malls"' in text
    assert 'le="0.3"' in text
