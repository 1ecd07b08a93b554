package fault

import (
	"errors"
	"regexp"
	"testing"
)

func TestEveryKindHasOneCompleteRow(t *testing.T) {
	names := map[string]bool{}
	for k, row := range Table() {
		if row.Kind != Kind(k) || row.Text == "" || row.HTTP == 0 || row.Exit == 0 || !regexp.MustCompile(`^[a-z_]+$`).MatchString(row.Name) || names[row.Name] {
			t.Errorf("row %d is not complete or not the only one of its name: %+v", k, row)
		}
		names[row.Name] = true
		if row.HTTP == 200 && row.EWS == "" && row.Autodiscover == "" {
			t.Errorf("%s is answered in a 200 without a code", row.Name)
		}
		if row.WSSE != "" && row.HTTP != 500 {
			t.Errorf("%s is a WS-Security fault with HTTP %d", row.Name, row.HTTP)
		}
	}
}

func TestCausesStayOutOfTheText(t *testing.T) {
	e := Because(InvalidSecurityToken, errors.New("padding"))
	if e.Text() != "An error occurred when processing the security tokens in the message." || !regexp.MustCompile("padding").MatchString(e.Error()) {
		t.Errorf("%q %q", e.Text(), e.Error())
	}
	if KindOf(errors.New("x")) != Internal || As(nil) != nil {
		t.Error("an unknown error is not internal")
	}
}
