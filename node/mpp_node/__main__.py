"""The command `mpp`: one node, started, watched, asked and stopped."""

import sys

import typer

from mpp_node.bench.command import bench
from mpp_node.commands import run, services, token
from mpp_node.home import AlreadyRunning, NoNode
from mpp_node.simulate.command import simulate
from mpp_servers.server import DidNotStart

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(run.up)
app.command()(run.down)
app.command()(run.status)
app.command()(token.token)
app.command()(services.seed)
app.command()(services.rebuild)
app.command()(services.verify)
app.command("dead-letters")(services.dead_letters)
app.command()(simulate)
app.add_typer(bench, name="bench")


def main() -> None:
    """Runs the command line; what the user can mend is said in one sentence, without a trace."""
    try:
        app()
    except (AlreadyRunning, NoNode, DidNotStart) as refusal:
        sys.exit(f"mpp: {refusal}")


if __name__ == "__main__":
    main()
