// SPDX-License-Identifier: Apache-2.0

//go:build !race

package strictjson_test

import (
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

func TestASecondDocumentAllocatesNothing(t *testing.T) {
	data, s := policy(), new(strictjson.Scanner)
	testkit.AllocsAtMost(t, 0, func() {
		s.Reset(data, strictjson.Limits{})
		for kind := strictjson.Invalid; kind != strictjson.End; {
			var err error
			if kind, err = s.Next(); err != nil {
				t.Fatal(err)
			}
			s.Text()
		}
	})
}

func TestASecondStreamAllocatesNothing(t *testing.T) {
	text, s := `{"Records":[`+record+","+record+"]}", new(strictjson.Scanner)
	var r strings.Reader
	testkit.AllocsAtMost(t, 0, func() {
		r.Reset(text)
		s.ResetReader(&r, strictjson.Limits{})
		if records(t, s) != 2 {
			t.Fatal("records are missing")
		}
	})
}
