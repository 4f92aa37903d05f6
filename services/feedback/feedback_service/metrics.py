"""What feedback tells Prometheus: the index of each mall and its open complaints; nothing about a person."""

from feedback_service.ikm import SHOWN_FROM
from mpp.gauges import Gauges, Measure

MEASURES: tuple[Measure, ...] = (
    Gauges(
        f"""select mall, sum(answers) as feedback_answers,
            round(25.0 / 9 * sum((select sum(n::int) from jsonb_array_elements_text(totals) n))
                / sum(answers), 2) as feedback_ikm
        from ratings where day > current_date - 30 and answers > 0
        group by mall having sum(answers) >= {SHOWN_FROM}""",
        ["mall"],
        every=600,
        feedback_answers="Surveys answered in the last 30 days",
        feedback_ikm="Satisfaction index (IKM) of the last 30 days, in exact ninths",
    ),
    Gauges(
        """select mall, count(*) as feedback_complaints_open,
            count(*) filter (where answered_at is null and class_due < now()) as feedback_complaints_overdue
        from complaints where closed_at is null group by mall""",
        ["mall"],
        every=60,
        feedback_complaints_open="Complaints that are not closed",
        feedback_complaints_overdue="Complaints whose class's deadline passed without an answer",
    ),
)
