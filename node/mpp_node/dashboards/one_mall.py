"""One mall: its hall today, its offices' work, and what people say."""

from mpp_node.dashboards.panels import Chart, Number, Page, Row

AT = '{mall="$mall"}'

HALL = Row(
    "Hall",
    [
        Number("Waiting", f"sum(max by (line) (queue_waiting{AT}))", width=6),
        Number("Longest wait", f"max(queue_longest_wait_seconds{AT})", "s", 1800, 3600, 6),
        Number("At the counters", f"sum(max by (line) (queue_at_counters{AT}))", width=6),
        Number(
            "Missed in an hour",
            'sum(max by (outcome) (increase(queue_ended_total{mall="$mall",outcome="missed"}[1h])))',
            width=6,
        ),
        Chart("Waiting by line", [(f"max by (line) (queue_waiting{AT})", "{{line}}")], width=12),
        Chart(
            "Longest wait by line", [(f"max by (line) (queue_longest_wait_seconds{AT})", "{{line}}")], "s", 12
        ),
        Chart(
            "Tickets per hour by channel",
            [(f"3600 * max by (channel) (rate(queue_tickets_total{AT}[15m]))", "{{channel}}")],
        ),
        Chart("Calls per hour", [(f"3600 * max by (kind) (rate(queue_calls_total{AT}[15m]))", "{{kind}}")]),
        Chart(
            "How tickets end, per hour",
            [(f"3600 * max by (outcome) (rate(queue_ended_total{AT}[15m]))", "{{outcome}}")],
        ),
    ],
)

OFFICES = Row(
    "Offices",
    [
        Chart(
            "Applications",
            [
                (f"max(tracking_applications_open{AT})", "open"),
                (f"max(tracking_deadlines_at_risk{AT})", "close to the limit"),
                (f"max(tracking_deadlines_passed{AT})", "past the limit"),
            ],
        ),
        Chart(
            "Complaints",
            [
                (f"max(feedback_complaints_open{AT})", "open"),
                (f"max(feedback_complaints_overdue{AT})", "past their deadline"),
            ],
        ),
        Chart("Satisfaction (IKM)", [(f"max(feedback_ikm{AT})", "IKM")]),
    ],
)

PAGE = Page(
    "mpp-mall",
    "MPP: one mall",
    "The hall and the offices of one mall.",
    [HALL, OFFICES],
    {"mall": "queue_waiting"},
)
