package directory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

// tipWorld is Contoso's address book in memory, its relationship with Fabrikam, and what Fabrikam answers.
type tipWorld struct {
	directory.Store
	mailboxes map[string]*mailbox.Mailbox
	groups    map[string]*mailbox.Group
	contacts  map[string]*mailbox.Contact
	oof       map[string]*directory.OofSettings
	photos    map[string]*directory.Photo
	scope     []string // local parts of those in any scope
	broken    error    // of every read
	reads     int
	rel       *orgrel.OrganizationRelationship
	partner   func(ctx context.Context, q directory.MailTipsQuery) ([]directory.MailTipsResult, error)
	picture   func(q directory.PhotoQuery) (*directory.Picture, error)
}

var tipNoon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func contosoAddress(local string) smtpaddr.Address {
	return smtpaddr.MustAddress(local + "@contoso.example")
}

func newTipWorld() *tipWorld {
	return &tipWorld{mailboxes: map[string]*mailbox.Mailbox{}, groups: map[string]*mailbox.Group{}, contacts: map[string]*mailbox.Contact{},
		oof: map[string]*directory.OofSettings{}, photos: map[string]*directory.Photo{},
		rel: &orgrel.OrganizationRelationship{ID: "1", Name: "Fabrikam", Enabled: true, DomainNames: []smtpaddr.Domain{smtpaddr.MustDomain("fabrikam.example")},
			MailTipsAccessEnabled: true, MailTipsAccessLevel: orgrel.MailTipsAll, PhotosEnabled: true,
			TargetApplicationUri: "fabrikam.example", TargetAutodiscoverEpr: "https://autodiscover.fabrikam.example/"}}
}

func (w *tipWorld) mailbox(local string, d mailbox.Delivery, aliases ...string) {
	m := &mailbox.Mailbox{Address: contosoAddress(local), Delivery: d}
	w.mailboxes[local] = m
	for _, a := range aliases {
		m.Aliases = append(m.Aliases, contosoAddress(a))
		w.mailboxes[a] = m
	}
}

func (w *tipWorld) group(local string, members ...string) *mailbox.Group {
	g := &mailbox.Group{Address: contosoAddress(local)}
	for _, m := range members {
		if !strings.Contains(m, "@") {
			m += "@contoso.example"
		}
		g.Members = append(g.Members, smtpaddr.MustAddress(m))
	}
	w.groups[local] = g
	return g
}

func (w *tipWorld) Recipients(_ context.Context, addresses []smtpaddr.Address, scope smtpaddr.Address) ([]directory.Recipient, error) {
	w.reads++
	if w.broken != nil {
		return nil, w.broken
	}
	out := make([]directory.Recipient, len(addresses))
	for i, a := range addresses {
		l := a.Local()
		if a.Domain().String() != "contoso.example" {
			continue
		}
		r := directory.Recipient{Mailbox: w.mailboxes[l], Group: w.groups[l], Contact: w.contacts[l], Oof: w.oof[l]}
		r.InScope = r.Found() && (scope.IsZero() || r.Group != nil || slices.Contains(w.scope, l))
		out[i] = r
	}
	return out, nil
}

func (w *tipWorld) Photo(_ context.Context, a smtpaddr.Address) (*directory.Photo, error) {
	w.reads++
	return w.photos[a.Local()], nil
}

func (w *tipWorld) OwnDomain(_ context.Context, d smtpaddr.Domain) (bool, error) {
	return d.String() == "contoso.example", nil
}

func (w *tipWorld) OwnDomains(context.Context) ([]smtpaddr.Domain, error) {
	return []smtpaddr.Domain{smtpaddr.MustDomain("contoso.example")}, nil
}

func (w *tipWorld) RelationshipForDomain(_ context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error) {
	if w.rel.Covers(d) {
		return w.rel, nil
	}
	return nil, nil
}

func (w *tipWorld) GetMailTips(ctx context.Context, _ *orgrel.OrganizationRelationship, q directory.MailTipsQuery) ([]directory.MailTipsResult, error) {
	return w.partner(ctx, q)
}

func (w *tipWorld) GetUserPhoto(_ context.Context, _ *orgrel.OrganizationRelationship, q directory.PhotoQuery) (*directory.Picture, error) {
	return w.picture(q)
}

func (w *tipWorld) service() *directory.Service {
	return &directory.Service{Store: w, Relationships: w, Organization: w, Remote: w, Scaler: directory.NewScaler(time.Now), Now: func() time.Time { return tipNoon }}
}

