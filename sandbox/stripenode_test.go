package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The guide's story, told by the official client of npm. It runs where node
// and the package are: npm install -g stripe, or NODE_PATH says where.
func TestOfficialNodeClient(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	modules := os.Getenv("NODE_PATH")
	if npm, err := exec.LookPath("npm"); modules == "" && err == nil {
		out, err := exec.Command(npm, "root", "-g").Output()
		if err != nil {
			t.Skipf("npm does not say where packages are: %v", err)
		}
		modules = strings.TrimSpace(string(out))
	}
	run := func(args ...string) ([]byte, error) {
		c := exec.CommandContext(t.Context(), node, args...)
		c.Env = append(os.Environ(), "NODE_PATH="+modules)
		return c.CombinedOutput()
	}
	if _, err := run("-e", "require('stripe')"); err != nil {
		t.Skip("the npm package stripe is not installed: npm install -g stripe")
	}
	s := newSandbox(t, Options{})
	base, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out, err := run(filepath.Join("testdata", "node", "story.js"), base)
	if err != nil {
		t.Fatalf("%v: %s; the sandbox saw %+v", err, out, s.Requests())
	}
	// What the client says has to be what there is.
	if got := s.Totals(); got.Records != 2 || got.Attempts != 3 || got.Refunds != 2 || got.RecordSums["usd"].Refunded != 1000 || got.RecordSums["eur"].Canceled != 500 {
		t.Errorf("got %+v", got)
	}
	t.Logf("%s", out)
}
