"""The services a node runs: what each is told, and what each may say on NATS."""

import json
import os
from dataclasses import dataclass

from mpp_node.home import Home
from mpp_servers.nats import User

AUDIENCE = "mpp"
ROLES = (
    "citizen",
    "kiosk",
    "display",
    "officer",
    "supervisor",
    "mall-admin",
    "national-admin",
    "analyst",
    "system",
)
STORAGE = "seaweed"
STORAGE_PORTS = [f"{STORAGE}-{part}" for part in range(8)]
DATABASE, KEYS = "mpp", "mpp_keys"  # the keys to personal data are backed up by themselves, and not for long
HANDED_ON = ("MPP_OTLP_ENDPOINT", "MPP_TRACE_SAMPLE", "MPP_LOG_LEVEL", "MPP_DRAIN_SECONDS", "MPP_POOL_SIZE")


# Mail, messengers and text messages: off until somebody names them.
OUTSIDE = (
    "MPP_SMTP_URL",
    "MPP_SMTP_FROM",
    "MPP_TELEGRAM_URL",
    "MPP_TELEGRAM_TOKEN",
    "MPP_SMS_URL",
    "MPP_SMS_TOKEN",
)


@dataclass(frozen=True, slots=True)
class Service:
    """One service: whether it comes with data of its own, holds personal data, keeps files."""

    name: str
    seeds: bool = False
    vault: bool = False
    files: bool = False
    handed: tuple[str, ...] = ()  # further variables that it is given as they are

    @property
    def module(self) -> str:
        return f"{self.name}_service"


SERVICES = (
    Service("catalog", seeds=True),
    Service("queue"),
    Service("profile", vault=True),
    Service("tracking", seeds=True, vault=True, files=True),
    Service("notify", handed=OUTSIDE),
    Service("feedback", vault=True, files=True),
)


def of_pages(home: Home) -> dict[str, str]:
    """Everything the pages read from their environment: no database and no NATS, the gateway like anybody."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("MPP_") or name in HANDED_ON
    }
    return inherited | {
        "MPP_API_URL": f"http://127.0.0.1:{home.gateway}",
        "MPP_PUBLIC_URL": home.address,
        "MPP_SECRET_KEY": home.secret("pages"),
        "MPP_ISSUER_URL": home.address,
        "MPP_ISSUER_BACK_URL": f"http://127.0.0.1:{home.port('site')}",
        "MPP_CLIENT_SECRET": home.secret("client/web"),
        "MPP_CLOCK": "request",
        "MPP_HOST": "127.0.0.1",
        "MPP_PORT": str(home.port("web")),
    }


def service(name: str) -> Service:
    """The service of this name; KeyError when the node has none."""
    return {known.name: known for known in SERVICES}[name]


def environment(home: Home, of: Service) -> dict[str, str]:
    """Everything a service of this node reads from its environment."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MPP_") or name in (*HANDED_ON, *of.handed)
    }
    site = f"http://127.0.0.1:{home.port('site')}"
    role_secret, nats_secret = home.secret(f"database/{of.name}"), home.secret(f"nats/{of.name}")
    issuer = {
        "issuer": home.address,
        "jwks_url": f"{site}/oidc/jwks",
        "audience": AUDIENCE,
        "roles": ROLES,
        "malls": None,
    }
    database = f"postgresql://{of.name}:{role_secret}@127.0.0.1:{home.port('postgres')}"
    keys = {"MPP_KEYS_URL": f"{database}/{KEYS}", "MPP_MASTER_KEY": home.secret(f"master/{of.name}")}
    files = {"MPP_S3_URL": storage_url(home), "MPP_S3_SECRET": home.secret(f"storage/{of.name}")}
    owners = {known.name: f"http://127.0.0.1:{home.port(known.name)}" for known in SERVICES}
    return inherited | {
        "MPP_SERVICE": of.name,
        "MPP_SCHEMA": of.name,
        "MPP_DATABASE_URL": f"{database}/{DATABASE}",
        "MPP_NATS_URL": f"nats://{of.name}:{nats_secret}@127.0.0.1:{home.port('nats')}",
        "MPP_SECRET_KEY": home.secret("services"),
        "MPP_HOST": "127.0.0.1",
        "MPP_PORT": str(home.port(of.name)),
        "MPP_CLOCK": "request",
        "MPP_PUBLIC_URL": home.address,
        "MPP_ISSUERS": json.dumps([issuer]),
        "MPP_OWNERS": json.dumps(owners),
        "MPP_SYSTEM_TOKEN_URL": f"{site}/oidc/token",
        "MPP_SYSTEM_CLIENT_ID": of.name,
        "MPP_SYSTEM_CLIENT_SECRET": home.secret(f"client/{of.name}"),
        **(keys if of.vault else {}),
        **(files if of.files else {}),
    }


def storage_url(home: Home) -> str:
    """Where files are kept; each service has a bucket of its own name, and no other's key."""
    return f"http://127.0.0.1:{home.port(STORAGE_PORTS[6])}"


def nats_users(home: Home) -> list[User]:
    """A service publishes its own subjects, makes its own stream, reads every stream, and deletes nothing."""
    users = [User("operator", home.secret("nats/operator"))]
    for known in SERVICES:
        own = f"mpp-{known.name}"
        publish = [f"mpp.{known.name}.>", f"poke.{known.name}", "$JS.API.INFO"]
        publish += [f"$JS.API.STREAM.CREATE.{own}", f"$JS.API.STREAM.UPDATE.{own}"]
        publish += [subject for other in SERVICES for subject in _reading(f"mpp-{other.name}")]
        secret = home.secret(f"nats/{known.name}")
        users.append(User(known.name, secret, publish, subscribe=["mpp.>", f"poke.{known.name}", "_INBOX.>"]))
    return users


def _reading(stream: str) -> list[str]:
    """The requests that read a stream of this name."""
    return [
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}.>",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.INFO.{stream}.*",
        f"$JS.API.CONSUMER.DELETE.{stream}.*",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*",
        f"$JS.ACK.{stream}.>",
    ]
