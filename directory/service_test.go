package directory_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/internal/store"
	"github.com/availd/availd/internal/store/open"
	"github.com/availd/availd/mailbox"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

func addr(name string) smtpaddr.Address { return smtpaddr.MustAddress(name + "@contoso.example") }

func addrs(names ...string) (out []smtpaddr.Address) {
	for _, n := range names {
		out = append(out, addr(n))
	}
	return out
}

type own struct{}

func (own) OwnDomain(_ context.Context, d smtpaddr.Domain) (bool, error) {
	return d.String() == "contoso.example", nil
}

func (own) OwnDomains(context.Context) ([]smtpaddr.Domain, error) {
	return []smtpaddr.Domain{smtpaddr.MustDomain("contoso.example")}, nil
}

// noon is the present of these tests; it is never changed.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// contoso is an address book of five people, two of them hidden or rooms, a contact, and groups in each other.
func contoso(t *testing.T) (*directory.Service, store.Store) {
	t.Helper()
	s, err := open.Open(t.Context(), filepath.Join(t.TempDir(), "contoso.db"), open.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	for _, m := range []*mailbox.Mailbox{
		{Address: addr("tom"), DisplayName: "Tom Meyer", Aliases: addrs("meyer")}, {Address: addr("tim"), DisplayName: "Tim Meyer"},
		{Address: addr("vip"), DisplayName: "Vera Meyer", HiddenFromAddressListsEnabled: true}, {Address: addr("nameless")},
		{Address: addr("r1"), DisplayName: "Room 1", ResourceType: mailbox.Room}, {Address: addr("r2"), DisplayName: "Room 2", ResourceType: mailbox.Room, HiddenFromAddressListsEnabled: true},
		{Address: addr("beamer"), DisplayName: "Beamer", ResourceType: mailbox.Equipment},
	} {
		must(t, s.CreateMailbox(t.Context(), m))
	}
	must(t, s.PutContacts(t.Context(), []*mailbox.Contact{{Address: addr("rita"), Target: smtpaddr.MustAddress("rita@fabrikam.example"), DisplayName: "Rita Meyer"}}))
	outside := smtpaddr.MustAddress("joe@elsewhere.example")
	for _, g := range []*mailbox.Group{
		{Address: addr("all"), DisplayName: "Everybody", Members: append(addrs("sales", "vip", "rita", "all"), outside)},
		{Address: addr("sales"), DisplayName: "Sales North", Members: addrs("tom", "all")}, {Address: addr("sales2"), DisplayName: "Sales South"}, {Address: addr("south"), DisplayName: "Sales South"},
		{Address: addr("board"), DisplayName: "Board", Members: addrs("vip"), HiddenFromAddressListsEnabled: true},
		{Address: addr("hq"), DisplayName: "Headquarters", RoomList: true, Members: append(addrs("r2", "beamer", "tom", "r1", "annex"), outside)},
		{Address: addr("annex"), DisplayName: "Annex", RoomList: true}, {Address: addr("secret"), DisplayName: "Bunker", RoomList: true, HiddenFromAddressListsEnabled: true},
	} {
		must(t, s.PutGroup(t.Context(), g))
	}
	return &directory.Service{Store: s, Organization: own{}, Now: func() time.Time { return noon }}, s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lines are entries as text, in their order.
func lines(list []directory.Entry) (out []string) {
	for _, e := range list {
		out = append(out, string(e.Type)+" "+e.Address.String()+" "+e.Name)
	}
	return out
}

func want(t *testing.T, list []directory.Entry, err error, want ...string) {
	t.Helper()
	if got := lines(list); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\n got %q\nwant %q", err, got, want)
	}
}

func refused(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("%v is not %s", err, kind.Row().Name)
	}
}

func TestResolveFindsPeopleContactsAndGroups(t *testing.T) {
	s, _ := contoso(t)
	for text, found := range map[string][]string{
		"tom": {"Mailbox tom@contoso.example Tom Meyer"}, "MEY, tom": {"Mailbox tom@contoso.example Tom Meyer"}, "smtp:Meyer@Contoso.example": {"Mailbox tom@contoso.example Tom Meyer"},
		"meyer":    {"Contact rita@contoso.example Rita Meyer", "Mailbox tim@contoso.example Tim Meyer", "Mailbox tom@contoso.example Tom Meyer"},
		"sales no": {"PublicDL sales@contoso.example Sales North"}, "nameless": {"Mailbox nameless@contoso.example nameless@contoso.example"},
		"vip@contoso.example": {"Mailbox vip@contoso.example Vera Meyer"}, "board@contoso.example": {"PublicDL board@contoso.example Board"},
	} {
		list, more, err := s.Resolve(t.Context(), text, 10)
		want(t, list, err, found...)
		if more {
			t.Errorf("%q: there are no others", text)
		}
	}
}

