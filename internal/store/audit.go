package store

import "context"

type auditKey struct{}

// WithAudit returns a context under which the next change is written down: the transaction that makes the change
// visible writes e too, so that there is never one without the other.
func WithAudit(ctx context.Context, e AuditEntry) context.Context {
	return context.WithValue(ctx, auditKey{}, e)
}

// AuditFrom is what a store writes with a change, if anything.
func AuditFrom(ctx context.Context) (AuditEntry, bool) {
	e, ok := ctx.Value(auditKey{}).(AuditEntry)
	return e, ok
}

// WithoutAudit returns a context under which changes that follow from an audited one are not written down again.
func WithoutAudit(ctx context.Context) context.Context {
	return context.WithValue(ctx, auditKey{}, nil)
}
