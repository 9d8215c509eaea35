// SPDX-License-Identifier: Apache-2.0
// Prints presigned requests and a POST form of the AWS SDK for JavaScript as
// JSON. It runs in the folder of node_modules, hence createRequire.
import { createRequire } from "node:module";
const require = createRequire(process.cwd() + "/x.js");
const s3sdk = require("@aws-sdk/client-s3");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
const { createPresignedPost } = require("@aws-sdk/s3-presigned-post");

const [endpoint, region, accessKeyId, secretAccessKey, sessionToken, Bucket] = process.argv.slice(2);
const client = new s3sdk.S3Client({
  endpoint, region, forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
});

const requests = [];
async function url(method, name, params, { body = "", headers = {}, options = {} } = {}) {
  const made = await getSignedUrl(client, new s3sdk[name]({ Bucket, ...params }), { expiresIn: 300, ...options });
  requests.push({ name, method, url: made, headers, body });
}

for (const Key of ["plain.txt", "a b/c+d é.txt", "q?&=#%25;'"]) {
  await url("PUT", "PutObjectCommand", { Key }, { body: "hello" });
  await url("PUT", "PutObjectCommand", { Key, ContentType: "text/plain", Metadata: { colour: "blue" }, ACL: "private" }, { body: "hello" });
  await url("PUT", "PutObjectCommand", { Key, ContentType: "text/plain" },
    { body: "hello", headers: { "content-type": "text/plain" }, options: { signableHeaders: new Set(["content-type"]) } });
  await url("PUT", "PutObjectCommand", { Key, Metadata: { colour: "blue" } },
    { body: "hello", headers: { "x-amz-meta-colour": "blue" }, options: { unhoistableHeaders: new Set(["x-amz-meta-colour"]) } });
  await url("HEAD", "HeadObjectCommand", { Key });
  await url("GET", "GetObjectCommand", { Key });
  await url("GET", "GetObjectCommand", { Key, ResponseContentDisposition: 'attachment; filename="x y.txt"' });
  await url("GET", "ListObjectsV2Command", { Prefix: "a" });
  await url("DELETE", "DeleteObjectCommand", { Key });
}
const form = await createPresignedPost(client, {
  Bucket, Key: "form/${filename}", Expires: 300, Fields: { acl: "private", "Content-Type": "text/plain" },
  Conditions: [["starts-with", "$Content-Type", "text/"], ["content-length-range", 1, 100]],
});
const version = require("@aws-sdk/s3-request-presigner/package.json").version;
process.stdout.write(JSON.stringify({ version, requests, form }));
