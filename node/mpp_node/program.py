"""A Python program of ours as a supervised child with an HTTP port."""

import http.client
import sys
from collections.abc import Mapping

from mpp_node.home import Home
from mpp_node.services import Service, environment
from mpp_servers.server import Server


class Program(Server):
    """`python -m <arguments>`, ready when `probe` on its port answers 200."""

    patience = 20.0  # it finishes what it accepted

    def __init__(
        self, home: Home, name: str, arguments: list[str], env: Mapping[str, str], port: int, probe: str
    ) -> None:
        super().__init__(name, home.folder / "run", log=home.logs / f"{name}.log")
        self.arguments, self.env, self.port, self.probe = arguments, env, port, probe

    def command(self) -> list[str]:
        return [sys.executable, "-m", *self.arguments]

    def environment(self) -> dict[str, str]:
        return dict(self.env)

    def ports(self) -> list[int]:
        return [self.port]

    def ready(self) -> bool:
        return self.alive and answers(self.port, self.probe)


def served(home: Home, service: Service) -> Program:
    """A service of the node as a program: one process brings its schema and its seeds up and then serves."""
    env, port = environment(home, service), home.port(service.name)
    commands = ["migrate", *(["seed"] if service.seeds else []), "serve"]
    return Program(home, service.name, [service.module, *commands], env, port, "/health/ready")


def answers(port: int, path: str) -> bool:
    """Whether a GET on this port of 127.0.0.1 is answered by 200 within a second."""
    return fetched(port, path) is not None


def fetched(port: int, path: str) -> bytes | None:
    """The body of that answer, else None."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