var (
	tipOwn     = orgrel.Requester{Address: contosoAddress("anna"), Domain: smtpaddr.MustDomain("contoso.example")}
	tipPartner = orgrel.Requester{Address: smtpaddr.MustAddress("rita@fabrikam.example"), Domain: smtpaddr.MustDomain("fabrikam.example"), External: true, Actions: []orgrel.Action{orgrel.ActionFreeBusy}}
)

func addressees(list ...string) (out []directory.Addressee) {
	for _, a := range list {
		r := directory.Addressee{Raw: a}
		if strings.Contains(a, "@") {
			r.Address = smtpaddr.MustAddress(a)
		}
		out = append(out, r)
	}
	return out
}

func (w *tipWorld) ask(t *testing.T, who orgrel.Requester, tips directory.MailTipTypes, list ...string) []directory.MailTipsResult {
	t.Helper()
	out, err := w.service().MailTips(t.Context(), directory.MailTipsQuery{Requester: who, Recipients: addressees(list...), Requested: tips})
	if err != nil || len(out) != len(list) {
		t.Fatal(out, err)
	}
	return out
}

// told are the tips in words.
func told(r directory.MailTipsResult) string {
	if r.Err != nil {
		return fault.KindOf(r.Err).Row().Name
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if r.Tips.Pending != 0 {
		add("pending %b", r.Tips.Pending)
	}
	if o := r.Tips.OutOfOffice; o != nil {
		add("oof %q", o.Reply.Message)
	}
	if f := r.Tips.MailboxFull; f != nil {
		add("full %v", *f)
	}
	if r.Tips.CustomMailTip != "" {
		add("custom %q", r.Tips.CustomMailTip)
	}
	if n := r.Tips.TotalMemberCount; n != nil {
		add("total %d", *n)
	}
	if n := r.Tips.ExternalMemberCount; n != nil {
		add("external %d", *n)
	}
	if r.Tips.MaxMessageSize > 0 {
		add("size %d", r.Tips.MaxMessageSize)
	}
	if b := r.Tips.DeliveryRestricted; b != nil {
		add("restricted %v", *b)
	}
	if b := r.Tips.IsModerated; b != nil {
		add("moderated %v", *b)
	}
	if b := r.Tips.InvalidRecipient; b != nil {
		add("invalid %v", *b)
	}
	return strings.Join(out, ", ")
}

func (w *tipWorld) populate() {
	w.mailbox("anna", mailbox.Delivery{}, "anna.b")
	w.mailbox("tom", mailbox.Delivery{MailTip: "Answers on Fridays", MaxReceiveSize: 1000, MailboxFull: true, ModerationEnabled: true})
	w.oof["tom"] = &directory.OofSettings{State: directory.OofEnabled, ExternalAudience: directory.AudienceAll,
		InternalReply: directory.OofReply{Message: "in the mountains"}, ExternalReply: directory.OofReply{Message: "away"}}
	w.group("staff", "tom", "anna").Delivery.MailTip = "All of us"
}

func TestEachLevelTellsItsMailTips(t *testing.T) {
	const own = `oof "in the mountains", full true, custom "Answers on Fridays", total 1, external 0, size 1000, restricted false, moderated true, invalid false`
	for _, c := range []struct {
		story  string
		change func(r *orgrel.OrganizationRelationship)
		tom    string
		staff  string
	}{
		{"All", func(*orgrel.OrganizationRelationship) {}, strings.NewReplacer("in the mountains", "away", "external 0", "external 1").Replace(own), `custom "All of us", total 2, external 2, restricted false, moderated false, invalid false`},
		{"Limited", func(r *orgrel.OrganizationRelationship) { r.MailTipsAccessLevel = orgrel.MailTipsLimited }, `oof "away", full true, size 1000, restricted false, invalid false`, "restricted false, invalid false"},
		{"None", func(r *orgrel.OrganizationRelationship) { r.MailTipsAccessLevel = orgrel.MailTipsNone }, "", ""},
		{"never set", func(r *orgrel.OrganizationRelationship) { r.MailTipsAccessLevel = "" }, "", ""},
		{"switched off", func(r *orgrel.OrganizationRelationship) { r.MailTipsAccessEnabled = false }, "", ""},
		{"disabled", func(r *orgrel.OrganizationRelationship) { r.Enabled = false }, "", ""},
		{"another domain", func(r *orgrel.OrganizationRelationship) { r.DomainNames = nil }, "", ""},
	} {
		w := newTipWorld()
		w.populate()
		c.change(w.rel)
		out, err := w.service().MailTips(t.Context(), directory.MailTipsQuery{Requester: tipPartner, Recipients: addressees("tom@contoso.example", "staff@contoso.example"), Requested: directory.AllMailTips})
		switch {
		case c.tom == "":
			if fault.KindOf(err) != fault.MailTipsDisabled || w.reads > 0 {
				t.Errorf("%s: %v after %d reads", c.story, err, w.reads)
			}
		case err != nil || told(out[0]) != c.tom || told(out[1]) != c.staff:
			t.Errorf("%s: %v %q %q", c.story, err, told(out[0]), told(out[1]))
		}
		if got := told(w.ask(t, tipOwn, directory.AllMailTips, "tom@contoso.example")[0]); got != own {
			t.Errorf("%s: an own user is told %q", c.story, got)
		}
	}
	w := newTipWorld()
	w.populate()
	who := tipPartner
	who.Actions = []orgrel.Action{orgrel.ActionAutodiscover}
	if _, err := w.service().MailTips(t.Context(), directory.MailTipsQuery{Requester: who, Recipients: addressees("tom@contoso.example"), Requested: directory.AllMailTips}); fault.KindOf(err) != fault.MailTipsDisabled {
		t.Errorf("by a token for Autodiscover: %v", err)
	}
}

func TestOnlyWhatIsAskedIsTold(t *testing.T) {
	w := newTipWorld()
	w.populate()
	out := w.ask(t, tipOwn, directory.MailboxFullStatus|directory.TotalMemberCount, "tom@contoso.example", "staff@contoso.example", "nobody@contoso.example")
	if told(out[0]) != "full true, total 1" || told(out[1]) != "total 2" || told(out[2]) != "" {
		t.Errorf("%q %q %q", told(out[0]), told(out[1]), told(out[2]))
	}
}

func TestAutomaticRepliesAreThoseTheSenderWouldGetNow(t *testing.T) {
	reply := func(state directory.OofState, audience directory.ExternalAudience, from, to time.Duration) *directory.OofSettings {
		return &directory.OofSettings{State: state, ExternalAudience: audience, Start: tipNoon.Add(from), End: tipNoon.Add(to),
			InternalReply: directory.OofReply{Message: "in"}, ExternalReply: directory.OofReply{Message: "out"}}
	}
	for _, c := range []struct {
		story   string
		oof     *directory.OofSettings
		own     string
		partner string
	}{
		{"never set", nil, "", ""},
		{"disabled", reply(directory.OofDisabled, directory.AudienceAll, -time.Hour, time.Hour), "", ""},
		{"for everybody", reply(directory.OofEnabled, directory.AudienceAll, 0, 0), "in", "out"},
		{"for known senders", reply(directory.OofEnabled, directory.AudienceKnown, 0, 0), "in", ""},
		{"for nobody outside", reply(directory.OofEnabled, directory.AudienceNone, 0, 0), "in", ""},
		{"scheduled for now", reply(directory.OofScheduled, directory.AudienceAll, 0, time.Hour), "in", "out"},
		{"over since now", reply(directory.OofScheduled, directory.AudienceAll, -time.Hour, 0), "", ""},
		{"later", reply(directory.OofScheduled, directory.AudienceAll, time.Second, time.Hour), "", ""},
	} {
		w := newTipWorld()
		w.populate()
		w.oof["tom"] = c.oof
		own := w.ask(t, tipOwn, directory.OutOfOfficeMessage, "tom@contoso.example")[0].Tips.OutOfOffice
		partner := w.ask(t, tipPartner, directory.OutOfOfficeMessage, "tom@contoso.example")[0].Tips.OutOfOffice
		if own.Reply.Message != c.own || partner.Reply.Message != c.partner {
			t.Errorf("%s: %+v %+v", c.story, own, partner)
		}
		if scheduled := c.oof != nil && c.oof.State == directory.OofScheduled && c.own != ""; own.End.IsZero() == scheduled {
			t.Errorf("%s: until %s", c.story, own.End)
		}
	}
}

func TestLongRepliesStayPendingBeforeAnAnswerGetsTooLong(t *testing.T) {
	w := newTipWorld()
	w.mailbox("tom", mailbox.Delivery{})
	w.oof["tom"] = &directory.OofSettings{State: directory.OofEnabled, ExternalAudience: directory.AudienceAll, ExternalReply: directory.OofReply{Message: strings.Repeat("<", directory.MaxReply)}}
	list := slices.Repeat([]string{"tom@contoso.example"}, directory.MaxMailTipsRecipients)
	told, pending := 0, 0
	for _, r := range w.ask(t, tipPartner, directory.AllMailTips, list...) {
		switch {
		case r.Err == nil && r.Tips.OutOfOffice != nil && r.Tips.Pending == 0:
			told += len(r.Tips.OutOfOffice.Reply.Message)
		case r.Err == nil && r.Tips.OutOfOffice == nil && r.Tips.Pending == directory.OutOfOfficeMessage && r.Tips.MailboxFull != nil:
			pending++
		default:
			t.Errorf("%+v", r)
		}
	}
	if told < directory.MaxReply || told > 512<<10 || pending == 0 {
		t.Errorf("%d bytes are told, %d recipients are pending", told, pending)
	}
}

func TestOutsideTheScopeNothingTellsWhoExists(t *testing.T) {
	w := newTipWorld()
	w.populate()
	w.mailbox("lea", mailbox.Delivery{MailTip: "hello"})
	w.contacts["rolf"] = &mailbox.Contact{Address: contosoAddress("rolf"), Target: smtpaddr.MustAddress("rolf@elsewhere.example")}
	w.scope = []string{"lea"}
	w.rel.MailTipsAccessScope = contosoAddress("scope")
	out := w.ask(t, tipPartner, directory.AllMailTips, "tom@contoso.example", "nobody@contoso.example", "rolf@contoso.example", "lea@contoso.example", "staff@contoso.example")
	if told(out[0]) != "" || told(out[1]) != "" || told(out[2]) != "" {
		t.Errorf("out of scope %q, unknown %q, a contact %q", told(out[0]), told(out[1]), told(out[2]))
	}
	if !strings.Contains(told(out[3]), "hello") || !strings.Contains(told(out[4]), "All of us") {
		t.Errorf("in scope %q, a group %q", told(out[3]), told(out[4]))
	}
	w.rel.MailTipsAccessScope = smtpaddr.Address{}
	out = w.ask(t, tipPartner, directory.AllMailTips, "nobody@contoso.example", "rolf@contoso.example", "x@elsewhere.example", "not an address")
	for i, want := range []string{"invalid true", "proxy_request_not_allowed", "proxy_request_not_allowed", "invalid_smtp_address"} {
		if told(out[i]) != want {
			t.Errorf("without a scope, recipient %d: %q, want %q", i, told(out[i]), want)
		}
	}
}

func TestDeliveryIsRestrictedForTheSenderWhoAsks(t *testing.T) {
	w := newTipWorld()
	w.populate()
	w.mailbox("inside", mailbox.Delivery{RequireSenderAuthenticationEnabled: true})
	w.mailbox("few", mailbox.Delivery{AcceptMessagesOnlyFrom: []smtpaddr.Address{contosoAddress("anna.b"), smtpaddr.MustAddress("ruth@fabrikam.example")}})
	w.mailbox("friends", mailbox.Delivery{AcceptMessagesOnlyFrom: []smtpaddr.Address{contosoAddress("rita")}})
	w.contacts["rita"] = &mailbox.Contact{Address: contosoAddress("rita"), Target: tipPartner.Address}
	for _, c := range []struct {
		who  orgrel.Requester
		to   string
		want bool
	}{{tipOwn, "inside", false}, {tipPartner, "inside", true}, {tipOwn, "few", false}, {tipPartner, "few", true}, {tipOwn, "friends", true}, {tipPartner, "friends", false}} {
		got := w.ask(t, c.who, directory.DeliveryRestriction, c.to+"@contoso.example")[0].Tips.DeliveryRestricted
		if got == nil || *got != c.want {
			t.Errorf("%s to %s: %v", c.who.Address, c.to, got)
		}
	}
}

func TestMembersOfNestedGroupsAreCountedOnce(t *testing.T) {
	w := newTipWorld()
	w.populate()
	w.contacts["rolf"] = &mailbox.Contact{Address: contosoAddress("rolf"), Target: smtpaddr.MustAddress("rolf@elsewhere.example")}
	w.group("all", "staff", "anna.b", "rolf", "rolf@elsewhere.example", "x@elsewhere.example", "inner")
	w.group("inner", "all", "tom", "gone")
	out := w.ask(t, tipOwn, directory.TotalMemberCount|directory.ExternalMemberCount, "all@contoso.example", "inner@contoso.example", "staff@contoso.example")
	for i, want := range []string{"total 5, external 2", "total 5, external 2", "total 2, external 0"} {
		if told(out[i]) != want {
			t.Errorf("group %d: %q, want %q", i, told(out[i]), want)
		}
	}
	if w.reads != 2 {
		t.Errorf("%d reads for one level below three groups", w.reads)
	}
	big := w.group("big")
	for i := range 10_001 {
		big.Members = append(big.Members, contosoAddress(fmt.Sprint("m", i)))
	}
	tips := w.ask(t, tipOwn, directory.AllMailTips, "big@contoso.example")[0].Tips
	if tips.Pending != directory.TotalMemberCount|directory.ExternalMemberCount || tips.TotalMemberCount != nil || tips.InvalidRecipient == nil {
		t.Errorf("too many to count: %+v", tips)
	}
}

func TestPartnersPeopleAreAskedForAtTheirPartnerInOneCall(t *testing.T) {
	w := newTipWorld()
	w.populate()
	w.contacts["rolf"] = &mailbox.Contact{Address: contosoAddress("rolf"), Target: smtpaddr.MustAddress("rolf@fabrikam.example")}
	var asked [][]directory.Addressee
	w.partner = func(_ context.Context, q directory.MailTipsQuery) ([]directory.MailTipsResult, error) {
		asked = append(asked, q.Recipients)
		out := make([]directory.MailTipsResult, len(q.Recipients))
		for i, r := range q.Recipients {
			out[i].Tips.CustomMailTip = "of " + r.Address.String()
		}
		return out, nil
	}
	all := []string{"rita@fabrikam.example", "tom@contoso.example", "x@elsewhere.example", "rolf@contoso.example"}
	out := w.ask(t, tipOwn, directory.CustomMailTip, all...)
	for i, want := range []string{`custom "of rita@fabrikam.example"`, `custom "Answers on Fridays"`, "address_space_not_found", `custom "of rolf@fabrikam.example"`} {
		if told(out[i]) != want {
			t.Errorf("%s: %q, want %q", all[i], told(out[i]), want)
		}
	}
	if len(asked) != 1 || len(asked[0]) != 2 {
		t.Errorf("asked %v", asked)
	}
	w.rel.MailTipsAccessEnabled = false
	if got := told(w.ask(t, tipOwn, directory.AllMailTips, all...)[0]); got != "mail_tips_disabled" || len(asked) != 1 {
		t.Errorf("switched off: %q after %d calls", got, len(asked))
	}
	w.rel.MailTipsAccessEnabled, w.rel.TargetApplicationUri = true, ""
	if got := told(w.ask(t, tipOwn, directory.AllMailTips, all...)[0]); got != "relationship_unusable" {
		t.Errorf("not configured: %q", got)
	}
}

func TestAFailureCostsOnlyItsOwnRecipients(t *testing.T) {
	w := newTipWorld()
	w.populate()
	ask := func() (string, string) {
		out := w.ask(t, tipOwn, directory.MailboxFullStatus, "rita@fabrikam.example", "tom@contoso.example")
		return told(out[0]), told(out[1])
	}
	for name, partner := range map[string]func(context.Context, directory.MailTipsQuery) ([]directory.MailTipsResult, error){
		"proxy_request_failed": func(context.Context, directory.MailTipsQuery) ([]directory.MailTipsResult, error) { return nil, nil },
		"timeout": func(context.Context, directory.MailTipsQuery) ([]directory.MailTipsResult, error) {
			return nil, context.DeadlineExceeded
		},
		"internal": func(context.Context, directory.MailTipsQuery) ([]directory.MailTipsResult, error) { panic("nonsense") },
	} {
		w.partner = partner
		if foreign, own := ask(); foreign != name || own != "full true" {
			t.Errorf("%s: %q, own %q", name, foreign, own)
		}
	}
	w.broken = errors.New("disk on fire")
	w.partner = func(context.Context, directory.MailTipsQuery) ([]directory.MailTipsResult, error) {
		return []directory.MailTipsResult{{Tips: directory.MailTips{CustomMailTip: "x"}}}, nil
	}
	if foreign, own := ask(); foreign != `custom "x"` || own != "unavailable" {
		t.Errorf("broken store: %q, own %q", foreign, own)
	}
}

func TestNobodyAsksForNobodyOrForMoreThanFifty(t *testing.T) {
	w := newTipWorld()
	for _, n := range []int{0, 51} {
		_, err := w.service().MailTips(t.Context(), directory.MailTipsQuery{Requester: tipOwn, Recipients: make([]directory.Addressee, n), Requested: directory.AllMailTips})
		if fault.KindOf(err) != fault.InvalidRequest {
			t.Errorf("%d recipients: %v", n, err)
		}
	}
}
