"""Telegram, by the Bot API."""

import httpx

from notify_service.channel import Begin, Later, Message, NotMine, Refused, Result
from notify_service.posting import posted

PATIENCE = 10.0
GONE = {400: "no-such-chat", 403: "blocked"}
TOO_MANY = 429


class Telegram:
    """Messages to chats of people who began one with the bot."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url.rstrip('/')}/bot{token}/sendMessage"

    async def send(self, message: Message, begin: Begin) -> Result:
        if not message.to.lstrip("-").isdigit():
            return Refused("no-such-chat")
        if not await begin():
            return NotMine()
        said = {"chat_id": int(message.to), "text": message.text}
        return await posted(self._url, said, refused=_refused)


def _refused(answer: httpx.Response) -> Result | None:
    if answer.status_code in GONE:
        return Refused(GONE[answer.status_code])
    if answer.status_code == TOO_MANY:
        try:
            after = float(answer.json()["parameters"]["retry_after"])
        except (ValueError, KeyError, TypeError):
            after = None
        return Later("too-many", after)
    return None
