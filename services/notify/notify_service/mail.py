"""E-mail over SMTP."""

from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib

from notify_service.channel import Begin, Delivered, Later, Message, NotMine, Refused, Result, Unsure

PATIENCE = 20.0
PERMANENT = 500


class Mail:
    """One connection a mail; encrypted by STARTTLS where the server offers it, at once with `smtps`."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "localhost", parts.port
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._tls, self._sender = parts.scheme == "smtps", sender

    async def send(self, message: Message, begin: Begin) -> Result:
        """Unsure only when the connection breaks between the mail's end and the server's answer to it."""
        client = aiosmtplib.SMTP(hostname=self._host, port=self._port, use_tls=self._tls, timeout=PATIENCE)
        try:
            await client.connect()
            if self._user:
                await client.login(self._user, self._password)
            await client.mail(parseaddr(self._sender)[1])
            await client.rcpt(message.to)
        except aiosmtplib.SMTPException as trouble:
            client.close()
            return _refusal(trouble)
        except OSError:
            client.close()
            return Later("unreachable")
        return await self._hand_over(client, message, begin)

    async def _hand_over(self, client: aiosmtplib.SMTP, message: Message, begin: Begin) -> Result:
        try:
            if not await begin():
                return NotMine()
            await client.data(self._written(message).as_bytes())
        except aiosmtplib.SMTPResponseException as trouble:
            return _refusal(trouble)  # the server answered, and it was no
        except (aiosmtplib.SMTPException, OSError):
            return Unsure()
        finally:
            client.close()
        return Delivered()

    def _written(self, message: Message) -> EmailMessage:
        """Its id is the notification's: whoever gets it twice all the same can tell."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, message.to, message.subject
        mail["Message-ID"] = f"<{message.id}@{parseaddr(self._sender)[1].partition('@')[2]}>"
        mail["Date"], mail["Auto-Submitted"] = formatdate(), "auto-generated"
        mail.set_content(message.text)
        return mail


def _refusal(trouble: aiosmtplib.SMTPException) -> Result:
    if isinstance(trouble, aiosmtplib.SMTPResponseException) and trouble.code >= PERMANENT:
        return Refused(f"smtp-{trouble.code}")
    return Later(f"smtp-{getattr(trouble, 'code', 'unreachable')}")
