"""Every variable a service reads from its environment, described once; only a `__main__` makes one."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _hex32(secret: SecretStr) -> SecretStr:
    try:
        enough = len(bytes.fromhex(secret.get_secret_value())) >= 32
    except ValueError:
        enough = False
    if not enough:
        raise ValueError("at least 32 bytes written in hexadecimal")
    return secret


def _http(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("an http or https address")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_http)]


class Issuer(BaseModel):
    """Someone whose tokens count here, and how far."""

    model_config = ConfigDict(frozen=True)

    issuer: str = Field(description="the `iss` of its tokens, compared letter by letter")
    jwks_url: Url = Field(description="where its public keys are fetched")
    audience: str = Field(description="the `aud` its tokens must name")
    roles: frozenset[str] = Field(description="roles it may grant; any other in a token is dropped")
    malls: frozenset[str] | None = Field(None, description="mall codes it is trusted for; null: all")


class Settings(BaseSettings):
    """What a service must be told. Variables carry the prefix MPP_: `port` is MPP_PORT."""

    model_config = SettingsConfigDict(
        env_prefix="MPP_", frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    service: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="this service's name: `queue`")
    db_schema: str = Field(
        "",
        validation_alias=AliasChoices("MPP_SCHEMA", "db_schema"),
        description="PostgreSQL schema of its tables (MPP_SCHEMA); empty: the service's name",
    )
    database_url: str = Field(
        repr=False, description="PostgreSQL, with the service's own role: postgresql://…"
    )
    nats_url: str = Field(
        repr=False, description="NATS with JetStream, with the service's own user: nats://…"
    )
    secret_key: Annotated[SecretStr, AfterValidator(_hex32)] = Field(
        description="secret of this installation, at least 32 bytes in hexadecimal; signs, never leaves"
    )

    keys_url: str | None = Field(
        None, repr=False, description="PostgreSQL of the keys to personal data; null: that of the tables"
    )
    master_key: Annotated[SecretStr, AfterValidator(_hex32)] | None = Field(
        None,
        description="wraps the keys to personal data, in hexadecimal; needed where some are held",
    )

    s3_url: Url | None = Field(None, description="S3 storage for files; needed where files are kept")
    s3_bucket: str = Field("", description="bucket there; empty: the service's name")
    s3_key: str = Field("", description="access key id; empty: the service's name")
    s3_secret: SecretStr = Field(SecretStr(""), description="secret access key")

    stream_replicas: int = Field(1, ge=1, le=5, description="copies of each JetStream stream")

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0: any free one")
    body_limit: int = Field(1 << 20, ge=1024, description="largest request body in bytes")
    pool_size: int = Field(10, ge=1, le=200, description="most PostgreSQL connections for reading")
    drain_seconds: float = Field(10.0, ge=0, description="seconds given to accepted work at shutdown")
    clock: Literal["system", "request"] = Field(
        "system",
        description="`request`: a development node takes the time of a request from its header Mpp-Time",
    )

    issuers: tuple[Issuer, ...] = Field((), description="issuers of tokens, a JSON list")
    owners: dict[str, Url] = Field(
        {}, description="service → internal base address, read by a consumer that comes late; JSON object"
    )
    system_token_url: Url | None = Field(None, description="client-credentials endpoint for system tokens")
    system_client_id: str = Field("", description="client id there")
    system_client_secret: SecretStr = Field(SecretStr(""), description="client secret there")

    public_url: Url | None = Field(None, description="where citizens' pages are, for QR codes on paper")
    booking_keys: tuple[dict[str, str], ...] = Field(
        (), description="others whose signed bookings count here: public keys (JWK, Ed25519), a JSON list"
    )

    otlp_endpoint: Url | None = Field(None, description="OTLP/HTTP collector, base address; null: no traces")
    trace_sample: float = Field(1.0, ge=0, le=1, description="share of new traces that are recorded")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")

    @property
    def table_schema(self) -> str:
        """The PostgreSQL schema to use."""
        return self.db_schema or self.service
