package expression

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJSON(t *testing.T) {
	s := NewScope([]Name{{Name: "meta", Kind: Text}}, nil, nil)
	const meta = `{"order":"A-1","n":12345678901234567890.10,"ok":true,"none":null,"buyer":{"ids":["x","y"],"a.b":"dot","e]":"odd"},"list":[[1,2]]}`
	for src, want := range map[string]string{
		`json(meta, "order")`:             "A-1",
		`json(meta, "n")`:                 "12345678901234567890.10", // never a float
		`json(meta, "ok")`:                "true",
		`json(meta, "none")`:              "",
		`json(meta, "missing")`:           "",
		`json(meta, "missing.deeper[3]")`: "",
		`json(meta, "order.x")`:           "",
		`json(meta, "buyer.ids[1]")`:      "y",
		`json(meta, "buyer.ids[2]")`:      "",
		`json(meta, "buyer.ids.x")`:       "",
		`json(meta, "buyer[0]")`:          "",
		`json(meta, 'buyer["a.b"]')`:      "dot",
		`json(meta, 'buyer["e]"]')`:       "odd",
		`json(meta, "list[0][1]")`:        "2",
		`json("", "order")`:               "",
		`json(meta, "buyer")`:             "! is an object, not one value",
		`json(meta, "list[0]")`:           "! is a list, not one value",
		`json("{'a': 1}", "a")`:           "! is not valid JSON",
		`json("{} {}", "a")`:              "! is JSON with something behind it",
	} {
		p, err := s.Compile(src)
		if err != nil {
			if !strings.HasPrefix(want, "!") || !strings.Contains(err.Error(), want[2:]) {
				t.Errorf("%s: %v", src, err)
			}
			continue
		}
		f := s.NewFrame()
		f.Set(0, TextOf(meta))
		got, err := p.Eval(f)
		switch {
		case err != nil:
			if !strings.HasPrefix(want, "!") || !strings.Contains(err.Error(), want[2:]) {
				t.Errorf("%s: %v, want %s", src, err, want)
			}
		case got.Text() != want:
			t.Errorf("%s: got %q, want %q", src, got.Text(), want)
		}
	}
	for src, want := range map[string]string{
		`json(meta, meta)`:     "must be a constant",
		`json(meta, "")`:       "", // an empty text is no constant path
		`json(meta, "a.")`:     "ends with a dot",
		`json(meta, "a[0].")`:  "ends with a dot",
		`json(meta, "a..b")`:   "has an empty key",
		`json(meta, "a[x]")`:   "neither a number from 0 nor a key in quotes",
		`json(meta, "a[-1]")`:  "neither a number from 0",
		`json(meta, "a[0")`:    "has a [ without its ]",
		`json(meta, 'a["x"')`:  "has a [ without its ]",
		`json(1, "a")`:         "argument 1 of json(s, path) is number",
		`json(meta, "a", "b")`: "takes no argument 3",
	} {
		if _, err := s.Compile(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", src, err, want)
		}
	}
}

// Whatever the text and the path, there is a value or an error, and a value
// that was put in comes out.
func FuzzJSON(f *testing.F) {
	f.Add(`{"a":[1,{"b c":"x"}]}`, `a[1]["b c"]`)
	f.Add(strings.Repeat("[", 20000), "a")
	f.Add(`{"a":1e999}`, "a")
	f.Fuzz(func(t *testing.T, text, path string) {
		if steps, err := jsonPath(path); err == nil {
			_, _ = jsonValue(text, steps)
		}
		b, err := json.Marshal(map[string]string{"k": text})
		if err != nil {
			return
		}
		var back map[string]string
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if got, err := jsonValue(string(b), []jsonStep{{"k", -1}}); err != nil || got != back["k"] {
			t.Errorf("got %q %v, want %q", got, err, back["k"])
		}
	})
}
