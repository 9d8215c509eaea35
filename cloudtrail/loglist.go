// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"iter"
)

// logList is the log files of an accepted digest, kept until their turn: of
// each what its bucket and key do not share with the one before, and its hash,
// together about 60 bytes where a LogFile takes six times that. A year of a
// busy trail lists hundreds of thousands.
type logList []byte

func newLogList(logs []LogFile) logList {
	var l logList
	last := ""
	for i := range logs {
		bucket, hash := logs[i].Bucket, logs[i].Hash
		name := bucket + logs[i].Object
		same := 0
		for same < len(name) && same < len(last) && name[same] == last[same] {
			same++
		}
		l = binary.AppendUvarint(l, uint64(len(bucket)))
		l = binary.AppendUvarint(l, uint64(same))
		l = appendText(l, name[same:])
		// The hash is kept as 32 bytes when they write themselves as it stands.
		sum, err := hex.DecodeString(hash)
		if err == nil && len(sum) == sha256.Size && hex.EncodeToString(sum) == hash {
			l = append(append(l, 1), sum...)
		} else {
			l = appendText(append(l, 0), hash)
		}
		last = name
	}
	return append(logList(nil), l...)
}

func appendText(l logList, text string) logList {
	return append(binary.AppendUvarint(l, uint64(len(text))), text...)
}

// all yields where each file lies and the hash it has to have.
func (l logList) all() iter.Seq2[location, string] {
	return func(yield func(location, string) bool) {
		rest := []byte(l)
		take := func(n int) []byte {
			b := rest[:n]
			rest = rest[n:]
			return b
		}
		length := func() int {
			n, size := binary.Uvarint(rest)
			rest = rest[size:]
			return int(n)
		}
		var name []byte
		for len(rest) > 0 {
			bucket := length()
			name = name[:length()]
			name = append(name, take(length())...)
			hash := ""
			if take(1)[0] == 1 {
				hash = hex.EncodeToString(take(sha256.Size))
			} else {
				hash = string(take(length()))
			}
			if !yield(location{string(name[:bucket]), string(name[bucket:])}, hash) {
				return
			}
		}
	}
}
