"""Events on their way: appended, relayed, handled, and where they wait."""

from mpp_node.dashboards.panels import Chart, Number, Page, Row

# The position of the source's last published event, under the name that its consumers know it by.
PUBLISHED = 'max by (source) (label_replace(relay_published_position, "source", "$1", "service", "(.*)"))'
HANDLED = "max by (service, source) (inbox_position)"

NOW = Row(
    "Now",
    [
        Number(
            "Logs that lost facts",
            "sum(max by (service) (relay_log_lost_facts == 1 and relay_running == 1)) or vector(0)",
            bad=1,
            width=6,
        ),
        Number("Worst lag of a relay", "max(relay_lag_seconds and relay_running == 1)", "s", 1, 5, 6),
        Number("Worst age at a consumer", "max(inbox_seconds_behind)", "s", 5, 60, 6),
        Number("Keys parked", "sum(max by (service, source) (inbox_parked_keys))", good=1, bad=5, width=6),
    ],
)

RELAYS = Row(
    "From the log to JetStream",
    [
        Chart(
            "Events appended",
            [("sum by (service) (max by (service, type) (rate(log_events_total[5m])))", "{{service}}")],
            "eps",
        ),
        Chart(
            "Events published", [("sum by (service) (rate(relay_published_total[5m]))", "{{service}}")], "eps"
        ),
        Chart(
            "Lag of the relay",
            [("max by (service) (relay_lag_seconds and relay_running == 1)", "{{service}}")],
            "s",
        ),
        Chart(
            "Positions the relay has not read",
            [
                (
                    "clamp_min(max by (service) (log_position) - max by (service) (relay_position), 0)",
                    "{{service}}",
                )
            ],
            width=12,
            says="The log is looked at every ten seconds: a few are no delay.",
        ),
        Chart("Who relays", [("relay_running", "{{service}} {{instance}}")], width=12),
    ],
)

CONSUMERS = Row(
    "From JetStream to other services",
    [
        Chart(
            "Messages handled",
            [("sum by (service, source) (rate(inbox_handled_total[5m]))", "{{source}} → {{service}}")],
            "eps",
        ),
        Chart(
            "Age of the last message handled",
            [("max by (service, source) (inbox_seconds_behind)", "{{source}} → {{service}}")],
            "s",
        ),
        Chart(
            "Positions not handled",
            [
                (
                    f"clamp_min(-({HANDLED} - on (source) group_left () {PUBLISHED}), 0)",
                    "{{source}} → {{service}}",
                )
            ],
        ),
        Chart(
            "Keys parked",
            [("max by (service, source) (inbox_parked_keys)", "{{source}} → {{service}}")],
            width=12,
        ),
        Chart(
            "Messages parked",
            [("sum by (service, source) (increase(inbox_parked_total[1h]))", "{{source}} → {{service}}")],
            width=12,
            says="Within an hour.",
        ),
    ],
)

PAGE = Page(
    "mpp-events",
    "MPP: events and lag",
    "The way of events between services.",
    [NOW, RELAYS, CONSUMERS],
)
