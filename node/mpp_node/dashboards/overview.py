"""All services and all malls on one screen: is somebody worse off than usual?"""

from mpp_node.dashboards.panels import Chart, Number, Page, Row

NOW = Row(
    "Now",
    [
        Number(
            "Services that answer",
            'count(max by (service) (up{job="mpp"}) == 1)',
            says="Services of which at least one replica answers.",
        ),
        Number("Alerts", 'count(ALERTS{alertstate="firing"}) or vector(0)', good=1, bad=3),
        Number("Requests", "sum(service:http_requests:rate5m)", "reqps"),
        Number(
            "Failures",
            'sum(rate(http_requests_seconds_count{route=~"/api/.*",status=~"5.."}[5m])) '
            '/ sum(rate(http_requests_seconds_count{route=~"/api/.*"}[5m])) or vector(0)',
            "percentunit",
            good=0.001,
            bad=0.0144,
            says="The promise is one in a thousand.",
        ),
        Number(
            "Within 0.3 s",
            'sum(rate(http_requests_seconds_bucket{route=~"/api/.*",le="0.3"}[5m])) '
            '/ sum(rate(http_requests_seconds_count{route=~"/api/.*"}[5m]))',
            "percentunit",
            says="The promise is 99 in a hundred.",
        ),
        Number("Keys parked", "sum(max by (service, source) (inbox_parked_keys))", good=1, bad=5),
    ],
)

ANSWERS = Row(
    "Answers",
    [
        Chart("Requests", [("service:http_requests:rate5m", "{{service}}")], "reqps"),
        Chart("Failures", [("service:http_failures:ratio5m", "{{service}}")], "percentunit"),
        Chart(
            "95 in a hundred begin within",
            [
                (
                    "histogram_quantile(0.95, sum by (service, le) "
                    '(rate(http_requests_seconds_bucket{route=~"/api/.*"}[5m])))',
                    "{{service}}",
                )
            ],
            "s",
        ),
    ],
)

HALLS = Row(
    "Halls",
    [
        Chart(
            "Waiting, the ten fullest malls",
            [("topk(10, sum by (mall) (max by (mall, line) (queue_waiting)))", "{{mall}}")],
        ),
        Chart(
            "Longest wait, the ten worst malls",
            [("topk(10, max by (mall) (queue_longest_wait_seconds))", "{{mall}}")],
            "s",
        ),
        Chart(
            "Calls and tickets per minute",
            [
                ("60 * sum(max by (mall, kind) (rate(queue_calls_total[5m])))", "calls"),
                (
                    "60 * sum by (channel) (max by (mall, channel) (rate(queue_tickets_total[5m])))",
                    "{{channel}}",
                ),
            ],
        ),
    ],
)

OFFICES = Row(
    "Offices",
    [
        Number(
            "Oldest request to be forgotten",
            "max(profile_forgetting_oldest_seconds)",
            "s",
            86_400,
            172_800,
            12,
            "The law gives 72 hours.",
        ),
        Number(
            "Past their time limit",
            "sum(max by (mall) (tracking_deadlines_passed))",
            good=1,
            bad=50,
            width=12,
        ),
        Chart(
            "Applications close to their limit",
            [
                ("sum(max by (mall) (tracking_deadlines_at_risk))", "at risk"),
                ("sum(max by (mall) (tracking_deadlines_passed))", "passed"),
            ],
        ),
        Chart(
            "Notifications per minute",
            [
                (
                    "60 * sum by (channel, outcome) (max by (channel, outcome) "
                    "(rate(notify_notifications_total[5m])))",
                    "{{channel}} {{outcome}}",
                )
            ],
        ),
        Chart(
            "Satisfaction (IKM), the ten lowest", [("bottomk(10, max by (mall) (feedback_ikm))", "{{mall}}")]
        ),
    ],
)

PAGE = Page(
    "mpp-overview",
    "MPP: overview",
    "All services and all malls.",
    [NOW, ANSWERS, HALLS, OFFICES],
)
