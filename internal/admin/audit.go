package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/availd/availd/internal/store"
)

const maxDetail = 8 << 10 // bytes; a group may have very many members

// bookkeeping are properties that change with every change and say nothing in an audit.
var bookkeeping = [...]string{"Guid", "WhenCreated", "WhenChanged", "MetadataReadAt", "IsValid", "Warnings"}

// audited is a context whose next change writes an entry in its own transaction.
func (a *Admin) audited(ctx context.Context, verb, object, detail string) context.Context {
	return store.WithAudit(ctx, a.entry(verb, object, detail))
}

func (a *Admin) entry(verb, object, detail string) store.AuditEntry {
	if len(detail) > maxDetail {
		detail = fmt.Sprintf("%s … (%d bytes more)", strings.ToValidUTF8(detail[:maxDetail], ""), len(detail)-maxDetail)
	}
	return store.AuditEntry{When: a.Now().UTC(), Who: a.Who, Verb: verb, Object: object, Detail: detail}
}

// AuditLog returns the newest entries, newest first.
func (a *Admin) AuditLog(ctx context.Context, limit int) ([]store.AuditEntry, error) {
	entries, err := a.Store.AuditLog(ctx, limit)
	return entries, problem(err)
}

// changes writes the properties that differ, as JSON names them: `Enabled: true → false`, and what was added to and removed
// from a list. With a nil side it writes what the other one has. It is empty when nothing differs.
func changes(before, after any) string {
	from, to := properties(before), properties(after)
	names := map[string]bool{}
	for n := range from {
		names[n] = true
	}
	for n := range to {
		names[n] = true
	}
	var out []string
	for _, n := range slices.Sorted(maps.Keys(names)) {
		b, a := from[n], to[n]
		switch {
		case slices.Contains(bookkeeping[:], n) || bytes.Equal(b, a) || isEmpty(b) && isEmpty(a):
		case before == nil:
			out = append(out, fmt.Sprintf("%s: %s", n, a))
		case after == nil:
			out = append(out, fmt.Sprintf("%s: %s", n, b))
		default:
			out = append(out, fmt.Sprintf("%s: %s", n, change(b, a)))
		}
	}
	return strings.Join(out, "; ")
}

func properties(v any) map[string]json.RawMessage {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return map[string]json.RawMessage{"Unprintable": json.RawMessage(err.Error())}
	}
	var out map[string]json.RawMessage
	if err := json.Unmarshal(b, &out); err != nil {
		return map[string]json.RawMessage{"Unprintable": json.RawMessage(err.Error())}
	}
	return out
}

func isEmpty(v json.RawMessage) bool {
	switch string(v) {
	case "", `""`, "null", "[]", "false", "0":
		return true
	}
	return false
}

func change(before, after json.RawMessage) string {
	from, wasList := listed(before)
	to, isList := listed(after)
	if !wasList || !isList {
		return fmt.Sprintf("%s → %s", orNone(before), orNone(after))
	}
	var out []string
	for _, v := range to {
		if !holds(from, v) {
			out = append(out, "+"+string(v))
		}
	}
	for _, v := range from {
		if !holds(to, v) {
			out = append(out, "-"+string(v))
		}
	}
	if len(out) == 0 {
		return fmt.Sprintf("%s → %s", before, after) // another order
	}
	return strings.Join(out, " ")
}

// listed reads a list; a property that is not there is an empty one, too.
func listed(v json.RawMessage) (list []json.RawMessage, ok bool) {
	ok = v == nil || json.Unmarshal(v, &list) == nil
	return list, ok
}

func orNone(v json.RawMessage) string {
	if v == nil {
		return "none"
	}
	return string(v)
}

func holds(list []json.RawMessage, v json.RawMessage) bool {
	return slices.ContainsFunc(list, func(x json.RawMessage) bool { return bytes.Equal(x, v) })
}
