"""Encrypted objects, in a server of S3 on this machine."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

import kmshsm
from recipes.objects import CHUNK, DATA_KEY, SEALED, Damaged, EncryptedBucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_s3 import S3Client

SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 100]


@pytest.fixture(scope="module")
def client() -> Iterator[S3Client]:
    """A client of a server with two buckets."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        client = boto3.client(
            "s3",
            endpoint_url=f"http://{host}:{port}",
            region_name="us-east-1",
            aws_access_key_id="id",
            aws_secret_access_key="secret",
            # It is on this machine.
            config=Config(proxies={}),
        )
        for name in ("photos", "archive"):
            client.create_bucket(Bucket=name)
        yield client
        client.close()
    finally:
        server.stop()


@pytest.fixture
def bucket(client: S3Client, session: kmshsm.Session, key: str) -> EncryptedBucket:
    """The bucket of photos."""
    return EncryptedBucket(client, "photos", session, session.key(key))


def raw(client: S3Client, name: str) -> bytes:
    """What the server has."""
    return client.get_object(Bucket="photos", Key=name)["Body"].read()


@pytest.mark.parametrize("size", SIZES)
def test_sizes_and_ranges(bucket: EncryptedBucket, client: S3Client, size: int) -> None:
    data = os.urandom(size)
    bucket.put("a/photo.jpg", io.BytesIO(data), ContentType="image/jpeg", Metadata={"by": "me"})
    assert bucket.get("a/photo.jpg").read() == data
    head = client.head_object(Bucket="photos", Key="a/photo.jpg")
    assert head["ContentLength"] == size + 16 * max(1, -(-size // CHUNK))
    assert (head["ContentType"], head["Metadata"]["by"]) == ("image/jpeg", "me")
    assert size < 16 or data[:16] not in raw(client, "a/photo.jpg")
    ends = [0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, size, size + 1, size + CHUNK]
    for start in ends:
        assert bucket.get("a/photo.jpg", start).read() == data[start:]
        for stop in ends:
            assert bucket.get("a/photo.jpg", start, stop).read() == data[start:stop], (start, stop)


def test_more_than_a_part(bucket: EncryptedBucket) -> None:
    """Large enough to be uploaded in parts, from what can be read only once."""
    data = os.urandom(1 << 20) * 20

    class Once(io.RawIOBase):
        def __init__(self) -> None:
            self.inner = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= CHUNK
            return self.inner.read(size)

    once: Any = Once()
    bucket.put("large", once)
    assert bucket.get("large").read() == data
    assert bucket.get("large", 15_000_000, 15_000_010).read() == data[15_000_000:15_000_010]


def test_copies(bucket: EncryptedBucket, client: S3Client, session: kmshsm.Session) -> None:
    other = session.create_key(protection_level="HSM")
    archive = EncryptedBucket(client, "archive", session, other)
    data = os.urandom(2 * CHUNK)
    bucket.put("one", io.BytesIO(data), ContentType="image/png", Metadata={"by": "me"})
    bucket.copy("one", "two")
    bucket.copy("one", "1", archive)
    assert bucket.get("two").read() == archive.get("1").read() == data
    head = client.head_object(Bucket="archive", Key="1")
    assert (head["ContentType"], head["Metadata"]["by"]) == ("image/png", "me")
    assert raw(client, "one") == raw(client, "two")


def test_objects_follow_a_rotation(
    bucket: EncryptedBucket, client: S3Client, session: kmshsm.Session, key: str
) -> None:
    bucket.put("old", io.BytesIO(b"data"))
    before = client.head_object(Bucket="photos", Key="old")["Metadata"][DATA_KEY]
    newer = EncryptedBucket(client, "photos", session, session.create_key())
    newer.copy("old", "old")
    assert client.head_object(Bucket="photos", Key="old")["Metadata"][DATA_KEY] != before
    session.key(key).disable()
    assert newer.get("old").read() == b"data"


def test_other_names_are_refused(
    bucket: EncryptedBucket, client: S3Client, session: kmshsm.Session, key: str
) -> None:
    """Copied by the server alone, an object does not open."""
    bucket.put("one", io.BytesIO(b"data"))
    for target, name in (("photos", "other"), ("archive", "one")):
        client.copy_object(Bucket=target, Key=name, CopySource={"Bucket": "photos", "Key": "one"})
        with pytest.raises(kmshsm.CryptoError):
            EncryptedBucket(client, target, session, session.key(key)).get(name)
    client.put_object(Bucket="photos", Key="clear", Body=b"data")
    with pytest.raises(Damaged, match="clear is not encrypted"):
        bucket.get("clear")


def test_a_server_that_answers_less(
    bucket: EncryptedBucket, client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends at a chunk is cut off, too, whatever its headers say."""
    data = os.urandom(3 * CHUNK)
    bucket.put("one", io.BytesIO(data))
    ask = client.get_object

    def less(**asked: Any) -> Any:
        answer: Any = ask(**asked)
        answer["Body"] = io.BytesIO(answer["Body"].read()[:SEALED])
        return answer

    monkeypatch.setattr(client, "get_object", less)
    assert bucket.get("one", 0, CHUNK).read() == data[:CHUNK]
    for start, stop in [(0, None), (0, CHUNK + 1), (CHUNK, None), (CHUNK - 1, 2 * CHUNK)]:
        with pytest.raises(Damaged):
            bucket.get("one", start, stop).read()
    assert bucket.get("one", 2 * CHUNK).read() == data[2 * CHUNK :]


@pytest.mark.parametrize(
    ("total", "start", "stop"), [(0, 0, None), (SEALED, 0, None), (SEALED, CHUNK, 2 * CHUNK)]
)
def test_a_server_that_says_less(
    bucket: EncryptedBucket,
    client: S3Client,
    monkeypatch: pytest.MonkeyPatch,
    total: int,
    start: int,
    stop: int | None,
) -> None:
    """How long an object is is told by its last chunk alone."""
    bucket.put("one", io.BytesIO(os.urandom(3 * CHUNK)))
    ask = client.get_object

    def less(**asked: Any) -> Any:
        answer: Any = ask(**asked)
        answer["ContentRange"] = f"bytes 0-0/{total}"
        return answer

    monkeypatch.setattr(client, "get_object", less)
    with pytest.raises(Damaged):
        bucket.get("one", start, stop).read()


def test_an_empty_object_was_not_made_here(bucket: EncryptedBucket, client: S3Client) -> None:
    bucket.put("one", io.BytesIO(b"data"))
    metadata = client.head_object(Bucket="photos", Key="one")["Metadata"]
    client.put_object(Bucket="photos", Key="one", Body=b"", Metadata=metadata)
    with pytest.raises(Damaged):
        bucket.get("one").read()


def test_damage_is_seen(bucket: EncryptedBucket, client: S3Client) -> None:
    data = os.urandom(3 * CHUNK)
    bucket.put("one", io.BytesIO(data))
    metadata = client.head_object(Bucket="photos", Key="one")["Metadata"]
    sealed = raw(client, "one")
    first, second, third = (sealed[at : at + SEALED] for at in range(0, len(sealed), SEALED))
    for damaged in (
        first + second,
        first + third,
        second + first + third,
        first + second + third + third,
        first[:-1] + bytes([first[-1] ^ 1]) + second + third,
        first + second + third[:-1],
        first + second + third + b"x",
    ):
        client.put_object(Bucket="photos", Key="one", Body=damaged, Metadata=metadata)
        with pytest.raises(Damaged):
            bucket.get("one").read()
