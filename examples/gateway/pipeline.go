// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"net"
	"net/http"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
	"github.com/sallyport-go/sallyport/netfilter"
)

// This file is the whole gateway on one page. A connection passes the gate; a
// request on it then passes every door of ServeHTTP in order, and the first
// that refuses answers. Five of the steps are the packages', each behind an
// interface of its own:
//
//	netfilter   gate          may this connection be?
//	sigv4       verifier      who asks, and is the signature good?
//	iampolicy   decider       may they do it?
//	envelope    store.Cipher  the body, encrypted on its way to the disk and back
//	cloudtrail  recorder      what was asked, before it has any effect, and what came of it
type pipeline struct {
	config   *Config
	gate     gate
	verifier verifier
	decider  decider
	cipher   store.Cipher
	recorder recorder

	certificate *tls.Certificate // of new connections; nil: they are plain
}

// A pipeline is immutable and made of one configuration: a new configuration
// makes a new one, and every request ends in the one that it began in.
type (
	gate interface {
		admits(netfilter.Packet) bool
	}
	verifier interface {
		verify(*call) (caller, error) // nobody signed: the zero caller
	}
	decider interface {
		decide(c *call, action, resource string, name store.Name) error
	}
	recorder interface {
		enter(*call) error // before the call has any effect
		leave(*call) error // with its outcome, before a byte of the answer
	}
)

// Accept returns the next connection that the gate admits.
func (l guardedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if packet, err := firstPacket(c); err == nil && l.gateway.pipeline().gate.admits(packet) {
			return c, nil
		}
		reset(c)
	}
}

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := g.begin(w, r)
	defer g.end(c)
	for _, door := range []func(*call) error{
		g.admit,        // is there room for another request?
		g.route,        // which operation, bucket and key is it?
		g.authenticate, // verifier
		g.authorize,    // decider
		g.enter,        // recorder; it leaves as the answer begins
		g.operate,      // what S3 does; the store works through the cipher
	} {
		if err := door(c); err != nil {
			c.writeFault(asFault(err))
			return
		}
	}
}

func (g *Gateway) authenticate(c *call) (err error) {
	if !c.op.public {
		c.caller, err = c.pipe.verifier.verify(c)
	}
	return err
}

func (g *Gateway) authorize(c *call) error {
	err := c.checkOwner()
	if err == nil && c.op.Action != "" { // without an action: the operation decides, by what its document says
		err = c.pipe.decider.decide(c, c.op.Action, c.resource(), c.name())
	}
	if err == nil && c.caller.anonymous() {
		err = checkUnsigned(c.r)
	}
	return err
}

func (g *Gateway) enter(c *call) error { return c.pipe.recorder.enter(c) }

func (g *Gateway) operate(c *call) error { return c.op.handle(c) }
