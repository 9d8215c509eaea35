// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"errors"
	"fmt"
)

// The contracts of this package, for errors.Is.
var (
	// ErrSnapshot: a document has a member of the wrong type, or describes an
	// object differently than another. The data is in a *SnapshotError.
	ErrSnapshot = errors.New("vpc: invalid snapshot")
	// ErrQuery: a question names an interface that does not exist, or lacks an
	// address.
	ErrQuery = errors.New("vpc: invalid question")
)

// SnapshotError says where a document cannot be used. Faults of JSON itself are
// *netfilter.DocumentError.
type SnapshotError struct {
	// File is the document's name, Path the member, such as "Vpcs[0].VpcId".
	File, Path string
	// Offset counts bytes from 0; Line and Column count from 1, columns in bytes.
	Offset       int64
	Line, Column int
	// Why says what is wrong there.
	Why string
}

// Error says where and why.
func (e *SnapshotError) Error() string {
	return fmt.Sprintf("vpc: %s: line %d column %d: %s: %s", e.File, e.Line, e.Column, e.Path, e.Why)
}

// Hint says what to change.
func (e *SnapshotError) Hint() string {
	return "write the file again with aws ec2 describe-… --output json"
}

// Is reports whether target is ErrSnapshot.
func (e *SnapshotError) Is(target error) bool { return target == ErrSnapshot }
