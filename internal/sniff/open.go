package sniff

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// beginningSize is how much of a text is looked at to find how it is written.
const beginningSize = 1 << 20

// beginning is the start of a text inside its containers, the outermost
// container's name, and whether it is the whole text. The table package has
// opened the file before: archives that it refuses do not come here.
func beginning(name string) (head []byte, container string, whole bool, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, "", false, err
	}
	defer file.Close()
	var src io.Reader = file
	for depth := 0; depth < 4; depth++ {
		br := bufio.NewReader(src)
		what, inner, err := unpack(br, file, depth)
		if err != nil {
			return nil, container, false, err
		}
		if container == "" {
			container = what
		}
		src = inner
		if what == "" {
			break
		}
		if c, ok := inner.(io.Closer); ok {
			defer c.Close()
		}
	}
	head, err = io.ReadAll(io.LimitReader(src, beginningSize+1))
	if err != nil && len(head) == 0 {
		return nil, container, false, err
	}
	// A container that breaks off later on is reported by the pass over the rows.
	if len(head) > beginningSize {
		return head[:beginningSize], container, false, nil
	}
	return head, container, err == nil, nil
}

// unpack looks into one container. what is empty when br is none.
func unpack(br *bufio.Reader, file *os.File, depth int) (what string, inner io.Reader, err error) {
	magic, _ := br.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(br)
		return "gzip", z, err
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return "", nil, err
		}
		return "zstd", z.IOReadCloser(), nil
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")) && depth == 0:
		info, err := file.Stat()
		if err != nil {
			return "", nil, err
		}
		z, err := zip.NewReader(file, info.Size())
		if err != nil {
			return "", nil, err
		}
		for _, e := range z.File {
			if !strings.HasSuffix(e.Name, "/") && !strings.HasPrefix(e.Name, "__MACOSX/") && path.Base(e.Name) != ".DS_Store" {
				inner, err := e.Open()
				return "zip", inner, err
			}
		}
	}
	return "", br, nil
}

// sheetNames lists a workbook's sheets, hidden ones marked, and names the
// container of a workbook that is packed once more; its sheets stay unknown.
func sheetNames(name string) (container string, names []string) {
	file, err := os.Open(name)
	if err != nil {
		return "", nil
	}
	defer file.Close()
	if what, _, err := unpack(bufio.NewReader(file), file, 1); what != "" || err != nil {
		return what, nil
	}
	info, err := file.Stat()
	if err != nil {
		return "", nil
	}
	z, err := zip.NewReader(file, info.Size())
	if err != nil {
		return "", nil
	}
	part, err := z.Open("xl/workbook.xml")
	if err != nil {
		return "", nil
	}
	defer part.Close()
	d := xml.NewDecoder(io.LimitReader(part, 1<<20))
	for {
		t, err := d.Token()
		if err != nil {
			return "", names
		}
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "sheet" {
			names = append(names, sheetName(e))
		}
	}
}

func sheetName(e xml.StartElement) string {
	var name, state string
	for _, a := range e.Attr {
		switch a.Name.Local {
		case "name":
			name = a.Value
		case "state":
			state = a.Value
		}
	}
	if state != "" && state != "visible" {
		name += " (hidden)"
	}
	return name
}
