"""The application without a node, for tests that look at what it is made of."""

from fastapi import FastAPI

from web_frontend.app import create
from web_frontend.portal import ROUTERS
from web_frontend.settings import Settings


def made() -> FastAPI:
    settings = Settings(
        api_url="http://127.0.0.1:1",
        public_url="http://localhost:1",
        secret_key="ab" * 32,
        issuer_url="http://localhost:1",
    )
    return create(settings, [*ROUTERS])
