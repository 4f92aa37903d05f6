"""The channels of this installation: what its environment gives an address is on, the rest is off."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from notify_service.channel import Channel
from notify_service.mail import Mail
from notify_service.sms import Sms
from notify_service.telegram import Telegram


class Outside(BaseSettings):
    """Variables carry the prefix MPP_: `smtp_url` is MPP_SMTP_URL."""

    model_config = SettingsConfigDict(
        env_prefix="MPP_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    smtp_url: SecretStr = Field(SecretStr(""), description="smtp://user:password@host:587 or smtps://…")
    smtp_from: str = Field("mpp@localhost", description="the sender's address")
    telegram_url: str = Field("https://api.telegram.org", description="the Bot API, or its emulator")
    telegram_token: SecretStr = Field(SecretStr(""), description="the bot's token; empty: no Telegram")
    sms_url: str = Field("", description="the gateway's address for a POST; empty: no text messages")
    sms_token: SecretStr = Field(SecretStr(""), description="bearer token there")

    def channels(self) -> dict[str, Channel]:
        found: dict[str, Channel] = {}
        if self.smtp_url.get_secret_value():
            found["email"] = Mail(self.smtp_url.get_secret_value(), self.smtp_from)
        if self.telegram_token.get_secret_value():
            found["telegram"] = Telegram(self.telegram_url, self.telegram_token.get_secret_value())
        if self.sms_url:
            found["sms"] = Sms(self.sms_url, self.sms_token.get_secret_value())
        return found
