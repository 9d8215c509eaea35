// SPDX-License-Identifier: Apache-2.0
// Prints CloudFront URLs and cookies of the AWS SDK for JavaScript as JSON.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
const require = createRequire(process.cwd() + "/x.js");
const { getSignedUrl, getSignedCookies } = require("@aws-sdk/cloudfront-signer");

const [keyFile, keyPairId, base, expires] = process.argv.slice(2);
const privateKey = readFileSync(keyFile, "utf8");
const dateLessThan = new Date(Number(expires) * 1000).toISOString();
const dateGreaterThan = new Date(Number(expires) * 1000 - 7200_000).toISOString();
const policy = JSON.stringify({
  Statement: [{ Resource: base + "/films/*", Condition: {
    DateLessThan: { "AWS:EpochTime": Number(expires) }, IpAddress: { "AWS:SourceIp": "192.0.2.0/24" } } }],
});
const urls = [], cookies = [];
for (const path of ["/films/a.mp4", "/films/a.mp4?size=large&license=yes", "/films/a%20b/c.mp4?x=%26&y="]) {
  const url = base + path;
  urls.push(getSignedUrl({ url, keyPairId, privateKey, dateLessThan }));
  urls.push(getSignedUrl({ url, keyPairId, privateKey, dateLessThan, dateGreaterThan }));
  urls.push(getSignedUrl({ url, keyPairId, privateKey, dateLessThan, ipAddress: "192.0.2.7" }));
  urls.push(getSignedUrl({ url, keyPairId, privateKey, policy }));
  cookies.push({ url, cookies: getSignedCookies({ url, keyPairId, privateKey, dateLessThan }) });
  cookies.push({ url, cookies: getSignedCookies({ url, keyPairId, privateKey, policy }) });
}
const version = require("@aws-sdk/cloudfront-signer/package.json").version;
process.stdout.write(JSON.stringify({ version, urls, cookies }));
