"""Text messages, by an HTTP gateway."""

from notify_service.channel import Begin, Message, NotMine, Result
from notify_service.posting import posted


class Sms:
    """POST of `{"id", "to", "text"}` with a bearer token; a gateway may know a repeat by its id."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    async def send(self, message: Message, begin: Begin) -> Result:
        if not await begin():
            return NotMine()
        said = {"id": str(message.id), "to": message.to, "text": message.text}
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": str(message.id)}
        return await posted(self._url, said, headers=headers)
