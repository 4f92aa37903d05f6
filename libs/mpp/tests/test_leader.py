"""One replica leads, another takes over when it can't."""

import asyncio
import signal
import sys
from textwrap import dedent

from mpp.leader import ended, lead

FROZEN = "3s"
LEADER = dedent("""
    import asyncio, sys
    from mpp import leader

    async def work():
        print("leads", flush=True)
        await asyncio.Event().wait()

    leader.FROZEN = sys.argv[2]
    asyncio.run(leader.lead(sys.argv[1], "public", "duty", work))
""")


async def test_a_frozen_leader_loses_its_duty_to_another_replica(postgres_url: str) -> None:
    """Its connection lives on while the process is stopped: only the server can end it."""
    command = [sys.executable, "-c", LEADER, postgres_url, FROZEN]
    frozen = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    leads = asyncio.Event()

    async def work() -> None:
        leads.set()
        await asyncio.Event().wait()

    try:
        assert frozen.stdout is not None
        async with asyncio.timeout(30):
            assert await frozen.stdout.readline() == b"leads\n"
        frozen.send_signal(signal.SIGSTOP)
        other = asyncio.create_task(lead(postgres_url, "public", "duty", work))
        async with asyncio.timeout(30):
            await leads.wait()
        await ended([other])
    finally:
        frozen.kill()
        await frozen.wait()
