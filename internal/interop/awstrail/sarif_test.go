// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"bytes"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // the module that carries the schema
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// sarifSchema compiles the schema of SARIF 2.1.0 (errata 01) that OASIS
// publishes, as a module of the Go proxy carries it in a string.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	require.NoError(t, err)
	name := filepath.Join(strings.TrimSpace(string(dir)), "pkg", "report", "v210", "sarif", "schema.go")
	file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
	require.NoError(t, err)
	text := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == gotoken.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && len(s) > len(text) {
				text = s
			}
		}
		return true
	})
	require.Contains(t, text, "docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("sarif.json", doc))
	schema, err := c.Compile("sarif.json")
	require.NoError(t, err)
	return schema
}

// TestSARIF is CT-52: the report of every trail is SARIF by the schema of OASIS,
// and the schema is one that refuses what is not.
func TestSARIF(t *testing.T) {
	schema := sarifSchema(t)
	check := func(data []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		require.NoError(t, err)
		return schema.Validate(doc)
	}
	cases := slices.Concat(testkit.GoodTrails(), testkit.TamperedTrails())
	var last []byte
	for _, tc := range cases {
		tree := cloudtrail.Directory{FS: tc.Make().FS()}
		keys, err := tree.Keys()
		require.NoError(t, err)
		buckets, err := tree.Buckets()
		require.NoError(t, err)
		v := cloudtrail.Validator{
			Source: tree, Keys: keys, Buckets: buckets, From: tc.From, To: tc.Until(), ExpectThrough: tc.Expect, Trail: tc.Trail,
		}
		if tc.Account != "" {
			v.Accounts = []string{tc.Account}
		}
		rep, err := v.Run(t.Context())
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, rep.WriteSARIF(&b))
		require.NoError(t, check(b.Bytes()), tc.Name)
		require.Equal(t, len(tc.Codes), bytes.Count(b.Bytes(), []byte(`"ruleId"`)), tc.Name)
		last = b.Bytes()
	}
	for _, change := range [][2]string{{`"2.1.0"`, `"2.1"`}, {`"level": "error"`, `"level": "fatal"`}, {`"text"`, `"txt"`}, {`"results": [`, `"results": [{},`}} {
		require.Contains(t, string(last), change[0])
		require.Error(t, check([]byte(strings.ReplaceAll(string(last), change[0], change[1]))), change)
	}
	testkit.Report(t, "interop", "awstrail/sarif", "go-sarif v3", len(cases))
}
