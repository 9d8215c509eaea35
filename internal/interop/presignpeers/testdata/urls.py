# SPDX-License-Identifier: Apache-2.0
# Prints presigned requests and a POST form of boto3 as JSON.
import json
import sys

import boto3
import botocore
from botocore.config import Config

endpoint, region, key_id, secret, token, bucket = sys.argv[1:7]
s3 = boto3.client(
    "s3", endpoint_url=endpoint, region_name=region, aws_access_key_id=key_id, aws_secret_access_key=secret,
    aws_session_token=token or None, config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)


def url(method, operation, headers=None, body="", **params):
    made = s3.generate_presigned_url(operation, Params={"Bucket": bucket, **params}, ExpiresIn=300)
    return {"name": operation, "method": method, "url": made, "headers": headers or {}, "body": body}


requests = []
for key in ["plain.txt", "a b/c+d é.txt", "q?&=#%25;'"]:
    requests += [
        url("PUT", "put_object", body="hello", Key=key),
        url("PUT", "put_object", {"Content-Type": "text/plain", "x-amz-meta-colour": "blue", "x-amz-tagging": "a=1"}, "hello",
            Key=key, ContentType="text/plain", Metadata={"colour": "blue"}, Tagging="a=1"),
        url("HEAD", "head_object", Key=key),
        url("GET", "get_object", Key=key),
        url("GET", "get_object", Key=key, ResponseContentDisposition='attachment; filename="x y.txt"', ResponseCacheControl="no-store"),
        url("GET", "list_objects_v2", Prefix=key[:1]),
        url("DELETE", "delete_object", Key=key),
    ]
post = s3.generate_presigned_post(
    bucket, "form/${filename}", Fields={"acl": "private", "Content-Type": "text/plain", "x-amz-meta-who": "a \"b\" é"},
    Conditions=[{"acl": "private"}, ["starts-with", "$Content-Type", "text/"], {"x-amz-meta-who": "a \"b\" é"}, ["content-length-range", 1, 100]],
    ExpiresIn=300,
)
json.dump({"version": boto3.__version__ + "/" + botocore.__version__, "requests": requests,
           "form": {"url": post["url"], "fields": post["fields"]}}, sys.stdout)
