// SPDX-License-Identifier: Apache-2.0

package siege

import "strings"

// The stranger is a user of the gateway who may do what the policies under
// attack give, and nothing else.
const strangerKey, strangerSecret = "AKIASTRANGERSTRANGER", "stranger/secret"

func policyControl(a *attacker) []byte {
	a.must(a.request("PUT", "/siege/public/file", "for everybody").headers())
	a.policy(bucketPolicy)
	return a.stranger("GET", "/siege/public/file").headers().render()
}

// bucketPolicy opens /siege/public/* to everybody, and has one Deny for each
// mistake that another evaluator has made.
const bucketPolicy = `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::siege/public/*"},
 {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::siege/s?cret","Condition":{"IpAddress":{"aws:SourceIp":"::ffff:10.0.0.0/104"}}},
 {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::siege/secret","Condition":{"NumericLessThan":{"aws:EpochTime":"1"}}},
 {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::siege/secret","Condition":{"StringEquals":{"aws:username":"ROOT"}}},
 {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::siege/secret","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":["a"]}}},
 {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::siege/secret","Condition":{"Bool":{"aws:SecureTransport":"true"}}},
 {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::siege/secret","Condition":{"StringLike":{"aws:UserAgent":"a.b"}}},
 {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::siege/secret","Condition":{"StringEquals":{"aws:Referer":"https://intern.example/${aws:username}"}}},
 {"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::siege/*"},
 {"Effect":"Deny","Principal":"*","Action":"s3:PutObject","NotResource":"arn:aws:s3:::siege/public/*"},
 {"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::siege/public/denied*"}]}`

func (a *attacker) policy(document string) {
	w := a.request("PUT", "/siege", document)
	w.query = []string{"policy="}
	a.must(w.headers())
}

func (a *attacker) stranger(method, path string) *wire {
	w := a.request(method, path, "")
	w.key, w.secret = strangerKey, strangerSecret
	return w
}

// policyAttacks are the pitfalls of other evaluators (IAM-110) as requests.
func policyAttacks() []attack {
	get := func(path string, bend func(w *wire)) func(a *attacker) []byte {
		return func(a *attacker) []byte {
			w := a.stranger("GET", path)
			if bend != nil {
				bend(w)
			}
			return w.headers().render()
		}
	}
	return []attack{
		{"a grant that ignores its Resource", "AccessDenied", get("/siege/secret", nil)},
		{"a prefix that is no folder", "AccessDenied", get("/siege/publicity", nil)},
		{"a folder climbed out of", "AccessDenied", func(a *attacker) []byte {
			w := a.stranger("GET", "/siege/public/../secret").headers()
			w.path = "/siege/public%2F..%2Fsecret" // signed as S3 reads it
			return w.render()
		}},
		{"a key in another case", "AccessDenied", get("/siege/Public/file", nil)},
		{"a pattern read as a regular expression", "AccessDenied", get("/siege/secret", func(w *wire) { w.set("User-Agent", "aXb") })},
		{"a variable that the caller fills", "AccessDenied", get("/siege/secret", func(w *wire) { w.set("Referer", "https://intern.example/root") })},
		{"a transport that a header claims", "AccessDenied", get("/siege/secret", func(w *wire) { w.set("X-Forwarded-Proto", "https") })},
		{"an address that a header claims", "AccessDenied", get("/siege/secret", func(w *wire) { w.set("X-Forwarded-For", "10.0.0.1") })},
		{"a user name in another case", "AccessDenied", get("/siege/secret", func(w *wire) { w.set("x-amz-meta-username", "ROOT") })},
		{"a Deny on everything but one folder", "AccessDenied", func(a *attacker) []byte { return a.stranger("PUT", loot).headers().render() }},
		{"a listing that nobody granted", "AccessDenied", get("/siege", nil)},
		{"the policy itself", "AccessDenied", get("/siege", func(w *wire) { w.query = []string{"policy="} })},
		{"another sub-resource of an open object", "AccessDenied NotImplemented", get("/siege/public/file", func(w *wire) { w.query = []string{"tagging="} })},
		{"a copy whose source is closed", "AccessDenied", func(a *attacker) []byte {
			return a.stranger("PUT", "/siege/public/copy").set("x-amz-copy-source", "/siege/secret").headers().render()
		}},
		{"a denied object that the owner asks for", "AccessDenied", func(a *attacker) []byte {
			return a.request("GET", "/siege/public/denied", "").headers().render()
		}},
		{"a policy with an unknown operator", "MalformedPolicy", func(a *attacker) []byte {
			w := a.request("PUT", "/siege", strings.Replace(bucketPolicy, `"Bool"`, `"Boolean"`, 1))
			w.query = []string{"policy="}
			return w.headers().render()
		}},
		{"a policy with an element twice", "MalformedPolicy", func(a *attacker) []byte {
			w := a.request("PUT", "/siege", strings.Replace(bucketPolicy, `"Effect":"Deny"`, `"Effect":"Deny","Effect":"Allow"`, 1))
			w.query = []string{"policy="}
			return w.headers().render()
		}},
		{"no signature, and no policy for it", "AccessDenied", func(a *attacker) []byte { return a.request("GET", "/siege/secret", "").render() }},
	}
}
