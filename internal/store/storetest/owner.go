package storetest

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/store"
)

var ownerTests = []test{
	{"automatic replies are kept, found with the recipient, and go with the mailbox", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		tom := person(t, s, "tom@contoso.example", "Tom", "t@contoso.example")
		if o, err := s.OofSettings(t.Context(), tom.Address); err != nil || o.State != directory.OofDisabled || o.Active(Today()) {
			t.Errorf("never set: %+v %v", o, err)
		}
		if r := recipients(t, s, "", "tom@contoso.example")[0]; r.Oof != nil {
			t.Errorf("never set: %+v", r.Oof)
		}
		want := &directory.OofSettings{State: directory.OofScheduled, ExternalAudience: directory.AudienceKnown, Start: Today(), End: Today().AddDate(0, 0, 7),
			InternalReply: directory.OofReply{Message: "<b>Fort</b>\r\n😀", Lang: "de"}, ExternalReply: directory.OofReply{Message: "Away"}}
		if err := s.PutOofSettings(t.Context(), address("t@contoso.example"), want); err != nil {
			t.Fatal(err)
		}
		if o, err := s.OofSettings(t.Context(), tom.Address); err != nil || !reflect.DeepEqual(o, want) {
			t.Errorf("%+v %v", o, err)
		}
		if r := recipients(t, s, "", "t@contoso.example")[0]; !reflect.DeepEqual(r.Oof, want) {
			t.Errorf("of the recipient: %+v", r.Oof)
		}
		if err := s.DeleteMailbox(t.Context(), tom.Address); err != nil {
			t.Fatal(err)
		}
		if err := s.PutOofSettings(t.Context(), tom.Address, want); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("put for nobody: %v", err)
		}
		if _, err := s.OofSettings(t.Context(), tom.Address); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
		person(t, s, "tom@contoso.example", "Tom")
		if o, err := s.OofSettings(t.Context(), tom.Address); err != nil || o.State != directory.OofDisabled {
			t.Errorf("the namesake inherits %+v %v", o, err)
		}
	}},
	{"a photo is kept byte for byte, removed, and goes with the mailbox", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		tom := person(t, s, "tom@contoso.example", "Tom", "t@contoso.example")
		if p, err := s.Photo(t.Context(), tom.Address); err != nil || p != nil {
			t.Errorf("without a photo: %+v %v", p, err)
		}
		want := &directory.Photo{Data: bytes.Repeat([]byte{0xFF, 0xD8, 0, '\'', 0x80, '\n'}, 1e5), WhenChanged: Today()}
		put := func(p *directory.Photo) {
			t.Helper()
			if err := s.PutPhoto(t.Context(), address("t@contoso.example"), p); err != nil {
				t.Fatal(err)
			}
		}
		put(&directory.Photo{Data: []byte("another"), WhenChanged: Today().AddDate(0, 0, -1)})
		put(want)
		if p, err := s.Photo(t.Context(), address("t@contoso.example")); err != nil || !reflect.DeepEqual(p, want) {
			t.Errorf("%v", err)
		}
		put(nil)
		if p, err := s.Photo(t.Context(), tom.Address); err != nil || p != nil {
			t.Errorf("removed: %+v %v", p, err)
		}
		put(want)
		if err := s.DeleteMailbox(t.Context(), tom.Address); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Photo(t.Context(), tom.Address); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
		if err := s.PutPhoto(t.Context(), tom.Address, want); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("put for nobody: %v", err)
		}
		person(t, s, "tom@contoso.example", "Tom")
		if p, err := s.Photo(t.Context(), tom.Address); err != nil || p != nil {
			t.Errorf("the namesake inherits a photo: %v", err)
		}
	}},
	{"changes of replies and photos are written down by their transaction", func(t *testing.T, open Opener) {
		s := node(t, open, 0)
		person(t, s, "tom@contoso.example", "Tom")
		ctx := store.WithAudit(t.Context(), store.AuditEntry{When: Today(), Who: "root", Verb: "x"})
		for _, err := range []error{s.PutOofSettings(ctx, address("tom@contoso.example"), &directory.OofSettings{}), s.PutPhoto(ctx, address("tom@contoso.example"), nil)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := s.PutPhoto(ctx, address("nobody@contoso.example"), nil); err == nil {
			t.Error("nobody has a photo")
		}
		if log, err := s.AuditLog(t.Context(), 10); err != nil || len(log) != 2 {
			t.Errorf("%+v %v", log, err)
		}
	}},
}
