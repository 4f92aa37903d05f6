"""A real browser before the pages: Chromium, driven by Playwright, and axe to see who stumbles over what."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

TOOLS = Path(__file__).parents[3] / ".tools" / "browser"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PHONE = {"width": 390, "height": 844}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def missing() -> str:
    """Why there is no browser, or nothing."""
    path = TOOLS / "path"
    if not path.exists() or not Path(path.read_text()).exists():
        return "no Chromium: `make test` fetches one where npm is installed"
    return ""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    program, own = Path((TOOLS / "path").read_text()), TOOLS / "al2023" / "lib"
    env: dict[str, Any] = {**os.environ} | ({"LD_LIBRARY_PATH": str(own)} if program.parent == TOOLS else {})
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS, env=env)
        try:
            yield browser
        finally:
            await browser.close()


class Tab:
    """A tab of somebody's browser; what its console complains of is kept."""

    def __init__(self, page: Page, context: BrowserContext) -> None:
        self.page, self.context, self.complaints = page, context, list[str]()
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda failure: self.complaints.append(str(failure)))

    def _said(self, kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource" not in text:
            self.complaints.append(text)

    async def open(self, path: str) -> None:
        await self.page.goto(path, wait_until="load")

    async def violations(self) -> list[str]:
        """What axe finds on the page as it is now."""
        await self.page.evaluate((TOOLS / "axe.js").read_text())
        told: dict[str, Any] = await self.page.evaluate(
            "rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES
        )
        return [f"{v['id']}: {[node['target'] for node in v['nodes'][:3]]}" for v in told["violations"]]


@asynccontextmanager
async def tab(browser: Browser, address: str, *, language: str = "id", **options: Any) -> AsyncIterator[Tab]:
    """A browser of its own: no cookie is shared with another."""
    context = await browser.new_context(
        base_url=address, locale={"id": "id-ID", "en": "en-GB"}[language], **({"viewport": PHONE} | options)
    )
    try:
        yield Tab(await context.new_page(), context)
    finally:
        await context.close()
