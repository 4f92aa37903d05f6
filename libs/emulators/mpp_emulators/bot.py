"""The Bot API as far as a bot needs it: messages out, updates in, and its refusals."""

import argparse
import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

UNAUTHORIZED, TOO_MANY, BLOCKED = 401, 429, 403


@dataclass
class Bot:
    """Everything sent to it in `messages`, in order. `troubles`: what happens to the next messages:

    a status to refuse with (429 asks to come again after a second), or 0: it is taken and the connection is
    cut, so that nobody can know. `blocked`: chats whose people want to hear no more.
    """

    token: str = "1:emulated"  # noqa: S105
    file: Path | None = None
    delay: float = 0.0
    troubles: list[int] = field(default_factory=list)
    blocked: set[int] = field(default_factory=set)
    messages: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self._news = asyncio.Event()

    def to(self, chat: int) -> list[str]:
        return [message["text"] for message in self.messages if message["chat"]["id"] == chat]

    def say(self, chat: int, text: str) -> None:
        """Somebody writes to the bot."""
        said = {"message_id": next(self._ids), "chat": {"id": chat, "type": "private"}, "text": text}
        self.updates.append({"update_id": next(self._ids), "message": said | {"date": 0}})
        self._news.set()

    def app(self) -> Starlette:
        route = Route("/bot{token}/{method}", self._asked, methods=["GET", "POST"])
        return Starlette(routes=[route])

    async def _asked(self, request: Request) -> Response:
        if request.path_params["token"] != self.token:
            return refusal(UNAUTHORIZED, "Unauthorized")
        body = await request.body()
        said: dict[str, Any] = {**request.query_params, **(json.loads(body) if body else {})}
        match request.path_params["method"]:
            case "getMe":
                return result({"id": 1, "is_bot": True, "first_name": "MPP", "username": "mpp_bot"})
            case "sendMessage":
                return await self._send(request, said)
            case "editMessageText":
                return self._edit(said)
            case "getUpdates":
                return await self._updates(said)
            case "answerCallbackQuery" | "setWebhook" | "deleteWebhook":
                return result(True)
        return refusal(404, "Not Found")

    async def _send(self, request: Request, said: dict[str, Any]) -> Response:
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble == TOO_MANY:
            return refusal(TOO_MANY, "Too Many Requests", parameters={"retry_after": 1})
        if trouble:
            return refusal(trouble, "refused")
        chat = int(said["chat_id"])
        if chat in self.blocked:
            return refusal(BLOCKED, "Forbidden: bot was blocked by the user")
        message = {"message_id": next(self._ids), "chat": {"id": chat}, "text": str(said["text"]), "date": 0}
        self.messages.append(message)
        if self.file:
            with self.file.open("a") as kept:
                kept.write(json.dumps({"chat": chat, "text": message["text"]}) + "\n")
        await asyncio.sleep(self.delay)
        if trouble == 0:
            return Response(b"{", headers={"Content-Length": "100"})  # the connection breaks in the middle
        return result(message)

    def _edit(self, said: dict[str, Any]) -> Response:
        for message in self.messages:
            if message["message_id"] == int(said["message_id"]):
                message["text"] = str(said["text"])
                return result(message)
        return refusal(400, "Bad Request: message to edit not found")

    async def _updates(self, said: dict[str, Any]) -> Response:
        """Long polling: what is confirmed by `offset` is forgotten."""
        self.updates = [each for each in self.updates if each["update_id"] >= int(said.get("offset", 0))]
        if not self.updates:
            self._news.clear()
            try:
                async with asyncio.timeout(min(float(said.get("timeout", 0)), 50)):
                    await self._news.wait()
            except TimeoutError:
                pass
        return result(self.updates[: int(said.get("limit", 100))])


def result(what: Any) -> Response:
    return JSONResponse({"ok": True, "result": what})


def refusal(status: int, why: str, **more: Any) -> Response:
    return JSONResponse({"ok": False, "error_code": status, "description": why} | more, status)


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """Ctrl-C belongs to whoever runs it."""


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The address of an emulator on a free loopback port."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, lifespan="off")
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def main() -> None:
    """`python -m mpp_emulators.bot --port 8081 --token 1:x --file messages.jsonl`"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", default=Bot.token)
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    bot = Bot(asked.token, asked.file)
    uvicorn.run(bot.app(), host="127.0.0.1", port=asked.port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()
