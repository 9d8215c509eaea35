// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// FuzzParse: the parser never crashes, what it takes is JSON, is printed byte
// for byte, and its canonical form parses to itself.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"NotAction":"s3:*","Resource":"*","Condition":{"Null":{"a:b":true}}}]}`))
	f.Add([]byte(`{"Statement":{"Effect":"Deny","Action":["s3:Get*"],"NotResource":"arn:aws:s3:::${a, 'b'}","Condition":{"NumericLessThan":{"s3:max-keys":1e1}}}}`))
	f.Add([]byte(`{"Statement":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for kind := iampolicy.KindIdentity; kind <= iampolicy.KindEndpoint; kind++ {
			iampolicy.Validate(kind, data)
		}
		p, err := iampolicy.Parse(data)
		lenient, errLenient := iampolicy.Options{Lenient: true}.Parse(data)
		if errLenient != nil {
			require.Error(t, err)
			return
		}
		require.True(t, json.Valid(data))
		require.Equal(t, string(data), lenient.String())
		for kind := iampolicy.KindIdentity; kind <= iampolicy.KindEndpoint; kind++ {
			_, errCompile := iampolicy.Options{Lenient: true}.Compile(kind, lenient)
			require.NoError(t, errCompile)
		}
		if err != nil {
			return
		}
		text, err := json.Marshal(p)
		require.NoError(t, err)
		again, err := iampolicy.Parse(text)
		require.NoError(t, err)
		twice, err := json.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(text), string(twice))
	})
}

// FuzzDecide compares Decide with the reference on generated cases.
func FuzzDecide(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(1 << 40))
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := newGenerator(seed)
		c := g.policies()
		g.request(c)
		compareOne(t, testkit.Classes{"asked": 2}, c, c.build(t))
	})
}

// FuzzText decides by one policy pattern and one condition value of any text.
func FuzzText(f *testing.F) {
	f.Add("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/ana/x", "ana", uint8(0))
	f.Add("arn:aws:s3:::b/??*", "arn:aws:s3:::b/*x*", "10.0.0.0/8", uint8(15))
	operators := []string{"StringEquals", "StringLike", "StringEqualsIgnoreCase", "NumericLessThan", "DateGreaterThan", "Bool", "BinaryEquals", "IpAddress", "ArnLike"}
	f.Fuzz(func(t *testing.T, pattern, resource, value string, op uint8) {
		text, err := json.Marshal(map[string]any{
			"Version": "2012-10-17",
			"Statement": []any{
				map[string]any{"Effect": "Allow", "Action": "*", "Resource": pattern},
				map[string]any{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": map[string]any{operators[int(op)%len(operators)]: map[string]any{"x:k": []string{value, pattern}}}},
			},
		})
		require.NoError(t, err)
		p, err := iampolicy.Options{Lenient: true}.Parse(text)
		if err != nil {
			return
		}
		set, err := iampolicy.Options{Lenient: true}.Compile(iampolicy.KindIdentity, p)
		require.NoError(t, err)
		c := refCase{}.filled()
		r := c.question(t)
		r.Resource = resource
		r.Context.Set("x:k", value)
		r.Context.Set("aws:username", value)
		policies := &iampolicy.Policies{Identity: set}
		d := policies.Decide(r)
		require.Equal(t, d.Outcome, policies.Explain(r).Outcome)
	})
}
