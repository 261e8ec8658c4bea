package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/internal/journal"
	"github.com/payrec/payrec/internal/stripeapi"
	"github.com/payrec/payrec/sandbox"
)

// Where things are kept when nobody says otherwise.
const (
	defaultSandbox = "payrec-sandbox.state"
	defaultJournal = "payrec.journal"
	defaultOut     = "payrec-out"
	// defaultRate stays below the 25 requests a second that an endpoint takes
	// by default. Source: docs.stripe.com/rate-limits.
	defaultRate = 20
)

// targetFlags say which account a command works on.
type targetFlags struct {
	sandbox  string
	apiBase  string
	keyFile  string
	live     bool
	account  string
	stripeID string
	journal  string
}

func (f *targetFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.sandbox, "sandbox", "", "work on the built-in sandbox; its state is kept in `FILE`")
	flags.Lookup("sandbox").NoOptDefVal = defaultSandbox
	flags.StringVar(&f.apiBase, "api-base", "", "the API's `URL`: https://api.stripe.com, or a loopback address")
	flags.StringVar(&f.keyFile, "api-key-file", "", "read the API key from `FILE`, - for standard input (else STRIPE_API_KEY)")
	flags.BoolVar(&f.live, "live", false, "allow a live key")
	flags.StringVar(&f.account, "account", "", "your `NAME` for the account; a journal belongs to one (default \"default\")")
	flags.StringVar(&f.stripeID, "stripe-account", "", "act on behalf of the connected account `ACCT`")
	flags.StringVar(&f.journal, "journal", "", "the journal `FILE` (default "+defaultJournal+", or beside the sandbox's state)")
}

// A target is an account that a command works on.
type target struct {
	client   *stripeapi.Client
	identity journal.Identity
	journal  string // path
	name     string // for people
	live     bool
	local    bool // on this machine: no rate to keep unless asked for
	close    func() error
}

// open finds the account that the flags, the environment and the configuration
// name, in that order.
func (a *app) open(ctx context.Context, f *targetFlags, conns int) (*target, error) {
	if f.sandbox != "" {
		if f.apiBase != "" || f.live || f.keyFile != "" {
			return nil, usage("leave one of them out", "--sandbox is an account of its own and goes with none of --api-base, --api-key-file and --live")
		}
		return a.openSandbox(f, conns)
	}
	base, err := stripeapi.ParseBase(first(f.apiBase, a.getenv("PAYREC_API_BASE"), a.cfg.APIBase))
	if err != nil {
		return nil, &failure{exitUsage, err, ""}
	}
	key, err := a.key(f)
	if err != nil {
		return nil, err
	}
	if key.Livemode() && !f.live {
		return nil, usage("say --live if real reports are meant, or try it with --sandbox", "the API key is a live key")
	}
	var once sync.Once
	client, err := stripeapi.New(stripeapi.Config{Base: base, Key: key, Account: f.stripeID, MaxConns: conns, UserAgent: "payrec/" + version(),
		Unreached: func(err error) {
			once.Do(func() {
				fmt.Fprintln(a.stderr, "payrec:", clean(fmt.Sprintf("the API cannot be read so far, and is asked for about a minute: %v", err)))
			})
		}})
	if err != nil {
		return nil, &failure{exitUsage, err, ""}
	}
	endpoint := "api.stripe.com"
	if base.Loopback() {
		// The port of a server on this machine may change from day to day.
		endpoint = "loopback"
	}
	id, err := client.AccountID(ctx)
	if err != nil {
		client.Close()
		return nil, &failure{exitFailed, err, "check the key, its account and its mode"}
	}
	account := first(f.account, a.getenv("PAYREC_ACCOUNT"), a.cfg.Account, "default")
	if f.stripeID != "" {
		account += "/" + f.stripeID
	}
	return &target{
		client:   client,
		identity: journal.Identity{Account: account, Livemode: key.Livemode(), Endpoint: endpoint, AccountID: id},
		journal:  first(f.journal, a.getenv("PAYREC_JOURNAL"), a.cfg.Journal, defaultJournal),
		name:     fmt.Sprintf("%s (%s, %s)", base, mode(key.Livemode()), account),
		live:     key.Livemode(),
		local:    base.Loopback(),
		close:    func() error { client.Close(); return nil },
	}, nil
}

func mode(live bool) string {
	if live {
		return "live"
	}
	return "test mode"
}

// openSandbox serves the sandbox to ourselves over a loopback port: the whole
// path to an account is used, only the account is ours.
func (a *app) openSandbox(f *targetFlags, conns int) (*target, error) {
	server, err := sandbox.New(sandbox.Options{State: f.sandbox, Clock: a.clock})
	if err != nil {
		return nil, err
	}
	for _, note := range server.Notes() {
		fmt.Fprintln(a.stderr, "payrec:", clean(note))
	}
	url, err := server.Listen("127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	base, err := stripeapi.ParseBase(url)
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	key, err := stripeapi.ParseKey("sk_test_sandbox")
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	client, err := stripeapi.New(stripeapi.Config{Base: base, Key: key, MaxConns: conns})
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return &target{
		client:   client,
		identity: journal.Identity{Account: server.ID(), Endpoint: "sandbox:" + server.ID()},
		journal:  first(f.journal, a.getenv("PAYREC_JOURNAL"), f.sandbox+".journal"),
		name:     "the sandbox in " + f.sandbox,
		local:    true,
		close:    func() error { client.Close(); return server.Close() },
	}, nil
}

// key reads the API key from where it may come from.
func (a *app) key(f *targetFlags) (stripeapi.Key, error) {
	var text string
	switch file := first(f.keyFile, a.cfg.APIKeyFile); {
	case file == "-":
		b, err := io.ReadAll(io.LimitReader(a.stdin, 4096))
		if err != nil {
			return stripeapi.Key{}, err
		}
		text = string(b)
	case f.keyFile == "" && a.getenv("STRIPE_API_KEY") != "":
		text = a.getenv("STRIPE_API_KEY")
	case file != "":
		b, err := readKeyFile(file)
		if err != nil {
			return stripeapi.Key{}, &failure{exitUsage, err, ""}
		}
		text = string(b)
	default:
		return stripeapi.Key{}, usage("set STRIPE_API_KEY, or try it without an account: add --sandbox", "there is no API key")
	}
	key, err := stripeapi.ParseKey(text)
	if err != nil {
		return key, &failure{exitUsage, err, ""}
	}
	return key, nil
}

// readKeyFile refuses a key that every user of the machine can read.
func readKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 && !isDevice(info.Mode()) && os.PathSeparator == '/' {
		return nil, fmt.Errorf("%s can be read by others (mode %04o); run chmod 600 %s", path, info.Mode().Perm(), path)
	}
	return os.ReadFile(path)
}

func isDevice(m fs.FileMode) bool { return m&(fs.ModeNamedPipe|fs.ModeDevice|fs.ModeCharDevice) != 0 }

// first is the first of the texts that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			return t
		}
	}
	return ""
}
