"""The running node as something to be harmed: its processes, and the queue's stream."""

import asyncio
import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from mpp.messaging.jetstream import JetStream, NoStream, stream_of
from mpp_node.home import Home
from mpp_node.services import SERVICES, environment
from mpp_node.simulate.faults import EVERYTHING, Fault
from mpp_servers.processes import Process, born, working_in

PATIENCE = 60.0  # real seconds that the node may take to be whole again


class NotForFaults(RuntimeError):
    """The node is used in earnest."""


class Victim:
    """A development node whose parts may be killed; raises NotForFaults for any other.

    What happens is also told in `logs/faults.log`, in real time, to be held against the parts' logs.
    """

    def __init__(self, home: Home) -> None:
        if any(environment(home, known)["MPP_CLOCK"] != "request" for known in SERVICES):
            raise NotForFaults("faults are for a development node: this one goes by the real clock")
        self._home = home
        self._killed: set[int] = set()

    def note(self, said: str) -> None:
        """One line in the log of faults."""
        with (self._home.logs / "faults.log").open("a") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {said}\n")

    async def suffer(self, fault: Fault) -> None:
        """The fault, to its end: who was frozen goes on, who was killed may still be away."""
        self._killed.clear()
        match fault.how:
            case "kill":
                self._kill([*self._parts()] if fault.part == EVERYTHING else [fault.part])
            case "freeze":
                await self._freeze(fault.part, fault.size)
            case "cut":
                os.kill(self._pid("nats"), signal.SIGSTOP)
                self._lose_end(fault.part, fault.size)
                self._kill(["nats"])
            case "delete" | "purge":
                await self._harm_stream(fault.part, fault.how)

    async def whole(self) -> None:
        """Until every part is there and ready, and none is one that was killed."""
        while not all(map(self._well, self._parts().values())):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    def _well(self, part: dict[str, Any]) -> bool:
        return bool(part["ready"]) and part["pid"] not in self._killed

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = self._home.state()["parts"]
        return parts

    def _pid(self, part: str) -> int:
        return int(self._parts()[part]["pid"])

    def _kill(self, names: Sequence[str]) -> None:
        pids = [self._pid(name) for name in names]
        self._killed.update(pids)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    async def _freeze(self, part: str, seconds: float) -> None:
        pid = self._pid(part)
        frozen = [Process(pid, born(pid))]
        try:
            frozen[0].send(signal.SIGSTOP)
            if part == "postgres":  # its sessions are processes of their own, and it starts no more of them
                frozen += working_in((self._home.folder / "postgres").resolve())
            for process in frozen:
                process.send(signal.SIGSTOP)
            await asyncio.sleep(seconds)
        finally:
            for process in frozen:
                process.send(signal.SIGCONT)

    def _lose_end(self, service: str, kept: float) -> None:
        """What a power cut does to a file that was not synced: it ends in the middle of a message."""
        files = (self._home.folder / "nats").glob(f"jetstream/*/streams/{stream_of(service)}/msgs/*.blk")
        newest = max(files, key=lambda file: int(file.stem), default=None)
        if newest is not None:
            os.truncate(newest, int(newest.stat().st_size * kept))

    async def _harm_stream(self, service: str, how: str) -> None:
        secret = self._home.secret("nats/operator")
        operator = Operator(f"nats://operator:{secret}@127.0.0.1:{self._home.port('nats')}", "faults")
        await operator.connect()
        try:
            await (operator.delete(service) if how == "delete" else operator.purge(service))
        except NoStream:
            self.note(f"the {service}'s stream is not made yet")
        finally:
            await operator.close()


class Operator(JetStream):
    """Somebody with all rights on NATS, who errs."""

    async def delete(self, service: str) -> None:
        """The stream is gone. Raises NoStream when it was gone before."""
        await self.bounds(service)
        await self._js.delete_stream(stream_of(service))

    async def purge(self, service: str) -> None:
        """The stream is there, and nothing in it. Raises NoStream when it is not."""
        await self.bounds(service)
        await self._js.purge_stream(stream_of(service))
