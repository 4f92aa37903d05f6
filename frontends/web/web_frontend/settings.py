"""Every variable that the pages read from their environment; only `__main__` makes one."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _http(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("an http or https address")
    return url.rstrip("/")


def _secret(secret: SecretStr) -> SecretStr:
    if len(bytes.fromhex(secret.get_secret_value())) < 32:
        raise ValueError("at least 32 bytes written in hexadecimal")
    return secret


Url = Annotated[str, AfterValidator(_http)]


class Settings(BaseSettings):
    """Variables carry the prefix MPP_: `api_url` is MPP_API_URL."""

    model_config = SettingsConfigDict(
        env_prefix="MPP_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    api_url: Url = Field(description="the gateway, before `/api/<service>/v1`")
    public_url: Url = Field(
        description="where people open these pages; its scheme decides about Secure cookies"
    )
    secret_key: Annotated[SecretStr, AfterValidator(_secret)] = Field(
        description="seals sessions and signs forms; of these pages alone, at least 32 bytes in hexadecimal"
    )

    issuer_url: Url = Field(description="the OpenID provider that people sign in at")
    issuer_back_url: Url | None = Field(None, description="the same as reached from here; null: issuer_url")
    client_id: str = Field("web", description="these pages at the OpenID provider")
    client_secret: SecretStr = Field(SecretStr(""), description="their secret there")

    printers: dict[str, str] = Field(
        {}, description="device id → host:port of its ESC/POS printer; JSON object"
    )
    clock: Literal["system", "request"] = Field(
        "system", description="`request`: a development node, whose visitors may choose the time"
    )

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8100, ge=0, le=65535, description="port to listen on")
    otlp_endpoint: Url | None = Field(None, description="OTLP/HTTP collector; null: no traces")
    trace_sample: float = Field(1.0, ge=0, le=1, description="share of new traces that are recorded")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")

    @property
    def secure(self) -> bool:
        """Whether people come over TLS."""
        return self.public_url.startswith("https:")
