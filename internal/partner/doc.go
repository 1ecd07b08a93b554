// Package partner asks partners: it finds out where a partner's Availability Service is, with what it lets us in, and puts
// the question. One partner's trouble stays its own: every relationship has its own limit of requests in flight and its own
// circuit breaker.
//
// The ways are the access methods of a relationship: delegation tokens (federated.go) and one account for the whole
// organization (orgwide.go). Neither forwards for anybody else; whether a requester may ask abroad at all is decided in
// package availability.
package partner
