// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/presign/cloudfront"
)

// browserSteps are what browsers do without credentials of their own.
var browserSteps = []step{
	{"upload a form with a link of the page", func(ctx context.Context, t *theater) (string, error) {
		code, body, err := t.postForm(ctx, "hello.txt", "posted")
		if err != nil {
			return "", err
		}
		return "stored as inbox/hello.txt", errors.Join(expect("the status", code, http.StatusCreated),
			expect("the key", strings.Contains(body, "<Key>inbox/hello.txt</Key>"), true))
	}},
	{"upload more than the link allows: refused", func(ctx context.Context, t *theater) (string, error) {
		code, body, err := t.postForm(ctx, "big", strings.Repeat("x", 101))
		if err != nil {
			return "", err
		}
		return "refused: EntityTooLarge", errors.Join(expect("the status", code, http.StatusBadRequest),
			expect("the code", strings.Contains(body, "<Code>EntityTooLarge</Code>"), true))
	}},
	{"get by a CloudFront signed URL", func(ctx context.Context, t *theater) (string, error) {
		signer := cloudfront.Signer{KeyPairID: "KDEMO", Key: t.cdnKey}
		link, err := signer.SignURL(t.server.url()+cdnPath+demoBucket+"/letters/a", cloudfront.Policy{Expires: time.Now().Add(time.Minute)})
		if err != nil {
			return "", err
		}
		code, body, err := fetch(ctx, link)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d %s", code, body), expect("the body", body, "letters/a")
	}},
	{"get it without a signature: refused", func(ctx context.Context, t *theater) (string, error) {
		return fetchRefused(ctx, t.server.url()+cdnPath+demoBucket+"/letters/a", "AccessDenied")
	}},
}

// postForm makes a link for alice and does with it what the page does.
func (t *theater) postForm(ctx context.Context, name, content string) (int, string, error) {
	link, err := uploadLink(t.server.url(), t.server.gateway.config, alice, demoBucket, "inbox/", 100, time.Minute)
	if err != nil {
		return 0, "", err
	}
	_, fragment, _ := strings.Cut(link, "#")
	text, err := base64.RawURLEncoding.DecodeString(fragment)
	if err != nil {
		return 0, "", err
	}
	var ticket ticket
	if err := json.Unmarshal(text, &ticket); err != nil {
		return 0, "", err
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for _, f := range ticket.Fields {
		err = errors.Join(err, form.WriteField(f[0], f[1]))
	}
	file, errFile := form.CreateFormFile("file", name)
	if err = errors.Join(err, errFile); err != nil {
		return 0, "", err
	}
	_, err = io.WriteString(file, content)
	if err = errors.Join(err, form.Close()); err != nil {
		return 0, "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.server.url()+ticket.Action, &b)
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), err
}

// demoCDNKey makes a key pair and writes the public half.
func demoCDNKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600)
}
