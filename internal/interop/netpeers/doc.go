// SPDX-License-Identifier: Apache-2.0

// Package netpeers compares netfilter with its neighbours: the values of
// aws-sdk-go-v2, whose JSON it reads, and bart, whose lookup of one prefix is
// the reference point for the speed of a whole decision.
package netpeers
