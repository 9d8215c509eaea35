// SPDX-License-Identifier: Apache-2.0

// Package sallyport is the map of a library of AWS security primitives, both
// halves of each: what one side signs, writes, encrypts or logs, the other
// side verifies, decides, opens or proves. It has no API of its own; every job
// has a package, and each package links nothing but the standard library.
//
//   - [github.com/sallyport-go/sallyport/sigv4] signs and verifies Signature
//     Version 4 and 4A in headers, URLs, bodies in pieces and event streams, and
//     explains why two signatures differ.
//   - [github.com/sallyport-go/sallyport/presign] makes, inspects and verifies
//     presigned S3 URLs and browser POST policies;
//     [github.com/sallyport-go/sallyport/presign/cloudfront] does the same for
//     CloudFront URLs and cookies.
//   - [github.com/sallyport-go/sallyport/iampolicy] parses, compiles, decides and
//     explains IAM policies of every kind.
//   - [github.com/sallyport-go/sallyport/envelope] reads and writes AWS Encryption
//     SDK messages, whole, streaming and at random offsets.
//   - [github.com/sallyport-go/sallyport/netfilter] decides packets against
//     security groups and network ACLs, and compares, lints and minimises them;
//     [github.com/sallyport-go/sallyport/netfilter/vpc] follows paths through
//     VPCs and lists what the internet reaches;
//     [github.com/sallyport-go/sallyport/netfilter/flowlog] tells from flow logs
//     which rule admitted each flow.
//   - [github.com/sallyport-go/sallyport/cloudtrail] proves a CloudTrail trail
//     complete and untouched, and signs trails of its own.
//
// Adapters over aws-sdk-go-v2 are modules of their own, so that core stays free
// of dependencies: envelope/kmskeyring and cloudtrail/s3source. The programs in
// examples show the packages at work; examples/gateway shows all six together.
package sallyport
