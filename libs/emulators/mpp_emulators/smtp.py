"""A mail server that keeps what it is given, and fails when it is told to."""

import argparse
import asyncio
import json
import socket
import time
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path
from threading import Lock
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it was accepted."""

    to: str
    subject: str
    text: str
    message_id: str


@dataclass
class Mailbox:
    """`with Mailbox() as box:` listens on a free loopback port; `box.mails` is everything it acknowledged.

    `answers`: what it says instead of 250 to the next mails, `451 later`, or `` to hang up after it has taken
    the mail, without a word: nobody can know that it is there. `file`: each mail is appended there too.
    """

    port: int = 0
    file: Path | None = None
    answers: list[str] = field(default_factory=list)
    delay: float = 0.0
    mails: list[Mail] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, address: str) -> list[Mail]:
        with self._lock:
            return [mail for mail in self.mails if mail.to == address]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer and not answer.startswith("250"):
            return answer
        if self.delay:
            time.sleep(self.delay)  # noqa: ASYNC251 - the server has a thread of its own
        self._keep(envelope)
        if not answer and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        return answer or "250 OK"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        parsed = message_from_bytes(content)
        body: Any = parsed.get_payload(decode=True)
        mail = Mail(
            to=envelope.rcpt_tos[0],
            subject=str(make_header(decode_header(parsed["Subject"] or ""))),
            text=body.decode() if body else "",
            message_id=parsed["Message-ID"] or "",
        )
        with self._lock:
            self.mails.append(mail)
        if self.file:
            with self.file.open("a") as kept:
                kept.write(json.dumps({"to": mail.to, "subject": mail.subject, "text": mail.text}) + "\n")

    def __enter__(self) -> Self:
        self.port = self.port or _free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=10)
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """`python -m mpp_emulators.smtp --port 2525 --file mails.jsonl`"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    with Mailbox(asked.port, asked.file):
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
