"""A service in a hundred lines less: what a node expects of one, and nothing of its own."""

import asyncio
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import asyncpg

NAME = os.environ.get("MPP_SERVICE", "")
API = f"/api/{NAME}/v1"


class Handler(BaseHTTPRequestHandler):
    """Answers on health, metrics, an internal path and two public ones."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == f"{API}/live":
            return self._live()
        known = {
            "/health/ready",
            "/metrics",
            "/internal/events",
            f"{API}/openapi.json",
            f"{API}/malls/bombana",
        }
        status = 200 if self.path in known else 503 if self.path == f"{API}/busy" else 404
        body = b'{"code": "7406", "of": "%s"}' % NAME.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _live(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"event: snapshot\ndata: {}\n\n")
        self.wfile.flush()
        time.sleep(20)

    def log_message(self, *_: object) -> None:
        return


async def execute(statement: str) -> None:
    connection = await asyncpg.connect(os.environ["MPP_DATABASE_URL"])
    await connection.execute(statement)
    await connection.close()


def main(words: list[str]) -> None:
    match words:
        case []:
            return
        case ["migrate", *rest]:
            asyncio.run(execute(f"create table if not exists {NAME}.fact (said text unique)"))
            main(rest)
        case ["seed", *rest]:
            asyncio.run(execute(f"insert into {NAME}.fact values ('seeded') on conflict do nothing"))
            main(rest)
        case ["verify", *rest]:
            print('{"clean": true}' if rest else "clean")
        case ["serve"]:
            server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["MPP_PORT"])), Handler)
            server.daemon_threads = True
            server.serve_forever()
        case other:
            sys.exit(f"told {other}")


if __name__ == "__main__":
    main(sys.argv[1:])
