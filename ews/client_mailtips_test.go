package ews_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/ews"
	"github.com/availd/availd/internal/soap"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// recipientsAt serves the operations about recipients as in a golden story, and returns the client of who it is.
func recipientsAt(t *testing.T, story string) (*ews.Client, orgrel.Requester) {
	t.Helper()
	h := ews.NewHandler(ews.Options{Recipients: recipients(t, story), Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return requester(story), nil }})
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &ews.Client{URL: s.URL, HTTP: s.Client()}, requester(story)
}

func someone(list ...string) (out []directory.Addressee) {
	for _, a := range list {
		out = append(out, directory.Addressee{Raw: a, Address: smtpaddr.MustAddress(a)})
	}
	return out
}

func TestClientReadsTheMailTipsThatTheServerHas(t *testing.T) {
	for _, story := range []string{"own", "partner-all", "partner-limited", "partner-scoped"} {
		c, who := recipientsAt(t, story)
		q := directory.MailTipsQuery{Requester: who, Requested: directory.AllMailTips,
			Recipients: someone("tom@contoso.example", "lea@contoso.example", "staff@contoso.example", "everybody@contoso.example", "nobody@contoso.example", "x@elsewhere.example")}
		got, err := c.GetMailTips(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		want, err := recipients(t, story).MailTips(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		want[1].Tips.MaxMessageSize = min(want[1].Tips.MaxMessageSize, 1<<31-1) // xs:int
		for i := range want {
			if !reflect.DeepEqual(got[i].Tips, want[i].Tips) || ews.ResponseCode(got[i].Err) != ews.ResponseCode(want[i].Err) {
				t.Errorf("%s, %s:\n got %+v\nwant %+v", story, q.Recipients[i].Raw, got[i], want[i])
			}
		}
	}
	c, who := recipientsAt(t, "partner-disabled")
	_, err := c.GetMailTips(t.Context(), directory.MailTipsQuery{Requester: who, Requested: directory.AllMailTips, Recipients: someone("tom@contoso.example")})
	if e, ok := errors.AsType[*ews.Error](err); !ok || e.ResponseCode != "ErrorMailTipsDisabled" {
		t.Errorf("disabled: %v", err)
	}
	_, err = c.GetMailTips(t.Context(), directory.MailTipsQuery{Requester: who, Recipients: make([]directory.Addressee, 51)})
	if e, ok := errors.AsType[*ews.Error](err); !ok || e.ResponseCode != "ErrorInvalidRequest" {
		t.Errorf("51 recipients: %v", err)
	}
}

func TestSendingAsGivesNobodysRights(t *testing.T) {
	c, _ := recipientsAt(t, "partner-all") // tom takes messages from his colleague only
	sender := orgrel.Requester{Address: smtpaddr.MustAddress("colleague@contoso.example")}
	got, err := c.GetMailTips(t.Context(), directory.MailTipsQuery{Requester: sender, Recipients: someone("tom@contoso.example"), Requested: directory.DeliveryRestriction})
	if err != nil || got[0].Err != nil || !*got[0].Tips.DeliveryRestricted {
		t.Errorf("a partner's user passes as tom's colleague: %+v %v", got, err)
	}
}

func TestClientTakesNoMailTipsThatAreNotWhatWasAsked(t *testing.T) {
	const head, tail = `<GetMailTipsResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" ResponseClass="Success"><ResponseCode>NoError</ResponseCode><ResponseMessages>`, `</ResponseMessages></GetMailTipsResponse>`
	message := func(tips string) string {
		return `<MailTipsResponseMessageType ResponseClass="Success"><ResponseCode>NoError</ResponseCode>` + tips + `</MailTipsResponseMessageType>`
	}
	good := message(`<MailTips><t:PendingMailTips></t:PendingMailTips></MailTips>`)
	for story, body := range map[string]string{
		"nothing":                   head + tail,
		"two answers for one":       head + good + good + tail,
		"no tips in a success":      head + message("") + tail,
		"a tip that nobody knows":   head + message(`<MailTips><t:PendingMailTips>Weather</t:PendingMailTips></MailTips>`) + tail,
		"a flag that is none":       head + message(`<MailTips><t:MailboxFull>perhaps</t:MailboxFull></MailTips>`) + tail,
		"fewer members than nobody": head + message(`<MailTips><t:TotalMemberCount>-1</t:TotalMemberCount></MailTips>`) + tail,
		"another operation":         `<GetUserPhotoResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"/>`,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			soap.Write(w, soap.V11, http.StatusOK, soap.Append(nil, soap.V11, "", nil, []byte(body)))
		}))
		c := &ews.Client{URL: s.URL, HTTP: s.Client()}
		got, err := c.GetMailTips(t.Context(), directory.MailTipsQuery{Requested: directory.AllMailTips, Recipients: someone("tom@contoso.example")})
		if err == nil {
			t.Errorf("%s: %+v", story, got)
		}
		s.Close()
	}
}

