// SPDX-License-Identifier: Apache-2.0

// Package miniopolicy measures package iampolicy against the policy engine of
// minio/pkg. It is a module of its own, which nothing imports, because
// minio/pkg is licensed under the AGPL: no other go.mod lists it.
package miniopolicy
