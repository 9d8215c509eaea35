// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/presign/cloudfront"
)

// cdnPath begins the URLs that open with a CloudFront signed URL or signed
// cookies, /_cdn/BUCKET/KEY. No bucket has such a name.
const cdnPath = "/_cdn/"

// cdnService is who reads the objects then, as CloudFront's origin access
// control does: the bucket's policy has to allow it.
const cdnService = "cloudfront.amazonaws.com"

// CDN says whose signatures open the CloudFront-style path.
type CDN struct {
	BaseURL string   `json:"base_url"` // scheme and host as clients see them; empty: as the request has them
	Keys    []CDNKey `json:"keys"`     // none: there is no such path
}

// CDNKey is a public key, RSA of 2,048 bits or ECDSA on P-256, in PEM.
type CDNKey struct {
	ID   string `json:"id"`
	File string `json:"file"`
}

// newCDN reads the keys. Without any there is no CDN: nil.
func newCDN(config *Config, files files) (*cloudfront.Verifier, error) {
	if len(config.CDN.Keys) == 0 {
		return nil, nil
	}
	keys := map[string]crypto.PublicKey{}
	for i, k := range config.CDN.Keys {
		if _, twice := keys[k.ID]; k.ID == "" || twice {
			return nil, config.at(fmt.Sprintf("cdn.keys[%d]", i), errors.New("an id of its own is needed"))
		}
		where := fmt.Sprintf("cdn.keys[%d].file", i)
		text, err := files.read(config.path(k.File))
		if err != nil {
			return nil, config.at(where, err)
		}
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, config.at(where, fmt.Errorf("%s is not PEM", k.File))
		}
		if keys[k.ID], err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
			return nil, config.at(where, fmt.Errorf("%s: %w", k.File, err))
		}
	}
	return &cloudfront.Verifier{
		BaseURL: config.CDN.BaseURL, Now: config.now,
		Keys: func(id string) (crypto.PublicKey, bool) { key, ok := keys[id]; return key, ok },
	}, nil
}

// onCDN says whether a request is for the CloudFront-style path.
func (c *call) onCDN() bool {
	return len(c.pipe.config.CDN.Keys) > 0 && strings.HasPrefix(c.r.URL.Path, cdnPath)
}

// routeCDN allows reading alone. The parameters of the signature are not the
// operation's: CloudFront strips them too.
func (c *call) routeCDN() error {
	c.bucket, c.key, _ = strings.Cut(strings.TrimPrefix(c.r.URL.Path, cdnPath), "/")
	c.op = objectOperations[c.r.Method]
	if c.bucket == "" || c.key == "" || !c.reads() {
		c.w.Header().Set("Allow", "GET, HEAD")
		return refuse("MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
	clear(c.query)
	return nil
}

// verifyCDN verifies the signed URL or the cookies. The client is told nothing
// but that it may not.
func (s *signatures) verifyCDN(c *call) (caller, error) {
	grant, err := s.cdn.Verify(c.r)
	if err != nil {
		f := refuse("AccessDenied", "Access denied")
		f.cause = err
		c.gw.log.LogAttrs(c.r.Context(), slog.LevelInfo, "denied", slog.String("id", c.id), slog.String("why", err.Error()))
		return caller{}, f
	}
	return caller{Name: cdnService, principal: iampolicy.ServicePrincipal(cdnService), grant: grant}, nil
}
