package wssecurity_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/internal/wssecurity"
	"github.com/availd/availd/internal/xmlsec"
)

// received builds a message with a proof key and reads it as its receiver does.
func received(t *testing.T, messageID string, key []byte, now time.Time) (*soap.Envelope, *wssecurity.Header) {
	t.Helper()
	const token = `<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"></EncryptedData>`
	headers, err := wssecurity.ProofHeaders(wssecurity.ProofParams{To: "https://contoso.example/EWS/Exchange.asmx/wssecurity", Action: "a", MessageID: messageID,
		Token: []byte(token), ProofKey: key, AssertionID: "uuid-1", Algorithm: xmlsec.HMACSHA256, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	env, err := soap.Parse(soap.Append(nil, soap.V11, "", headers, nil), soap.V11, xmlsec.EnvelopeLimits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := wssecurity.Read(env, now, true)
	if err != nil {
		t.Fatal(fault.As(err))
	}
	return env, h
}

func TestTwoMessagesOfOneSecondAreNoReplays(t *testing.T) {
	key, now := bytes.Repeat([]byte{7}, 32), time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	env1, h1 := received(t, "urn:uuid:5d4c1b7e-0000-4000-8000-000000000001", key, now)
	env2, h2 := received(t, "urn:uuid:5d4c1b7e-0000-4000-8000-000000000002", key, now)
	for env, h := range map[*soap.Envelope]*wssecurity.Header{env1: h1, env2: h2} {
		if err := h.VerifyProof(env, key, "uuid-1", true); err != nil {
			t.Error(fault.As(err))
		}
	}
	first, _ := h1.ReplayKey(env1)
	second, _ := h2.ReplayKey(env2)
	if first == second {
		t.Error("the second message of a second is taken for a replay of the first")
	}
}
