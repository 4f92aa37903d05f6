"""What notify tells Prometheus: what was sent and given up, and how long it waits; nothing about a person."""

from mpp.gauges import Gauges, Measure, Tally

MEASURES: tuple[Measure, ...] = (
    Tally(
        "notify_notifications_total",
        "Deliveries that ended, by channel and outcome: sent, failed",
        "type in ('notification-sent', 'notification-failed')",
        channel="data ->> 'channel'",
        outcome="split_part(type, '-', 2)",
    ),
    Gauges(
        """select channel, count(*) as notify_waiting,
            greatest(0, extract(epoch from now() - min(next_at))) as notify_oldest_waiting_seconds
        from deliveries where state = 'waiting' and next_at <= now() group by channel""",
        ["channel"],
        notify_waiting="Deliveries whose time has come",
        notify_oldest_waiting_seconds="Time since the oldest of them was due",
    ),
)
