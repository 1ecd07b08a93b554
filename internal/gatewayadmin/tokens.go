package gatewayadmin

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/listen"
)

const minToken = 20 // characters

// Tokens are the bearer tokens of the API, in a file of mode 0600 with a name and a token on each line. The file is read
// at each request: a line that is gone ends its token at once.
type Tokens struct{ path string }

// NewTokens checks the file once.
func NewTokens(path string) (*Tokens, error) {
	t := &Tokens{path}
	list, err := t.read()
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%s holds no token", path)
	}
	return t, err
}

type namedToken struct {
	name string
	sum  [32]byte
}

func (t *Tokens) read() ([]namedToken, error) {
	if err := listen.CheckKeyFile(t.path); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(t.path)
	if err != nil {
		return nil, err
	}
	var out []namedToken
	for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) != 2 || len(f[1]) < minToken {
			return nil, fmt.Errorf("%s: a line is a name and a token of at least %d characters", t.path, minToken)
		}
		out = append(out, namedToken{f[0], sha256.Sum256([]byte(f[1]))})
	}
	return out, nil
}

// Caller names who sent the request.
func (t *Tokens) Caller(r *http.Request) (string, error) {
	list, err := t.read()
	if err != nil {
		return "nobody", fault.Because(fault.Internal, err)
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(given))
	who := ""
	for _, n := range list {
		if subtle.ConstantTimeCompare(n.sum[:], sum[:]) == 1 {
			who = n.name
		}
	}
	if !ok || who == "" {
		return "nobody", fault.New(fault.Unauthorized, "a bearer token of the token file is needed")
	}
	return "api " + who, nil
}
