"""What profile tells Prometheus: how many wait to be forgotten, and how long; never who."""

from mpp.gauges import Gauges, Measure

MEASURES: tuple[Measure, ...] = (
    Gauges(
        """select count(*) as profile_forgettings_open,
            coalesce(extract(epoch from now() - min(asked_at)), 0) as profile_forgetting_oldest_seconds
        from leavings where closed_at is null""",
        profile_forgettings_open="Requests to be forgotten that some service has not answered",
        profile_forgetting_oldest_seconds="Time since the oldest of them was made",
    ),
)
