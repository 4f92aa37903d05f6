"""`mpp up`, `mpp down`, `mpp status`."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from mpp_node.commands.options import DEFAULT_FOLDER, Folder
from mpp_node.home import Home
from mpp_node.program import answers
from mpp_node.services import SERVICES
from mpp_servers.server import accepts

console = Console(highlight=False)
STOP_SECONDS = 90


def up(
    folder: Folder = DEFAULT_FOLDER,
    port: Annotated[int | None, typer.Option(envvar="MPP_PORT", help="Public port.")] = None,
    bind: Annotated[
        str, typer.Option(envvar="MPP_BIND", help="Address the gateway listens on.")
    ] = "127.0.0.1",
    rate: Annotated[
        int, typer.Option(envvar="MPP_RATE_LIMIT", help="Requests a second from one client address.")
    ] = 1000,
) -> None:
    """Start the node and stay with it until Ctrl-C."""
    from mpp_node.node import PARTS, Node

    home = Home(folder, create=True)
    with home.held():
        home.settle(port, PARTS)
        console.print(f"Starting the node in {home.folder} …")
        node = Node(home, lambda said: console.print(f"  {said}"), bind, rate)
        asyncio.run(node.run(lambda seconds: _say_ready(home, seconds)))
        console.print("Stopped.")


def down(folder: Folder = DEFAULT_FOLDER) -> None:
    """Stop the running node and wait until it has ended."""
    running = Home(folder).running()
    if running is None:
        console.print("Nothing runs.")
        return
    running.send(signal.SIGTERM)
    if not running.ends_within(STOP_SECONDS):
        console.print(f"Process {running.pid} did not end within {STOP_SECONDS} s.")
        raise typer.Exit(1)
    console.print("Stopped.")


def status(folder: Folder = DEFAULT_FOLDER) -> None:
    """Show every part of the running node; the exit code is 1 when one is not healthy."""
    home = Home(folder)
    home.must_run()
    state = home.state()
    table = Table("part", "pid", "port", "healthy", "restarts", "memory", box=None, pad_edge=False)
    healthy = [_row(table, name, part) for name, part in state["parts"].items()]
    console.print(table)
    console.print(f"{home.address} · since {state['started'][:19]}Z")
    if not all(healthy):
        raise typer.Exit(1)


def _row(table: Table, name: str, part: dict[str, Any]) -> bool:
    pid, ports = part["pid"], part["ports"]
    healthy = bool(pid) and (answers(ports[0], part["probe"]) if part["probe"] else accepts(ports[0]))
    memory = _memory(pid) if pid else None
    table.add_row(
        name,
        str(pid or "–"),
        str(ports[0]),
        "yes" if healthy else "[red]no[/red]",
        str(part["restarts"]),
        f"{memory / 1024:.0f} MB" if memory else "–",
    )
    return healthy


def _memory(pid: int) -> int | None:
    """KiB of memory that a process and its children hold, shared pages counted once; None off Linux."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own + sum(_memory(int(child)) or 0 for child in children)


def _say_ready(home: Home, seconds: float) -> None:
    console.print(f"[bold]Ready in {seconds:.1f} s[/bold]")
    console.print(f"  Board      {home.address}/")
    for service in SERVICES:
        console.print(f"  {service.name:<10} {home.address}/api/{service.name}/v1/openapi.json")
    console.print(f"  Issuer     {home.address}/.well-known/openid-configuration")
    console.print(f"  Logs       {home.logs}")
    console.print("Ctrl-C stops it.")
