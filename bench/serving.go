package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A serving is the server in a process of its own, as it is seen from here.
type serving struct {
	base string
	stop func()
}

// startServer starts a server that takes so long for each answer, and lists so
// many records.
func startServer(latency time.Duration, listed int) (*serving, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-latency", latency.String(), "-listed", strconv.Itoa(listed), "serve")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() { cmd.Process.Kill(); cmd.Wait() }
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return nil, err
	}
	return &serving{strings.TrimSpace(line), stop}, nil
}

// tally is what the server saw since it was last asked; of no server, nothing.
func (s *serving) tally() (seen tally, err error) {
	if s == nil {
		return seen, nil
	}
	answer, err := http.Get(s.base + "/tally")
	if err != nil {
		return seen, err
	}
	defer answer.Body.Close()
	return seen, json.NewDecoder(answer.Body).Decode(&seen)
}
