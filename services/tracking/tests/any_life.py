"""Any process and any life of an application: what Hypothesis draws, and a diligent way to an end."""

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from mpp.eventsourcing.decider import Event, Rejected, fold
from tracking_service import command as c
from tracking_service import rules
from tracking_service.application import Application
from tracking_service.clock import NeverOpen
from tracking_service.process import APPROVED, ENDS, Limit, Process, flaws

from .cases import LICENCE, MONDAY, NUR, STEP, WIN, Life, a_file

NAMES = "abcde"
UNITS = st.sampled_from(["hours", "working-hours", "working-days"])
LIMITS = st.builds(Limit, amount=st.integers(1, 30), unit=UNITS)
OFFICES = st.sampled_from(["officer", "officer", "supervisor"])
REASONS = st.sampled_from([(), ("document-missing:str",), ("answer-wrong:phone", "document-expired:letter")])
WHO = st.sampled_from([WIN, NUR])
OFTEN: list[Any] = ["submit", "look", "look", "look", c.DeclareComplete, c.TakeStep, c.Resume]
KINDS: list[Any] = [
    *("answer", "attach", "submit", "withdraw", "forget", "look"),
    *(c.Claim, c.Release, c.DeclareComplete, c.SendBack, c.TakeStep),
    *(c.Pause, c.Resume, c.Approve, c.Reject, c.IssueProduct),
]
ASKED = st.sampled_from(KINDS + OFTEN)
MINUTES = st.sampled_from([-10, 0, 1, 60, 300, 24 * 60, 4 * 24 * 60])


@st.composite
def any_process(draw: st.DrawFn) -> Process:
    """Any process that works: each step is led to by an earlier one, and leads to a later one or an end."""
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    leads = {name: draw(st.sets(st.sampled_from([*names, *ENDS]), max_size=2)) for name in names}
    for n, name in enumerate(names):
        leads[name].add(draw(st.sampled_from([*names[n + 1 :], *ENDS])))
        if n:
            leads[draw(st.sampled_from(names[:n]))].add(name)
    leads[draw(st.sampled_from(names))].add(APPROVED)
    steps = tuple(
        STEP(code=name, office=draw(OFFICES), limit=draw(st.none() | LIMITS), leads_to=tuple(sorted(to)))
        for name, to in leads.items()
    )
    wishes = {"steps": steps, "limit": draw(LIMITS), "deemed_granted": draw(st.booleans())}
    product = draw(st.sampled_from([None, LICENCE.title]))
    made = LICENCE.model_copy(update=wishes | {"product": product})
    assert [*flaws(made)] == []
    return made


@st.composite
def a_wish(draw: st.DrawFn) -> tuple[int, Any]:
    """Minutes that go by, and how to ask then."""
    asked, by, supervisor = draw(ASKED), draw(WHO), draw(st.booleans())
    more: dict[Any, dict[str, Any]] = {
        c.SendBack: {"reasons": draw(REASONS)},
        c.Reject: {"reasons": draw(st.sampled_from([(), ("standard-not-met",)]))},
        c.TakeStep: {"step": draw(st.sampled_from([*NAMES, *ENDS]))},
        c.Pause: {"reason": "network-failure"},
        c.IssueProduct: {"product": a_file("product", UUID(int=9))},
    }

    def wish(life: Life) -> Any:
        plain: dict[Any, Callable[[], Any]] = {
            "answer": life.answered,
            "attach": lambda: life.attached(name=UUID(int=8)),
            "submit": life.submitted,
            "withdraw": lambda: c.Withdraw(at=life.now),
            "forget": lambda: c.ForgetApplicant(life.now),
            "look": lambda: c.LookAtClock(life.now),
        }
        if asked in plain:
            return plain[asked]()
        kind: type[c.OfOffice] = asked
        return life.office(kind, by, supervisor=supervisor, **more.get(asked, {}))

    return draw(MINUTES), wish


class Told:
    """A life as it goes on: its log and its state."""

    def __init__(self, process: Process):
        self.process, self.now = process, MONDAY
        self.log: list[Event] = []
        self.state = Application()

    def ask(self, wish: Any, minutes: int = 0) -> list[Event]:
        """What happened; nothing where a rule said no."""
        self.now += timedelta(minutes=minutes)
        try:
            news = rules.decide(wish(Life(self.process, self.now)), self.state)
        except Rejected as refusal:
            assert not isinstance(refusal, NeverOpen)
            return []
        self.state = fold(rules.decider, news, self.state)
        self.log += news
        return news


def begun(process: Process) -> Told:
    told = Told(process)
    for asked in Life(process).filing():
        assert told.ask(lambda _, asked=asked: asked)
    return told


def towards_an_end(told: Told) -> Any:
    """What a diligent office and applicant ask next."""
    state, process = told.state, told.process

    def office(life: Life, asked: Any, **said: Any) -> Any:
        return life.office(asked, supervisor=True, **said)

    match state.status:
        case "sent-back":
            return lambda life: life.submitted()
        case "submitted":
            return lambda life: office(life, c.DeclareComplete)
        case "paused":
            return lambda life: office(life, c.Resume)
        case "in-progress":
            to = nearest(process, state.step)
            if to == APPROVED:
                return lambda life: office(life, c.Approve)
            if to in ENDS:
                return lambda life: office(life, c.Reject, reasons=("standard-not-met",))
            return lambda life: office(life, c.TakeStep, step=to)
    return lambda life: office(life, c.IssueProduct, product=a_file("product"))


def nearest(process: Process, step: str) -> str:
    """The first move of a shortest way to an end."""
    ways = deque([(to, to) for to in leads_to(process, step)])
    seen: set[str] = set()
    while ways:
        first, at = ways.popleft()
        if at in ENDS:
            return first
        if at not in seen:
            seen.add(at)
            ways += [(first, to) for to in leads_to(process, at)]
    raise AssertionError(f"no way out of {step}")


def leads_to(process: Process, code: str) -> tuple[str, ...]:
    step = process.step(code)
    assert step
    return step.leads_to
