package ews_test

import (
	"os"
	"strings"
	"testing"
)

// answerOf is the answer of a story about free/busy, as TestGoldenPairs holds it.
func answerOf(t *testing.T, story string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/getuseravailability/" + story + ".response.xml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRequestWithoutAViewIsAnsweredAsFreeBusy(t *testing.T) {
	request, err := os.ReadFile("testdata/getuseravailability/defaults-without-view-and-interval.request.xml")
	if err != nil || strings.Contains(string(request), "RequestedView") {
		t.Fatal("the story asks for a view", err)
	}
	if answer := answerOf(t, "defaults-without-view-and-interval"); !strings.Contains(answer, "<t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType>") || strings.Contains(answer, "MergedFreeBusy>") {
		t.Error(answer)
	}
}

func TestPartnerIsShownFlagsButNoID(t *testing.T) {
	answer := answerOf(t, "partner-detailed-merged")
	if strings.Contains(answer, "<t:ID>") {
		t.Error("a partner is given the entry's ID")
	}
	for _, flag := range []string{"IsMeeting", "IsRecurring", "IsException", "IsReminderSet", "IsPrivate"} {
		if !strings.Contains(answer, "<t:"+flag+">true</t:"+flag+">") || !strings.Contains(answer, "<t:"+flag+">false</t:"+flag+">") {
			t.Errorf("%s is not true to the entries", flag)
		}
	}
}
