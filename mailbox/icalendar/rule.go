package icalendar

import (
	"strconv"
	"strings"

	"github.com/teambition/rrule-go"
)

const maxRules = 200 // of one event

// appendRule adds a rule in upper case and without the spaces that some write into lists.
func appendRule(rules []string, p *Property) ([]string, error) {
	if len(rules) >= maxRules {
		return nil, refuse(p.Line, "more than %d rules", maxRules)
	}
	rule := strings.TrimSuffix(strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(p.Value), " ", "")), ";")
	if err := checkRule(p, rule); err != nil {
		return nil, err
	}
	return append(rules, rule), nil
}

// checkRule refuses what availd does not expand (RFC 5545 §3.3.10 and our limits), before the library sees it.
func checkRule(p *Property, rule string) error {
	parts := map[string]string{}
	for part := range strings.SplitSeq(rule, ";") {
		k, v, ok := strings.Cut(part, "=")
		if !ok || v == "" {
			return refuse(p.Line, "the rule part %.40q has no value", part)
		}
		if _, twice := parts[k]; twice {
			return refuse(p.Line, "the rule has %s twice", k)
		}
		parts[k] = v
	}
	switch parts["FREQ"] {
	case "DAILY", "WEEKLY", "MONTHLY", "YEARLY":
	case "SECONDLY", "MINUTELY", "HOURLY":
		return refuse(p.Line, "a rule with FREQ=%s is not kept: an event that repeats within a day says nothing about a calendar", parts["FREQ"])
	default:
		return refuse(p.Line, "the rule's FREQ %.20q is not known", parts["FREQ"])
	}
	if _, ok := parts["BYEASTER"]; ok { // the library's own; RFC 5545 does not have it
		return refuse(p.Line, "the rule part BYEASTER is not known")
	}
	for _, k := range []string{"COUNT", "INTERVAL"} {
		v, ok := parts[k]
		if n, err := strconv.Atoi(v); ok && (err != nil || n < 1 || n > 1_000_000_000) {
			return refuse(p.Line, "the rule's %s %.20q is not a number from 1 to 1000000000", k, v)
		}
	}
	if parts["COUNT"] != "" && parts["UNTIL"] != "" {
		return refuse(p.Line, "the rule has both COUNT and UNTIL")
	}
	for _, k := range []string{"BYHOUR", "BYMINUTE", "BYSECOND"} {
		if strings.Contains(parts[k], ",") {
			return refuse(p.Line, "a rule that repeats within a day (%s=%.20s) is not kept", k, parts[k])
		}
	}
	if _, err := rrule.StrToROption(rule); err != nil {
		return refuse(p.Line, "the rule %.80q is malformed: %v", p.Value, err)
	}
	return nil
}