func TestResolveSaysThatThereAreOthers(t *testing.T) {
	s, _ := contoso(t)
	list, more, err := s.Resolve(t.Context(), "meyer", 2)
	if want(t, list, err, "Contact rita@contoso.example Rita Meyer", "Mailbox tim@contoso.example Tim Meyer"); !more {
		t.Error("there is another one")
	}
}

func TestResolveTellsNobodyFromNoName(t *testing.T) {
	s, _ := contoso(t)
	for text, kind := range map[string]fault.Kind{
		"xavier": fault.NameResolutionNoResults, "nobody@contoso.example": fault.NameResolutionNoResults, "om": fault.NameResolutionNoResults,
		"vera": fault.NameResolutionNoResults, "board": fault.NameResolutionNoResults, // hidden
		",": fault.InvalidNameForNameResolution, "-": fault.InvalidNameForNameResolution, "smtp:": fault.InvalidNameForNameResolution,
	} {
		_, _, err := s.Resolve(t.Context(), text, 10)
		refused(t, err, kind)
	}
}

func TestExpandListsDirectMembersOfCircles(t *testing.T) {
	s, _ := contoso(t)
	list, err := s.Expand(t.Context(), "all@contoso.example")
	want(t, list, err, "PublicDL sales@contoso.example Sales North", "Mailbox vip@contoso.example Vera Meyer", "Contact rita@contoso.example Rita Meyer", "PublicDL all@contoso.example Everybody", "Contact joe@elsewhere.example joe@elsewhere.example")
	list, err = s.Expand(t.Context(), "sales@contoso.example")
	want(t, list, err, "Mailbox tom@contoso.example Tom Meyer", "PublicDL all@contoso.example Everybody")
}

func TestExpandListsAMemberOfTwoAddressesOnce(t *testing.T) {
	s, st := contoso(t)
	must(t, st.PutGroup(t.Context(), &mailbox.Group{Address: addr("twice"), Members: addrs("meyer", "tom")}))
	list, err := s.Expand(t.Context(), "twice@contoso.example")
	want(t, list, err, "Mailbox tom@contoso.example Tom Meyer")
}

// With 10,000 words a search took 15 seconds.
func TestNobodyIsLookedForByAPage(t *testing.T) {
	s, _ := contoso(t)
	page := strings.Repeat("tom meyer ", 40) // each begins a word of his name
	_, _, err := s.Resolve(t.Context(), page, 10)
	refused(t, err, fault.NameResolutionNoResults)
	_, err = s.Expand(t.Context(), page)
	refused(t, err, fault.NameResolutionNoResults)
	list, _, err := s.Resolve(t.Context(), strings.Repeat("tom meyer ", 30), 10)
	want(t, list, err, "Mailbox tom@contoso.example Tom Meyer")
}

func TestExpandFindsAGroupByItsName(t *testing.T) {
	s, _ := contoso(t)
	for _, name := range []string{"Sales North", "sales north", "sales"} { // sales2 begins with the last one
		list, err := s.Expand(t.Context(), name)
		want(t, list, err, "Mailbox tom@contoso.example Tom Meyer", "PublicDL all@contoso.example Everybody")
	}
	list, err := s.Expand(t.Context(), "Annex")
	want(t, list, err)
	for name, kind := range map[string]fault.Kind{"Sales South": fault.NameResolutionMultipleResults, "North": fault.NameResolutionNoResults, "tom": fault.NameResolutionNoResults,
		"tom@contoso.example": fault.NameResolutionNoResults, "nobody@contoso.example": fault.NameResolutionNoResults, "board@contoso.example": fault.NameResolutionNoResults, "Board": fault.NameResolutionNoResults, ",": fault.NameResolutionNoResults, "": fault.NameResolutionNoResults} {
		_, err := s.Expand(t.Context(), name)
		refused(t, err, kind)
	}
}

func TestRoomsAreTheVisibleRoomsOfAList(t *testing.T) {
	s, _ := contoso(t)
	lists, err := s.RoomLists(t.Context())
	want(t, lists, err, "PublicDL annex@contoso.example Annex", "PublicDL hq@contoso.example Headquarters")
	rooms, err := s.Rooms(t.Context(), "hq@contoso.example")
	want(t, rooms, err, "Mailbox r1@contoso.example Room 1")
	rooms, err = s.Rooms(t.Context(), "annex@contoso.example")
	want(t, rooms, err)
	for _, list := range []string{"sales@contoso.example", "secret@contoso.example", "r1@contoso.example", "nowhere@contoso.example"} {
		_, err := s.Rooms(t.Context(), list)
		refused(t, err, fault.NameResolutionNoResults)
	}
}

func requester(name string) orgrel.Requester {
	return orgrel.Requester{Address: addr(name), Domain: addr(name).Domain()}
}

