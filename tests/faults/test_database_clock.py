"""The clock of one of two queue processes is an hour behind."""

from email.utils import parsedate_to_datetime

import httpx
import pytest

from mpp_node.bench.malls import ZONE

from .clock import day_in, token, until_morning, wrong_clock
from .scene import Scene
from .stand import FIRST, QUEUES, SECOND, VENUES, Stand

pytestmark = pytest.mark.long
HOUR = 3600.0
PROMISE = (
    "time in a hall never runs backwards, whichever process answers. But tokens are judged by the clock of "
    "the process that is asked: beyond 15 s of difference one that has expired still counts there, and a new "
    "one does not yet (401). And around midnight a mall that is open gives numbers of the day before there: "
    "keep the clocks in step."
)
BACKWARDS = """select count(*) from (select at, lag(at) over (partition by stream order by version) as before
    from (select stream, version, (data ->> 'at')::timestamptz as at from events where stream like 'hall-%')
    as facts) as pairs where at < before"""
HALLS = "select distinct stream from events where stream like 'hall-%'"


async def test_a_process_whose_clock_is_an_hour_behind(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both take the time from their own clock; in a hall it never runs backwards, and its day is one."""
    stand, ahead = scene.stand, until_morning(ZONE)
    stand.day = day_in(ahead, ZONE)
    stand.extra = {
        FIRST: wrong_clock(ahead) | {"MPP_CLOCK": "system"},
        SECOND: wrong_clock(ahead - HOUR) | {"MPP_CLOCK": "system"},
    }
    old = {
        role: token(stand.home, [role], VENUES, -2 * HOUR, ahead + 4 * HOUR) for role in ("kiosk", "officer")
    }
    monkeypatch.setattr(stand, "headers", lambda role: {"Authorization": f"Bearer {old[role]}"})
    async with scene.under_load() as crowd:
        behind = await _clock(stand, FIRST) - await _clock(stand, SECOND)
        assert HOUR - 60 < behind < HOUR + 60, f"the clocks differ by {behind:.0f} s"
        crowd.strike()
        await crowd.recovered()
        await crowd.tickets(300)
        async with stand.database() as connection:
            assert await connection.fetchval(BACKWARDS) == 0
            halls = {row["stream"] for row in await connection.fetch(HALLS)}
            assert halls == set(stand.halls().values())
        expired = await _believed(stand, ahead - 2 * HOUR, ahead - HOUR / 2)
        fresh = await _believed(stand, ahead, ahead + HOUR)
        assert (expired, fresh) == ({FIRST: False, SECOND: True}, {FIRST: True, SECOND: False})
    assert scene.findings.clean, scene.findings.told()
    assert scene.verified.startswith("ok"), scene.verified
    scene.row("the clock of one of two queue processes an hour behind", promise=PROMISE)


async def _clock(stand: Stand, part: str) -> float:
    """What time it is there, in seconds since 1970."""
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{stand.home.port(part)}/health/live")
    return parsedate_to_datetime(answer.headers["Date"]).timestamp()


async def _believed(stand: Stand, since: float, until: float) -> dict[str, bool]:
    """Process → whether an officer's token counts there; the counter is none, so nothing happens."""
    headers = {"Authorization": f"Bearer {token(stand.home, ['officer'], VENUES, since, until)}"}
    found = {}
    async with httpx.AsyncClient() as http:
        for part in QUEUES:
            url = f"http://127.0.0.1:{stand.home.port(part)}/api/queue/v1/counters/{VENUES[0]}-99/call-next"
            answer = await http.post(url, headers=headers)
            assert answer.status_code in (401, 404), answer.text
            found[part] = answer.status_code != 401
    return found
