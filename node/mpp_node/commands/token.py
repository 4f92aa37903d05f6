"""`mpp token`: a token of the development issuer, for trying things out."""

import json
import re
import urllib.error
import urllib.request
from typing import Annotated

import typer

from mpp_contracts.published import MALL_CODE
from mpp_node.commands.options import DEFAULT_FOLDER, Folder
from mpp_node.home import Home
from mpp_node.services import AUDIENCE, ROLES


def token(
    role: Annotated[list[str], typer.Option(help=f"One of {', '.join(ROLES)}; may be repeated.")],
    mall: Annotated[list[str] | None, typer.Option(help="Slug or code; may be repeated.")] = None,
    agency: Annotated[list[str] | None, typer.Option(help="Agency code; may be repeated.")] = None,
    subject: Annotated[str, typer.Option(help="UUID of the person; by default a new one.")] = "",
    ttl: Annotated[float, typer.Option(help="Seconds it is valid; negative: expired already.")] = 8 * 3600,
    audience: Annotated[str, typer.Option(help="Who it is for.")] = AUDIENCE,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Print a signed token with these roles, malls and agencies."""
    from mpp_node.keys import Signer

    if unknown := [name for name in role if name not in ROLES]:
        raise typer.BadParameter(f"no such role: {', '.join(unknown)}", param_hint="--role")
    home = Home(folder)
    codes = [code_of(home, name) for name in mall or []]
    print(
        Signer(home).token(
            role, malls=codes, agencies=agency or [], subject=subject, ttl=ttl, audience=audience
        )
    )


def code_of(home: Home, mall: str) -> str:
    """The code of a mall given by slug or code; a slug is looked up in the running catalog."""
    if re.fullmatch(MALL_CODE, mall):
        return mall
    address = f"http://127.0.0.1:{home.gateway}/api/catalog/v1/malls/{mall}"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return str(json.load(answer)["code"])
    except urllib.error.HTTPError as refusal:
        raise typer.BadParameter(f"no mall {mall} ({refusal.code})", param_hint="--mall") from None
    except OSError:
        hint = "the catalog does not answer; start the node, or give the mall's code"
        raise typer.BadParameter(hint, param_hint="--mall") from None
