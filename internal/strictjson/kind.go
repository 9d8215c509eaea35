// SPDX-License-Identifier: Apache-2.0

package strictjson

// Kind is the kind of a token.
type Kind uint8

const (
	Invalid     Kind = iota // no token yet, or an error
	ObjectOpen              // {
	ObjectClose             // }
	ArrayOpen               // [
	ArrayClose              // ]
	Name                    // the name of a member; the colon is checked with the token after it
	String
	Number
	True
	False
	Null
	End // the document is over and only white space follows
)

// String returns the kind in words for messages.
func (k Kind) String() string {
	names := [...]string{"nothing", "an object", "the end of an object", "an array", "the end of an array", "a member name", "a string", "a number", "true", "false", "null", "the end"}
	if int(k) < len(names) {
		return names[k]
	}
	return names[Invalid]
}
