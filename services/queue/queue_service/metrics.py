"""What the queue tells Prometheus of its halls; nothing about a person."""

from mpp.gauges import Gauges, Measure, Tally

_MALL = "split_part(stream, '-', 2)"
_ENDED = "('ticket-completed', 'ticket-missed', 'ticket-cancelled', 'ticket-lapsed')"

MEASURES: tuple[Measure, ...] = (
    Gauges(
        # Hall by hall: a plain join reads the tickets of all years.
        """select h.mall, today.* from halls h cross join lateral (
            select line, count(*) filter (where status = 'waiting') as queue_waiting,
                count(*) filter (where status in ('called', 'serving')) as queue_at_counters,
                coalesce(greatest(0, extract(epoch from now() - min(issued_at)
                    filter (where status = 'waiting'))), 0) as queue_longest_wait_seconds
            from tickets where hall = h.stream group by line) today
        where h.closed_at is null""",
        ["mall", "line"],
        queue_waiting="Tickets that wait",
        queue_at_counters="Tickets that are called or served",
        queue_longest_wait_seconds="Time since the oldest waiting ticket was issued",
    ),
    Tally(
        "queue_tickets_total",
        "Tickets issued",
        "type = 'ticket-issued'",
        mall=_MALL,
        channel="data ->> 'channel'",
    ),
    Tally(
        "queue_calls_total",
        "Calls to a counter, and recalls",
        "type in ('ticket-called', 'ticket-recalled')",
        mall=_MALL,
        kind="case type when 'ticket-called' then 'call' else 'recall' end",
    ),
    Tally(
        "queue_ended_total",
        "Tickets that ended, by how: completed, missed, cancelled, lapsed",
        f"type in {_ENDED}",
        mall=_MALL,
        outcome="split_part(type, '-', 2)",
    ),
)
