// Package federation is the federation trust and its delegation tokens: [Verifier] checks what arrives, [Client]
// obtains what we send. The issuing side is federation/gateway, which this package does not know.
package federation
