"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path, typer.Option("--home", envvar="MPP_HOME", help="Folder of the node.", show_default=True)
]
DEFAULT_FOLDER = Path(".mpp")
