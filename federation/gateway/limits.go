package gateway

import (
	"net/http"

	"github.com/availd/availd/internal/limit"
)

// Limits protect the gateway from those who cannot authenticate, and organizations from each other.
type Limits struct {
	TokensPerOrganization float64 // a second; 0 = 50. Ten seconds' worth may come at once
	FailuresPerSource     float64 // refused requests a second from one address; 0 = 5
	RegistrationsPerHour  float64 // from one address; 0 = 10
	PendingRegistrations  int     // in all; 0 = 100
}

func (l Limits) orDefaults() Limits {
	set := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	set(&l.TokensPerOrganization, 50)
	set(&l.FailuresPerSource, 5)
	set(&l.RegistrationsPerHour, 10)
	if l.PendingRegistrations == 0 {
		l.PendingRegistrations = 100
	}
	return l
}

// source is whom a request counts for.
func (g *Gateway) source(r *http.Request) string { return limit.Source(r, g.o.TrustedProxies).String() }
