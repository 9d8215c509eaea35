// SPDX-License-Identifier: Apache-2.0

package cloudfront_test

import "testing/fstest"

// files is a small site with one folder that is granted and a file that is not.
var files = fstest.MapFS{
	"pub/a.txt":  {Data: []byte("public\n")},
	"secret.txt": {Data: []byte("secret\n")},
}
