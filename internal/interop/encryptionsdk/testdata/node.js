// SPDX-License-Identifier: Apache-2.0

// Reads requests from standard input, one JSON object a line, and answers each
// with one line: the AWS Encryption SDK for JavaScript, for the tests of the
// folder above.
'use strict'
const readline = require('readline')
const sdk = require('@aws-crypto/client-node')
const crypto = require('crypto')

const committing = sdk.buildClient(sdk.CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT)
const legacy = sdk.buildClient(sdk.CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
const namespace = 'interop'

const clientProvider = sdk.getClient(sdk.KMS, {
  endpoint: process.env.KMS_ENDPOINT,
  credentials: { accessKeyId: 'id', secretAccessKey: 'secret' }
})

function keyring (r) {
  switch (r.kind) {
    case 'aes': {
      const key = Buffer.from(r.key, 'base64')
      const wrappingSuite = {
        16: sdk.RawAesWrappingSuiteIdentifier.AES128_GCM_IV12_TAG16_NO_PADDING,
        24: sdk.RawAesWrappingSuiteIdentifier.AES192_GCM_IV12_TAG16_NO_PADDING,
        32: sdk.RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING
      }[key.length]
      // The SDK wants a key in memory of its own.
      const isolated = new Uint8Array(key.length)
      isolated.set(key)
      return new sdk.RawAesKeyringNode({ keyName: r.name, keyNamespace: namespace, unencryptedMasterKey: isolated, wrappingSuite, utf8Sorting: true })
    }
    case 'rsa': {
      const config = { keyName: r.name, keyNamespace: namespace, rsaKey: { publicKey: r.public, privateKey: r.private } }
      if (r.padding === 'pkcs1') {
        config.padding = crypto.constants.RSA_PKCS1_PADDING
      } else {
        config.padding = crypto.constants.RSA_PKCS1_OAEP_PADDING
        config.oaepHash = r.padding.slice('oaep-'.length)
      }
      return new sdk.RawRsaKeyringNode(config)
    }
    case 'kms':
      return new sdk.KmsKeyringNode({ generatorKeyId: r.keyId, clientProvider })
    case 'kms-multi':
      return new sdk.KmsKeyringNode({ generatorKeyId: r.keyId, keyIds: r.keyIds, clientProvider })
    case 'kms-discovery':
      return new sdk.KmsKeyringNode({ discovery: true, discoveryFilter: { accountIDs: ['111122223333'], partition: 'aws' }, clientProvider })
    case 'kms-mrk':
      return sdk.buildAwsKmsMrkAwareStrictMultiKeyringNode({ generatorKeyId: r.keyId, clientProvider })
    case 'kms-mrk-discovery':
      return sdk.buildAwsKmsMrkAwareDiscoveryMultiKeyringNode({ regions: [r.region], discoveryFilter: { accountIDs: ['111122223333'], partition: 'aws' }, clientProvider })
    case 'multi': {
      const [generator, ...children] = r.children.map(keyring)
      return new sdk.MultiKeyringNode({ generator, children })
    }
    default:
      throw new Error('kind ' + r.kind)
  }
}

async function respond (q) {
  const client = q.committing ? committing : legacy
  if (q.op === 'encrypt') {
    const { result } = await client.encrypt(keyring(q.ring), Buffer.from(q.plaintext, 'base64'), {
      suiteId: parseInt(q.suite, 16), frameLength: q.frame, encryptionContext: q.ec || {}
    })
    return { data: result.toString('base64') }
  }
  const { plaintext, messageHeader } = await client.decrypt(keyring(q.ring), Buffer.from(q.ciphertext, 'base64'))
  return { data: plaintext.toString('base64'), ec: messageHeader.encryptionContext }
}

async function main () {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer
    try {
      answer = await respond(JSON.parse(line))
    } catch (e) {
      answer = { error: String(e && e.message) }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
}

main()
