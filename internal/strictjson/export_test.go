// SPDX-License-Identifier: Apache-2.0

package strictjson

// Window returns the size of the buffer of a scanner over a reader.
func Window(s *Scanner) int { return cap(s.data) }
