# SPDX-License-Identifier: Apache-2.0
"""Drives a gateway with boto3: boto3_client.py URL CA USER…, each user written id|secret|token|code."""

import io
import os
import sys
import urllib.request
import ssl

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

url, ca, users = sys.argv[1], sys.argv[2], [u.split("|") for u in sys.argv[3:]]
cases = 0


def client(user):
    return boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", verify=ca or None,
        aws_access_key_id=user[0], aws_secret_access_key=user[1], aws_session_token=user[2] or None,
        config=Config(signature_version="s3v4", retries={"max_attempts": 1}, s3={"addressing_style": "path"}))


def ok(condition, what):
    global cases
    cases += 1
    if not condition:
        sys.exit("failed: %s" % what)


def refused(code, f, **kwargs):
    try:
        f(**kwargs)
    except ClientError as e:
        ok(e.response["Error"]["Code"] == code, "%s, expected %s" % (e, code))
        return
    sys.exit("not refused: expected %s" % code)


s3 = client(users[0])
s3.create_bucket(Bucket="boto")
big = os.urandom(17 << 20)
config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
s3.upload_fileobj(io.BytesIO(big), "boto", "dir/big +ü", Config=config, ExtraArgs={"Metadata": {"colour": "blue"}})
out = io.BytesIO()
s3.download_fileobj("boto", "dir/big +ü", out, Config=config)
ok(out.getvalue() == big, "multipart there and back")
head = s3.head_object(Bucket="boto", Key="dir/big +ü", ChecksumMode="ENABLED")
ok(head["ETag"].endswith('-4"') and head["Metadata"] == {"colour": "blue"}, "head: %s" % head)
got = s3.get_object(Bucket="boto", Key="dir/big +ü", Range="bytes=5242870-5242890")
ok(got["Body"].read() == big[5242870:5242891] and got["ResponseMetadata"]["HTTPStatusCode"] == 206, "range over a part's end")
ok(s3.get_object(Bucket="boto", Key="dir/big +ü", PartNumber=2)["Body"].read() == big[5 << 20:10 << 20], "part 2")
s3.copy({"Bucket": "boto", "Key": "dir/big +ü"}, "boto", "copied", Config=config)
ok(s3.get_object(Bucket="boto", Key="copied")["Body"].read() == big, "managed copy in parts")
s3.copy_object(Bucket="boto", Key="copied2", CopySource={"Bucket": "boto", "Key": "copied"})
ok(s3.head_object(Bucket="boto", Key="copied2")["ContentLength"] == len(big), "copy in one")

for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
    try:
        put = s3.put_object(Bucket="boto", Key="sum", Body=b"checksummed", ChecksumAlgorithm=algorithm)
    except Exception as e:  # some need an extension that the machine lacks
        if "MissingDependency" in type(e).__name__ or "awscrt" in str(e):
            continue
        raise
    got = s3.get_object(Bucket="boto", Key="sum", ChecksumMode="ENABLED")
    ok(got["Body"].read() == b"checksummed" and got["Checksum" + algorithm] == put["Checksum" + algorithm], algorithm)

refused("BadDigest", s3.put_object, Bucket="boto", Key="bad", Body=b"x", ChecksumCRC32="AAAAAA==")
refused("BadDigest", s3.put_object, Bucket="boto", Key="bad", Body=b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
refused("NoSuchKey", s3.get_object, Bucket="boto", Key="bad")
refused("InvalidRange", s3.get_object, Bucket="boto", Key="sum", Range="bytes=100-")
refused("NoSuchBucket", s3.get_object, Bucket="boto-none", Key="x")
refused("PreconditionFailed", s3.put_object, Bucket="boto", Key="sum", Body=b"x", IfNoneMatch="*")


class Stream:
    """Bytes whose number nobody knows before their end."""

    def __init__(self, body):
        self.inner = io.BytesIO(body)

    def read(self, n=-1):
        return self.inner.read(n)


s3.upload_fileobj(Stream(b"z" * 100000), "boto", "unknown length")
ok(s3.head_object(Bucket="boto", Key="unknown length")["ContentLength"] == 100000, "unknown length")

keys = ["a b", "a+b", "a%2Fb", "(1)", "ünïcödé", "a//b", "..", "x/../y", "trailing/", "*'~!", "&=?#;"]
for key in keys:
    s3.put_object(Bucket="boto", Key="odd/" + key, Body=key.encode())
listed = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="boto", Prefix="odd/", PaginationConfig={"PageSize": 3}) for o in page["Contents"]]
ok(listed == sorted("odd/" + key for key in keys), "listing of odd keys: %s" % listed)
listed = [o["Key"] for page in s3.get_paginator("list_objects").paginate(Bucket="boto", Prefix="odd/", PaginationConfig={"PageSize": 4}) for o in page["Contents"]]
ok(listed == sorted("odd/" + key for key in keys), "version 1 listing: %s" % listed)
for key in keys:
    ok(s3.get_object(Bucket="boto", Key="odd/" + key)["Body"].read() == key.encode(), key)

context = ssl.create_default_context(cafile=ca) if ca else None
for user in users[:2]:
    link = client(user).generate_presigned_url("get_object", Params={"Bucket": "boto", "Key": "odd/a+b"})
    with urllib.request.urlopen(link, context=context) as r:
        ok(r.read() == b"a+b", "presigned by %s" % user[0])

for user in users[1:]:
    if user[3]:
        refused(user[3], client(user).put_object, Bucket="boto", Key="x", Body=b"x")
    else:
        ok(client(user).put_object(Bucket="boto", Key="x", Body=b"x"), "put with a session token")

while True:
    page = s3.list_objects_v2(Bucket="boto")
    if not page.get("Contents"):
        break
    gone = s3.delete_objects(Bucket="boto", Delete={"Objects": [{"Key": o["Key"]} for o in page["Contents"]]})
    ok(len(gone["Deleted"]) == len(page["Contents"]), "delete many")
s3.delete_bucket(Bucket="boto")
print(cases)
