"""The pages put together; the only place that reads the environment."""

import uvicorn

from mpp import telemetry
from web_frontend.app import create
from web_frontend.portal import ROUTERS as PORTAL
from web_frontend.settings import Settings


def main() -> None:
    """Until SIGTERM or SIGINT."""
    settings = Settings()
    told = telemetry.configure(
        "web",
        otlp_endpoint=settings.otlp_endpoint,
        sample=settings.trace_sample,
        log_level=settings.log_level,
    )
    uvicorn.run(
        create(settings, [*PORTAL]),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
    told.shutdown()


if __name__ == "__main__":
    main()
