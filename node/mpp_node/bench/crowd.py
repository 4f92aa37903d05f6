"""A crowd from a process of its own: everybody has one request and a moment for it, whoever else still waits.

A task comes as one line of JSON: {port, path, seconds, patience, seed, people: [{body, headers}, …]}; the
answer is a list of [status, problem, seconds] in the order of the people. Status 0: the connection failed;
-1: no answer.
"""

import asyncio
import json
import os
import random
import sys
import time
from typing import Any

import uvloop

Answer = tuple[int, str, float]


async def ask(task: dict[str, Any], person: dict[str, Any], begin: float, moment: float) -> Answer:
    await asyncio.sleep(max(0.0, begin + moment - time.perf_counter()))
    began = time.perf_counter()
    try:
        async with asyncio.timeout(task["patience"]):
            status, body = await _exchange(task, person)
    except TimeoutError:
        return -1, "", time.perf_counter() - began
    except OSError as failure:
        return 0, type(failure).__name__, time.perf_counter() - began
    problem = json.loads(body).get("type", "").rpartition(":")[2] if status >= 400 else ""
    return status, problem, time.perf_counter() - began


async def _exchange(task: dict[str, Any], person: dict[str, Any]) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", task["port"])
    try:
        body = json.dumps(person["body"]).encode()
        lines = [f"POST {task['path']} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in person["headers"].items()]
        lines += [
            f"Content-Length: {len(body)}",
            f"Idempotency-Key: {os.urandom(16).hex()}",
            "Connection: close",
        ]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        answer = await reader.read()
    finally:
        writer.close()
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head:
        raise ConnectionResetError
    return int(head[9:12]), rest


async def rush(task: dict[str, Any]) -> list[Answer]:
    chance = random.Random(task["seed"])
    begin = time.perf_counter() + 1.0
    moments = [chance.uniform(0, task["seconds"]) for _ in task["people"]]
    pairs = zip(task["people"], moments, strict=True)
    return await asyncio.gather(*(ask(task, person, begin, moment) for person, moment in pairs))


if __name__ == "__main__":
    print(json.dumps(uvloop.run(rush(json.loads(sys.stdin.readline())))))
