"""Many live pages in one process: little memory each, and every one sees every call."""

import asyncio
import contextlib
import resource
import socket
import sys
from collections.abc import AsyncIterator
from textwrap import dedent

import httpx

from mpp.testing.livepage import watching

SERVER = dedent("""
    import sys
    import uvicorn
    from fastapi import APIRouter
    from mpp.testing.serving import settings_for
    from mpp.web.answer import json_response
    from mpp.web.app import create_app
    from mpp.web.live import Hub, Live, frame

    hub, router = Hub(), APIRouter()

    @router.get("/live", response_class=Live)
    async def live():
        return Live(hub, "board", "every", [frame("snapshot", b"{}", 0)], after=0)

    @router.post("/say/{position}")
    async def say(position: int):
        rss = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
        pages = hub.publish("board", frame("call", b"{}", position), position)
        return json_response({"pages": pages, "rss": int(rss.split()[1])})

    async def ready():
        return {}

    settings = settings_for("hall")
    app = create_app(
        service="hall", title="Hall", version="1", routers=[router], settings=settings, ready=ready
    )
    uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False)
""")
PAGES = 1500


@contextlib.asynccontextmanager
async def another_process() -> AsyncIterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, str(port))
    try:
        async with asyncio.timeout(20):
            while not await answers(port):
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    return True


async def test_many_pages_hold_little_memory_and_each_sees_every_call() -> None:
    """1,500 real connections to another process: each sees 11 calls in order, for under 30 KiB a page."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    async with (
        another_process() as url,
        httpx.AsyncClient(base_url=f"{url}/api/hall/v1", timeout=30) as http,
        contextlib.AsyncExitStack() as stack,
    ):
        empty = (await http.post("/say/1")).json()
        pages = [await stack.enter_async_context(watching(f"{url}/api/hall/v1/live")) for _ in range(PAGES)]
        full = (await http.post("/say/2")).json()
        for position in range(3, 12):
            await http.post(f"/say/{position}")
        await asyncio.gather(*(page.until(lambda page: len(page.ids()) >= 11) for page in pages))
    assert full["pages"] == PAGES
    odd = [page.events for page in pages if page.ids() != list(range(1, 12))]
    assert odd == []
    assert (full["rss"] - empty["rss"]) / PAGES < 30