func TestAutomaticRepliesAreTheOwners(t *testing.T) {
	s, _ := contoso(t)
	away := directory.OofSettings{State: directory.OofEnabled, ExternalAudience: directory.AudienceNone, InternalReply: directory.OofReply{Message: " <p>Away</p>\n", Lang: "en"}}
	must(t, s.SetOof(t.Context(), requester("tom"), addr("meyer"), away))
	got, err := s.Oof(t.Context(), requester("meyer"), addr("tom"))
	must(t, err)
	if *got != away {
		t.Errorf("%+v, set was %+v", got, away)
	}
	partner := requester("tom")
	partner.External = true
	for _, c := range []struct {
		who orgrel.Requester
		of  string
	}{{requester("tim"), "tom"}, {requester("vip"), "nobody"}, {requester("nobody"), "nobody"}, {requester("sales"), "sales"}, {partner, "tom"}} {
		_, err := s.Oof(t.Context(), c.who, addr(c.of))
		refused(t, err, fault.AccessDenied)
		refused(t, s.SetOof(t.Context(), c.who, addr(c.of), directory.OofSettings{State: directory.OofDisabled}), fault.AccessDenied)
	}
	if got, err = s.Oof(t.Context(), requester("tom"), addr("tom")); err != nil || got.State != directory.OofEnabled {
		t.Errorf("somebody else's change counts: %+v %v", got, err)
	}
}

func TestAutomaticRepliesThatWereNeverSetAreDisabled(t *testing.T) {
	s, _ := contoso(t)
	got, err := s.Oof(t.Context(), requester("tom"), addr("tom"))
	if err != nil || got.State != directory.OofDisabled || got.Active(noon) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestRepliesThatAreTooLongAreNotKept(t *testing.T) {
	s, _ := contoso(t)
	long := directory.OofReply{Message: strings.Repeat("x", directory.MaxReply+1)}
	refused(t, s.SetOof(t.Context(), requester("tom"), addr("tom"), directory.OofSettings{State: directory.OofEnabled, InternalReply: long}), fault.InvalidUserOofSettings)
	refused(t, s.SetOof(t.Context(), requester("tom"), addr("tom"), directory.OofSettings{State: directory.OofDisabled, ExternalReply: long}), fault.InvalidUserOofSettings)
	if got, err := s.Oof(t.Context(), requester("tom"), addr("tom")); err != nil || got.ExternalReply.Message != "" {
		t.Errorf("%.100v %v", got, err)
	}
	long.Message = long.Message[1:]
	must(t, s.SetOof(t.Context(), requester("tom"), addr("tom"), directory.OofSettings{State: directory.OofEnabled, InternalReply: long}))
}

func TestScheduledRepliesEndAfterTheyBeginAndInTheFuture(t *testing.T) {
	s, _ := contoso(t)
	set := func(state directory.OofState, start, end time.Time) error {
		return s.SetOof(t.Context(), requester("tom"), addr("tom"), directory.OofSettings{State: state, Start: start, End: end})
	}
	hour := time.Hour
	refused(t, set(directory.OofScheduled, time.Time{}, time.Time{}), fault.InvalidScheduledOofDuration)
	refused(t, set(directory.OofScheduled, noon.Add(hour), noon.Add(hour)), fault.InvalidScheduledOofDuration)
	refused(t, set(directory.OofScheduled, noon.Add(2*hour), noon.Add(hour)), fault.InvalidScheduledOofDuration)
	refused(t, set(directory.OofScheduled, noon.Add(-2*hour), noon), fault.InvalidScheduledOofDuration)
	must(t, set(directory.OofScheduled, noon.Add(-hour), noon.Add(hour)))
	got, err := s.Oof(t.Context(), requester("tom"), addr("tom"))
	if err != nil || !got.Start.Equal(noon.Add(-hour)) || !got.End.Equal(noon.Add(hour)) || !got.Active(noon) || got.Active(noon.Add(hour)) {
		t.Errorf("%+v %v", got, err)
	}
	must(t, set(directory.OofEnabled, noon, noon.Add(-hour))) // ignored
	if got, err = s.Oof(t.Context(), requester("tom"), addr("tom")); err != nil || !got.Start.IsZero() || !got.End.IsZero() {
		t.Errorf("%+v %v", got, err)
	}
}

func TestWithoutItsStoreTheAddressBookIsUnavailable(t *testing.T) {
	s, st := contoso(t)
	st.Close()
	_, _, err := s.Resolve(t.Context(), "tom", 1)
	refused(t, err, fault.Unavailable)
	_, err = s.Expand(t.Context(), "all@contoso.example")
	refused(t, err, fault.Unavailable)
	_, err = s.RoomLists(t.Context())
	refused(t, err, fault.Unavailable)
	_, err = s.Oof(t.Context(), requester("tom"), addr("tom"))
	refused(t, err, fault.Unavailable)
}

func TestMailTipsConfigurationNamesOwnDomains(t *testing.T) {
	s, _ := contoso(t)
	c, err := s.MailTipsConfiguration(t.Context())
	if err != nil || !c.Enabled || c.MaxRecipients != 50 || len(c.InternalDomains) != 1 || c.InternalDomains[0].Name.String() != "contoso.example" {
		t.Errorf("%+v %v", c, err)
	}
}
