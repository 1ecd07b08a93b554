package mailbox_test

import (
	"testing"

	"github.com/availd/availd/mailbox"
)

func TestWorkingHoursAreWrittenAsTheyAreRead(t *testing.T) {
	for in, want := range map[string]string{
		"Mon-Fri 08:00-17:00":                      "Mon-Fri 08:00-17:00",
		"mon,TUE 9:00-12:00":                       "",
		"mon,TUE 09:00-12:00":                      "Mon,Tue 09:00-12:00",
		"Mon-Thu 08:00-17:00;Fri 08:00-14:00":      "Mon-Thu 08:00-17:00; Fri 08:00-14:00",
		"Mon,Wed-Fri 08:00-12:00; Wed 13:00-24:00": "Mon,Wed-Fri 08:00-12:00; Wed 13:00-24:00",
		"Fri-Mon 22:00-24:00":                      "Mon,Fri-Sun 22:00-24:00",
		"":                                         "",
		"Mon-Fri":                                  "",
		"Mon-Fri 17:00-08:00":                      "",
		"Mon-Fri 08:00-25:00":                      "",
		"Mon-Fri 08:00":                            "",
		"Mo-Fr 08:00-17:00":                        "",
		"Mon,Mon 08:00-17:00":                      "",
		"Mon-Fri 08:00-17:00; Wed 16:00-20:00":     "",
		"Mon-Fri 08:00-17:00 Sat 10:00-12:00":      "",
	} {
		w, err := mailbox.ParseWorkingHours(in)
		if (err == nil) != (want != "" || in == "") || err == nil && w.String() != want {
			t.Errorf("%q: %q, %v; want %q", in, w, err, want)
		}
	}
	if got := mailbox.DefaultWorkingHours().String(); got != "Mon-Fri 08:00-17:00" {
		t.Errorf("a new mailbox works %q", got)
	}
}
