package shell

import (
	"path"
	"strings"
)

// filtered keeps the objects for which { $_.Property -eq "value" } holds; -eq, -ne and -like are known, without
// regard to case, and -and between them.
func filtered(objects []Object, text string) ([]Object, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	var conditions []condition
	for len(tokens) > 0 {
		if len(conditions) > 0 {
			if tokens[0].kind != parameter || !strings.EqualFold(tokens[0].text, "and") {
				return nil, bad("in the filter, -and is expected where %q stands", text[tokens[0].at:])
			}
			tokens = tokens[1:]
		}
		c, rest, err := readCondition(text, tokens)
		if err != nil {
			return nil, err
		}
		conditions, tokens = append(conditions, c), rest
	}
	if len(conditions) == 0 {
		return nil, bad("the filter is empty")
	}
	var out []Object
next:
	for _, o := range objects {
		for _, c := range conditions {
			if !c.holds(o) {
				continue next
			}
		}
		out = append(out, o)
	}
	return out, nil
}

type condition struct{ property, operator, value string }

func readCondition(text string, tokens []token) (condition, []token, error) {
	var c condition
	if len(tokens) < 3 || tokens[0].kind != word || tokens[1].kind != parameter || tokens[2].kind != word {
		return c, nil, bad("a filter is written { $_.Property -eq \"value\" }, not { %s }", text)
	}
	name, ok := strings.CutPrefix(strings.ToLower(tokens[0].text), "$_.")
	c = condition{name, strings.ToLower(tokens[1].text), tokens[2].text}
	if !ok {
		return c, nil, bad("in the filter, $_.Property is expected where %q stands", tokens[0].text)
	}
	switch c.operator {
	case "eq", "ne", "like":
		return c, tokens[3:], nil
	}
	return c, nil, bad("the filter knows -eq, -ne and -like, not -%s", tokens[1].text)
}

func (c condition) holds(o Object) bool {
	var have []string
	for _, p := range o {
		if strings.EqualFold(p.Name, c.property) {
			have = p.Values
		}
	}
	want := c.value
	if isBool(want) {
		want = strings.TrimPrefix(want, "$")
	}
	match := false
	for _, v := range have {
		if c.operator == "like" {
			ok, err := path.Match(strings.ToLower(strings.ReplaceAll(want, "/", "\x00")), strings.ToLower(strings.ReplaceAll(v, "/", "\x00")))
			match = match || ok && err == nil
		} else {
			match = match || strings.EqualFold(v, want)
		}
	}
	return match != (c.operator == "ne")
}
