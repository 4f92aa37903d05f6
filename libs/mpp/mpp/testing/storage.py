"""S3 storage for tests: a SeaweedFS of one's own, with a bucket for one service."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from mpp.documents import make_bucket
from mpp.testing.postgres import scratch
from mpp_servers.seaweed import Bucket, Seaweed


@contextmanager
def private_storage(bucket: str) -> Iterator[dict[str, str]]:
    """What a service's settings need to know of it."""
    with scratch("mpp-s3-") as folder:
        server = Seaweed(folder / "s3", operator="of tests", buckets=[Bucket(bucket, "secret of tests")])
        server.start()
        try:
            asyncio.run(make_bucket(server.url, bucket, "operator", "of tests"))
            yield {"s3_url": server.url, "s3_secret": "secret of tests"}
        finally:
            server.stop()