func TestClientTakesNoPhotoThatIsNoJPEG(t *testing.T) {
	c, who := recipientsAt(t, "own")
	size, err := directory.ParsePhotoSize("HR48x48")
	if err != nil {
		t.Fatal(err)
	}
	q := directory.PhotoQuery{Requester: who, Person: someone("tom@contoso.example")[0], Size: size}
	p, err := c.GetUserPhoto(t.Context(), q)
	want, _ := recipients(t, "own").UserPhoto(t.Context(), q)
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Fatal(p, err)
	}
	q.Person = someone("anna@contoso.example")[0]
	if _, err := c.GetUserPhoto(t.Context(), q); err == nil {
		t.Error("who has no photo has one")
	} else if e, ok := errors.AsType[*ews.Error](err); !ok || e.ResponseCode != "ErrorItemNotFound" {
		t.Errorf("no photo: %v", err)
	}
	for _, data := range []string{"", "PHNjcmlwdD4=", "not base64!", "/9j/" + strings.Repeat("AAAA", 400_000)} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			soap.Write(w, soap.V11, http.StatusOK, soap.Append(nil, soap.V11, "", nil, []byte(`<GetUserPhotoResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages" ResponseClass="Success"><ResponseCode>NoError</ResponseCode><HasChanged>true</HasChanged><PictureData>`+data+`</PictureData></GetUserPhotoResponse>`)))
		}))
		c := &ews.Client{URL: s.URL, HTTP: s.Client()}
		if p, err := c.GetUserPhoto(t.Context(), q); err == nil {
			t.Errorf("%.20s: %d bytes", data, len(p.Data))
		}
		s.Close()
	}
}

func TestPhotosByREST(t *testing.T) {
	get := func(story, query, known string) (*http.Response, string) {
		t.Helper()
		h := ews.NewPhotoHandler(ews.Options{Recipients: recipients(t, story), Authenticate: func(context.Context, *soap.Envelope) (orgrel.Requester, error) { return requester(story), nil }})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/EWS/Exchange.asmx/s/GetUserPhoto?"+query, nil)
		if known != "" {
			r.Header.Set("If-None-Match", known)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		body, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		return w.Result(), string(body)
	}
	const tom = "email=Tom%40contoso.example&size=HR48x48"
	first, body := get("own", tom, "")
	if first.StatusCode != http.StatusOK || first.Header.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(body, "\xFF\xD8\xFF") || first.Header.Get("Cache-Control") != "private, no-cache" || first.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Fatalf("HTTP %d %v", first.StatusCode, first.Header)
	}
	tag := first.Header.Get("ETag")
	for _, known := range []string{tag, "W/" + tag, `"old", ` + tag, "*"} {
		if again, body := get("own", tom, known); again.StatusCode != http.StatusNotModified || body != "" || again.Header.Get("ETag") != tag {
			t.Errorf("If-None-Match %s: HTTP %d %v", known, again.StatusCode, again.Header)
		}
	}
	for _, c := range []struct {
		story, query, known string
		want                int
	}{
		{"own", tom, `"old"`, http.StatusOK},
		{"own", "email=tom@contoso.example&size=HR64x64", tag, http.StatusOK}, // another size is another picture
		{"own", "email=anna@contoso.example&size=HR48x48", "*", http.StatusNotFound},
		{"own", "email=nobody@contoso.example&size=HR48x48", "", http.StatusNotFound},
		{"own", "email=x@elsewhere.example&size=HR48x48", "", http.StatusNotFound},
		{"own", "email=tom@contoso.example&size=HR50x50", "", http.StatusBadRequest},
		{"own", "email=tom@contoso.example", "", http.StatusBadRequest},
		{"own", "email=tom&size=HR48x48", "", http.StatusBadRequest},
		{"own", "email=%zz&size=HR48x48", "", http.StatusBadRequest},
		{"partner-with-photos", tom, "", http.StatusOK},
		{"partner-disabled", tom, tag, http.StatusNotFound},
		{"partner-with-photos", "email=x@elsewhere.example&size=HR48x48", "", http.StatusNotFound},
	} {
		if got, _ := get(c.story, c.query, c.known); got.StatusCode != c.want {
			t.Errorf("%s: %s: HTTP %d, want %d", c.story, c.query, got.StatusCode, c.want)
		}
	}
}
