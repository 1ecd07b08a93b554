package gatewayadmin

import "context"

// Expiring is a certificate that has passed one of the thresholds before its end.
type Expiring struct {
	Certificate
	Of        string // the organization, or "gateway"
	Threshold int    // days: 60, 30 or 7; 0 when it has expired
}

// threshold returns the last of 60, 30, 7 and 0 days that days has passed; ok is false before the first.
func threshold(days int) (passed int, ok bool) {
	for _, t := range []int{60, 30, 7, 0} {
		if days <= t {
			passed, ok = t, true
		}
	}
	return passed, ok
}

// Expiring lists the gateway's signing certificates and the organizations' current certificates that expire soon.
func (a *Admin) Expiring(ctx context.Context) ([]Expiring, error) {
	var out []Expiring
	add := func(of string, c Certificate) {
		if t, ok := threshold(c.DaysLeft); ok {
			out = append(out, Expiring{c, of, t})
		}
	}
	keys, err := a.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.Role != "previous" {
			add("gateway", k)
		}
	}
	orgs, err := a.Organizations(ctx)
	for _, o := range orgs {
		add(o.Name, o.Certificates[0])
	}
	return out, err
}
