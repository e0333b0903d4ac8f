"""Artefacts over the protocol of S3: moto's server on the loopback interface, asked by s3fs as the real one would be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from data.errors import UserError
from pipeline.ops.progress import Quiet
from pipeline.registry.remote import pull, push
from pipeline.settings import Settings
from tests.pipeline.registry.remote.homes import contents, leftovers

HOW = "needs `pip install -c constraints.txt -e '.[s3,s3-test]'`"
s3fs = pytest.importorskip("s3fs", reason=HOW)
moto_server = pytest.importorskip("moto.server", reason=HOW)
boto3 = pytest.importorskip("boto3", reason=HOW)
BUCKET = "team"
SECRET = "canary-secret-71ac"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket, named by the environment as `docs/how-to/shared-storage.md` says."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canary-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("HTTP_PROXY", "http_proxy", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    s3fs.S3FileSystem.clear_instance_cache()
    requests.post(f"{endpoint}/moto-api/reset", timeout=10).raise_for_status()  # servers of one process share their buckets
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=BUCKET)
    yield endpoint
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


def keys(endpoint: str) -> list[str]:
    listed = boto3.client("s3", endpoint_url=endpoint).list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [one["Key"] for one in listed]


def test_what_was_pushed_is_pulled_into_another_home(home: Settings, empty: Settings, bucket: str) -> None:
    push(home, f"s3://{BUCKET}/deep/er", Quiet())
    assert keys(bucket) and all(key.startswith("deep/er/") for key in keys(bucket))
    pull(empty, f"s3://{BUCKET}/deep/er", Quiet())
    assert contents(empty) == contents(home) and not leftovers(empty)
    before = keys(bucket)
    push(home, f"s3://{BUCKET}/deep/er", Quiet())
    assert keys(bucket) == before, "a second time copies nothing and adds nothing"


def test_a_changed_object_is_noticed(home: Settings, empty: Settings, bucket: str) -> None:
    push(home, f"s3://{BUCKET}/x", Quiet())
    client = boto3.client("s3", endpoint_url=bucket)
    (first, *_) = [key for key in keys(bucket) if key.endswith("crystals.parquet")]
    body = bytearray(client.get_object(Bucket=BUCKET, Key=first)["Body"].read())
    body[len(body) // 2] ^= 1
    client.put_object(Bucket=BUCKET, Key=first, Body=bytes(body))
    with pytest.raises(UserError, match=r"crystals\.parquet"):
        pull(empty, f"s3://{BUCKET}/x", Quiet())
    assert not leftovers(empty)


def test_no_such_bucket(home: Settings, bucket: str) -> None:
    with pytest.raises(UserError) as said:
        push(home, "s3://not-there/x", Quiet())
    assert SECRET not in str(said.value)
