"""What tracking tells Prometheus: open applications and their time limits; nothing about a person."""

from mpp.gauges import Gauges, Measure

MEASURES: tuple[Measure, ...] = (
    Gauges(
        """select mall, count(*) filter (where status <> 'draft') as tracking_applications_open,
            count(*) filter (where at_risk and not overdue) as tracking_deadlines_at_risk,
            count(*) filter (where overdue) as tracking_deadlines_passed
        from applications where closed_at is null group by mall""",
        ["mall"],
        every=60,
        tracking_applications_open="Applications filed and not closed",
        tracking_deadlines_at_risk="Open applications close to a time limit",
        tracking_deadlines_passed="Open applications of which a time limit has passed",
    ),
)
