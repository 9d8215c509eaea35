// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// demoGroup is a security group as `aws ec2 describe-security-groups` prints
// it: one range may connect to every port.
func demoGroup(from string) []byte {
	return []byte(`{"SecurityGroups": [{"GroupId": "sg-0demo", "GroupName": "gateway", "OwnerId": "123456789012", "VpcId": "vpc-0demo",
		"IpPermissions": [{"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "` + from + `"}]}],
		"IpPermissionsEgress": []}]}`)
}

// firewallSteps are about the security group in front.
var firewallSteps = []step{
	{"the security group closes: new connections end", func(ctx context.Context, t *theater) (string, error) {
		path := filepath.Join(t.dir, "group.json")
		old := &http.Client{Transport: &http.Transport{}} // with a connection of its own
		defer old.CloseIdleConnections()
		if _, err := status(ctx, old, t.server.url()); err != nil {
			return "", err
		}
		err := os.WriteFile(path, demoGroup("203.0.113.0/24"), 0o600)
		if _, errReload := t.server.gateway.reload(ctx, false); err != nil || errReload != nil {
			return "", errors.Join(err, errReload)
		}
		defer func() {
			_ = os.WriteFile(path, demoGroup("127.0.0.0/8"), 0o600)
			_, _ = t.server.gateway.reload(ctx, false)
		}()
		fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if code, err := status(ctx, fresh, t.server.url()); err == nil {
			return "", fmt.Errorf("a new connection was answered with %d", code)
		}
		code, err := status(ctx, old, t.server.url())
		return "reset; the one that was there stays", errors.Join(err, expect("the status on it", code, http.StatusForbidden))
	}},
	{"and opens again", func(ctx context.Context, t *theater) (string, error) {
		fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		code, err := status(ctx, fresh, t.server.url())
		return "a new connection is answered", errors.Join(err, expect("the status", code, http.StatusForbidden))
	}},
}

func status(ctx context.Context, c *http.Client, url string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body) // to its end, so that the connection may be used again
	return resp.StatusCode, errors.Join(err, resp.Body.Close())
}
