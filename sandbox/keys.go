package sandbox

import (
	"time"
)

// saved is the answer that is kept under an idempotency key.
type saved struct {
	path    string // where the first request went
	hash    string // digest of its parameters
	status  int
	shows   object // the version that was answered, nil when body is the answer; versions never change, nor do its bytes
	body    []byte
	request string // Request-Id of the first request
	at      int64  // Unix seconds
}

// keys are the idempotency keys that are known: those of saved answers, and
// those whose first request is still running. The server's lock guards them.
type keys struct {
	ttl     int64 // seconds
	done    map[string]*saved
	running map[string]struct{}
	ages    []aged // done's keys in the order they were saved; those before gone are gone
	gone    int
}

type aged struct {
	key string
	at  int64
}

func newKeys(ttl time.Duration) keys {
	return keys{ttl: max(int64(ttl/time.Second), 1), done: map[string]*saved{}, running: map[string]struct{}{}}
}

// claim takes the key for a request, unless it is known. Exactly one of the
// results is set, or none: then the request owns the key until save or release.
func (k *keys) claim(key, path, hash string, now int64) (*saved, *apiError) {
	if _, busy := k.running[key]; busy {
		return nil, &apiError{409, typeInvalid, "idempotency_key_in_use",
			"There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): " + key +
				". Please try again later.", ""}
	}
	if s := k.done[key]; s != nil && now-s.at < k.ttl {
		switch {
		case s.path != path:
			return nil, &apiError{400, typeIdempotency, "",
				"Keys for idempotent requests can only be used for the same endpoint they were first used for ('" + short(path) + "' vs '" + short(s.path) +
					"'). Try using a key other than '" + key + "' if you meant to execute a different request.", ""}
		case s.hash != hash:
			return nil, &apiError{400, typeIdempotency, "",
				"Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '" + key +
					"' if you meant to execute a different request.", ""}
		}
		return s, nil
	}
	k.running[key] = struct{}{}
	return nil, nil
}

// release gives a claimed key back: nothing was executed.
func (k *keys) release(key string) { delete(k.running, key) }

// save keeps an answer and drops the answers that are too old.
func (k *keys) save(key string, s *saved) {
	delete(k.running, key)
	k.done[key] = s
	k.ages = append(k.ages, aged{key, s.at})
	for ; k.gone < len(k.ages) && s.at-k.ages[k.gone].at >= k.ttl; k.gone++ {
		// A key that expired and was used anew has a younger answer: that stays.
		if old := k.ages[k.gone]; k.done[old.key] != nil && k.done[old.key].at == old.at {
			delete(k.done, old.key)
		}
	}
	if k.gone > 1024 && k.gone > len(k.ages)/2 {
		k.ages = append([]aged(nil), k.ages[k.gone:]...)
		k.gone = 0
	}
}
