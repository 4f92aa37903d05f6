"""What Prometheus is told of a mall is what its halls hold."""

from datetime import date

from prometheus_client import REGISTRY

from mpp.gauges import look
from queue_service.metrics import MEASURES

from .house import House, Venue

LONG_AGO = date(2024, 3, 4)


def told(name: str, venue: Venue, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"service": "queue", "mall": venue.code, **labels})


async def seen(house: House) -> None:
    await look("queue", house.running.settings.database_url, "queue", MEASURES)


async def test_who_waits_and_who_is_at_a_counter_is_told_per_line(house: House, venue: Venue) -> None:
    for service in ("a.1", "a.1", "a.1", "b.1"):
        await venue.ticket(service)
    await venue.call(1)
    await seen(house)
    waiting = [told("queue_waiting", venue, line=line) for line in "AB"]
    assert waiting == [2, 1]
    assert [told("queue_at_counters", venue, line=line) for line in "AB"] == [1, 0]


async def test_the_longest_wait_is_that_of_the_oldest_ticket_that_waits(house: House, venue: Venue) -> None:
    venue.day = LONG_AGO
    await venue.ticket(clock="08:30:00")
    await venue.ticket(clock="09:30:00")
    await seen(house)
    first = told("queue_longest_wait_seconds", venue, line="A")
    await venue.call(1, clock="09:31:00")
    await seen(house)
    second = told("queue_longest_wait_seconds", venue, line="A")
    assert first and second and first > second > 86_400
    await venue.call(2, clock="09:32:00")
    await seen(house)
    assert told("queue_longest_wait_seconds", venue, line="A") == 0


async def test_tickets_by_channel_calls_and_ends_are_counted(house: House, venue: Venue) -> None:
    await seen(house)
    for channel in ("web", "web"):
        await venue.ticket(channel=channel)
    await venue.ticket(channel="kiosk", role="kiosk")
    ticket = (await venue.call(1)).json()
    await venue.act(ticket, "recall")
    await venue.act(ticket, "miss")
    await seen(house)
    assert told("queue_tickets_total", venue, channel="web") == 2
    assert told("queue_tickets_total", venue, channel="kiosk") == 1
    assert told("queue_calls_total", venue, kind="call") == 1
    assert told("queue_calls_total", venue, kind="recall") == 1
    assert told("queue_ended_total", venue, outcome="missed") == 1


async def test_nothing_told_to_prometheus_is_about_one_person(house: House, venue: Venue) -> None:
    ticket = await venue.ticket()
    await seen(house)
    for family in REGISTRY.collect():
        values = [value for sample in family.samples for value in sample.labels.values()]
        assert not {ticket["id"], ticket["number"]} & {*values}
