"""One service: its answers by route, its replicas, and what they need."""

from mpp_node.dashboards.panels import Chart, Number, Page, Row

OF = 'service="$service"'
API = f'{OF},route=~"/api/.*"'
BUCKETS = f"sum by (le) (rate(http_requests_seconds_bucket{{{API}}}[5m]))"

ANSWERS = Row(
    "Answers",
    [
        Chart(
            "Requests by status",
            [(f"sum by (status) (rate(http_requests_seconds_count{{{API}}}[5m]))", "{{status}}")],
            "reqps",
        ),
        Chart(
            "Time until the answer begins",
            [
                (
                    f"histogram_quantile({share}, {BUCKETS})",
                    name,
                )
                for share, name in ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
            ],
            "s",
        ),
        Chart(
            "Budget: failures and late answers",
            [
                (f"service:http_failures:ratio1h{{{OF}}}", "failures, 1 h"),
                (f"service:http_failures:ratio6h{{{OF}}}", "failures, 6 h"),
                (f"service:http_slow:ratio1h{{{OF}}}", "late, 1 h"),
                (f"service:http_slow:ratio6h{{{OF}}}", "late, 6 h"),
            ],
            "percentunit",
            says="Promised: at most 0.1 % failures and 1 % later than 0.3 s.",
        ),
        Chart(
            "Busiest routes",
            [
                (
                    f"topk(8, sum by (method, route) (rate(http_requests_seconds_count{{{API}}}[5m])))",
                    "{{method}} {{route}}",
                )
            ],
            "reqps",
            12,
        ),
        Chart(
            "Routes that fail",
            [
                (
                    "topk(8, sum by (method, route, status) "
                    f'(rate(http_requests_seconds_count{{{API},status=~"5.."}}[5m])))',
                    "{{method}} {{route}} {{status}}",
                )
            ],
            "reqps",
            12,
        ),
    ],
)

REPLICAS = Row(
    "Replicas",
    [
        Number("Replicas that answer", f'sum(up{{job="mpp",{OF}}})', width=6),
        Number("Database", f"max(database_up{{{OF}}})", width=6, says="1 while one replica reaches it."),
        Number("NATS", f"min(nats_up{{{OF}}})", width=6, says="1 while every replica reaches it."),
        Number("Live pages", f'sum(live_pages{{job="mpp",{OF}}})', width=6),
        Chart("Memory", [(f'process_resident_memory_bytes{{job="mpp",{OF}}}', "{{instance}}")], "bytes"),
        Chart(
            "Processor",
            [(f'rate(process_cpu_seconds_total{{job="mpp",{OF}}}[5m])', "{{instance}}")],
            "percentunit",
        ),
        Chart(
            "Open files",
            [
                (f'process_open_fds{{job="mpp",{OF}}}', "{{instance}}"),
                (f'min(process_max_fds{{job="mpp",{OF}}})', "limit"),
            ],
        ),
        Chart(
            "Live pages",
            [
                (f'live_pages{{job="mpp",{OF}}}', "open, {{instance}}"),
                (f'rate(live_pages_dropped_total{{job="mpp",{OF}}}[5m])', "dropped a second, {{instance}}"),
            ],
            width=12,
        ),
        Chart(
            "Events by type",
            [(f"topk(8, max by (type) (rate(log_events_total{{{OF}}}[5m])))", "{{type}}")],
            "eps",
            12,
        ),
    ],
)

PAGE = Page(
    "mpp-service",
    "MPP: one service",
    "Answers and replicas of one service.",
    [ANSWERS, REPLICAS],
    {"service": 'up{job="mpp"}'},
)
