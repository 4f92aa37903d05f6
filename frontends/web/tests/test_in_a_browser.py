"""Every page in a real browser: accessible in both languages, narrow and enlarged, and by keyboard alone."""

from datetime import date
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from mpp.testing.node import RunningNode

from .browsing import Tab, tab

SERVICE = "/mpp/bombana/layanan/adminduk.kk-baru"
MALL = "/mpp/bombana"
PAGES = ("/", "/cari?q=kartu", "/cari?q=zzzz", MALL, f"{MALL}/instansi/disdukcapil", SERVICE, "/x")
NARROW = {"viewport": {"width": 320, "height": 640}}
ENLARGED = {"viewport": {"width": 640, "height": 480}, "device_scale_factor": 2}


async def at(here: Tab, day: date, clock: str = "08:00") -> None:
    """The time that holds for this browser, in WIB."""
    await here.open("/")
    await here.page.fill("#waktu", f"{day}T{clock}")
    await here.page.click("form.ahead button")


@pytest.mark.parametrize("language", ["id", "en"])
async def test_nobody_stumbles_over_a_page(
    browser: Browser, node: RunningNode, workday: date, language: str
) -> None:
    async with tab(browser, node.address, language=language) as here:
        await at(here, workday)
        for path in PAGES:
            await here.open(path)
            assert await here.violations() == [], path
        await here.open(SERVICE)
        await here.page.click("form[action$='/ambil'] button")
        await expect(here.page.locator(".number")).to_be_visible()
        assert await here.violations() == []
        await here.page.click("form[action$='/batalkan'] button")
        assert await here.violations() == []
        assert here.complaints == []


@pytest.mark.parametrize("options", [NARROW, ENLARGED], ids=["a narrow phone", "enlarged to 200 %"])
async def test_nothing_has_to_be_scrolled_sideways(
    browser: Browser, node: RunningNode, workday: date, options: dict[str, Any]
) -> None:
    async with tab(browser, node.address, **options) as here:
        await at(here, workday)
        for path in PAGES:
            await here.open(path)
            wide = await here.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{path} is {wide} px too wide"


async def test_a_number_is_taken_by_keyboard_alone(
    browser: Browser, node: RunningNode, workday: date
) -> None:
    async with tab(browser, node.address) as here:
        await at(here, workday)
        await here.open(SERVICE)
        keys = here.page.keyboard
        for _ in range(20):
            await keys.press("Tab")
            if await here.page.evaluate("document.activeElement.closest('form')?.action.endsWith('/ambil')"):
                break
        await keys.press("Enter")
        await expect(here.page.locator(".number")).to_be_visible()


async def test_without_javascript_a_number_is_taken_and_cancelled(
    browser: Browser, node: RunningNode, workday: date
) -> None:
    async with tab(browser, node.address, java_script_enabled=False) as here:
        await at(here, workday)
        await here.open(SERVICE)
        await here.page.click("form[action$='/ambil'] button")
        await expect(here.page.locator(".number")).to_be_visible()
        await here.page.click("form[action$='/batalkan'] button")
        await expect(here.page.locator("main")).to_contain_text("Nomor ini dibatalkan.")


async def test_an_open_page_hears_of_the_call_by_itself(
    browser: Browser, node: RunningNode, workday: date
) -> None:
    async with tab(browser, node.address) as here:
        await at(here, workday)
        await here.open("/mpp/bombana/layanan/polri.skck-baru")
        await here.page.click("form[action$='/ambil'] button")
        await expect(here.page.locator(".number")).to_be_visible()
        number = await here.page.inner_text(".number")
        await _called(here, node.token("officer", "--mall", "bombana"), number, f"{workday}T09:05:00+08:00")
        await expect(here.page.locator("#keadaan")).to_contain_text("Giliran Anda.", timeout=15_000)
        assert await here.violations() == []


async def _called(here: Tab, officer: str, number: str, at: str) -> None:
    """An officer calls until it is this number's turn."""
    asking, headers = here.context.request, {"Authorization": f"Bearer {officer}", "Mpp-Time": at}
    lines = (await (await asking.get("/api/catalog/v1/malls/bombana/lines?limit=100")).json())["items"]
    counter = next(line["counters"][0] for line in lines if line["line"] == number[0])
    while True:
        called = await asking.post(f"/api/queue/v1/counters/{counter}/call-next", headers=headers)
        assert called.status == 200
        ticket = await called.json()
        if ticket["number"] == number:
            return
        await asking.post(f"/api/queue/v1/tickets/{ticket['id']}/miss", headers=headers)


async def test_a_code_on_paper_opens_the_ticket_and_leaves_no_secret_in_the_address(
    browser: Browser, node: RunningNode, workday: date
) -> None:
    async with tab(browser, node.address) as here:
        wanted = {"mall": "bombana", "service": "adminduk.kk-baru", "channel": "web"}
        headers = {"Mpp-Time": f"{workday}T09:00:00+08:00"}
        taken = await here.context.request.post("/api/queue/v1/tickets", data=wanted, headers=headers)
        ticket = await taken.json()
        await here.open(f"/tiket/{ticket['id']}#{ticket['secret']}")
        await expect(here.page.locator("form[action$='/batalkan']")).to_be_visible()
        assert "#" not in here.page.url and ticket["secret"] not in here.page.url
