package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"testing"

	"github.com/availd/availd/orgrel"
)

func masterKey(t *testing.T) *MasterKey {
	t.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	block, err := aes.NewCipher(secret)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return &MasterKey{aead}
}

func TestThePasswordOfAnAddressSpaceLiesSealed(t *testing.T) {
	k := masterKey(t)
	r := &orgrel.OrganizationRelationship{ID: "1", Name: "Contoso", AccessMethod: orgrel.OrgWideFB, OrgWideUser: "lookup", OrgWidePassword: "canary"}
	b, err := EncodeRelationship(r, k)
	if err != nil || bytes.Contains(b, []byte("canary")) {
		t.Fatalf("%s %v", b, err)
	}
	back, err := DecodeRelationship(b, k)
	if err != nil || back.Name != r.Name || back.OrgWidePassword != r.OrgWidePassword {
		t.Errorf("%+v %v", back, err)
	}
	if _, err := DecodeRelationship(b, masterKey(t)); err == nil {
		t.Error("another master key opens it")
	}
	if plain, _ := json.Marshal(r); bytes.Contains(plain, []byte("canary")) {
		t.Errorf("%s", plain)
	}
}

func TestARelationshipFromBeforePasswordsIsRead(t *testing.T) {
	b, err := json.Marshal(&orgrel.OrganizationRelationship{ID: "1", Name: "Contoso"})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := DecodeRelationship(b, masterKey(t)); err != nil || r.Name != "Contoso" {
		t.Errorf("%+v %v", r, err)
	}
}
