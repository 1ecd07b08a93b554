package shell

import (
	"slices"
	"strings"
)

// IsCmdlet tells whether a word is meant as a cmdlet: Verb-Noun, in any case.
func IsCmdlet(word string) bool {
	verb, noun, ok := strings.Cut(plain(word), "-")
	if !ok || verb == "" || noun == "" || strings.HasPrefix(word, "-") {
		return false
	}
	return slices.Contains([]string{"get", "set", "new", "add", "remove", "test", "enable", "disable"}, strings.ToLower(strings.TrimLeft(verb, `.\/`)))
}

// Translate makes the verbs of one cmdlet of a line, in the words of availd's command line; bound are properties that
// come through a pipe and fill parameters of the same name. What is wrong comes as a *SyntaxError, with the line as it
// was probably meant.
func Translate(line string, c Command, bound []Property) ([][]string, error) {
	line = plain(line)
	spec, err := findCmdlet(line, c)
	if err != nil {
		return nil, err
	}
	var given []use
	for i, a := range c.Arguments {
		p, err := spec.find(line, c, i)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(given, func(u use) bool { return u.param.name == p.name }) {
			return nil, bad("-%s is there twice", p.name)
		}
		if err := checkValue(line, c, i, p); err != nil {
			return nil, err
		}
		given = append(given, use{param: p, value: a.Value})
	}
	for _, b := range bound {
		if p, ok := spec.binds(b.Name); ok && len(b.Values) > 0 && !slices.ContainsFunc(given, func(u use) bool { return u.param.name == p.name }) {
			given = append(given, use{p, Value{Strings: b.Values, Given: true}, true})
		}
	}
	return spec.words(given), nil
}

// binds finds the parameter that a property of an object in the pipe fills: what creates something takes every
// property that it has a parameter for, all others only what names the object.
func (s *cmdlet) binds(property string) (param, bool) {
	creates := strings.HasPrefix(s.name, "New-") || strings.HasPrefix(s.name, "Add-")
	for _, p := range s.params {
		if strings.EqualFold(p.name, property) && p.form != ignored && (creates || p.form == argument) {
			return p, true
		}
	}
	return param{}, false
}

// use is a parameter with its value, typed or bound through a pipe.
type use struct {
	param param
	value Value
	bound bool
}

// words groups what was given by the verb that it asks for. What came through a pipe asks for no verb of its own.
func (s *cmdlet) words(given []use) [][]string {
	verbOf := func(u use) string {
		if u.param.verb != "" {
			return u.param.verb
		}
		return s.verb
	}
	var verbs []string
	for _, u := range given {
		if v := verbOf(u); !u.bound && u.param.form != ignored && !slices.Contains(verbs, v) {
			verbs = append(verbs, v)
		}
	}
	if len(verbs) == 0 {
		verbs = []string{s.verb}
	}
	var out [][]string
	for _, v := range verbs {
		var flags, args []string
		for _, u := range given {
			if u.param.form != ignored && verbOf(u) == v {
				f, a := u.words()
				flags, args = append(flags, f...), append(args, a...)
			}
		}
		if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") }) {
			flags = append(flags, "--") // a name is never a flag
		}
		out = append(out, slices.Concat(strings.Fields(v), flags, args))
	}
	return out
}

func (u use) words() (flags, args []string) {
	flag := "--" + u.param.flag
	switch u.param.form {
	case argument:
		return nil, values(u.value.Strings)
	case onOff:
		return nil, []string{map[bool]string{true: "on", false: "off"}[isTrue(u.value)]}
	case boolean, toggle:
		if u.param.flag == "" {
			return nil, nil
		}
		return []string{flag + map[bool]string{true: "=true", false: "=false"}[isTrue(u.value)]}, nil
	case file:
		return []string{flag, pathOf(u.value.Strings[0])}, nil
	case choice:
		if !isTrue(u.value) {
			return nil, nil
		}
		return []string{flag, u.param.values[0]}, nil
	case list:
		for _, action := range []string{"add", "remove"} {
			for _, v := range u.value.Edit[action] {
				flags = append(flags, "--"+action+"-"+u.param.flag, v)
			}
		}
		for _, v := range values(u.value.Strings) {
			flags = append(flags, flag, v)
		}
		return flags, nil
	}
	return []string{flag, strings.Join(values(u.value.Strings), ",")}, nil
}

// pathOf is the path in ([System.IO.File]::ReadAllBytes("path")), whose quotes are gone already, or the value itself.
func pathOf(value string) string {
	const call = "[System.IO.File]::ReadAllBytes("
	inner := strings.TrimSuffix(strings.TrimPrefix(value, "("), ")")
	for _, prefix := range []string{call, strings.Replace(call, "System.", "", 1)} {
		if len(inner) > len(prefix) && strings.EqualFold(inner[:len(prefix)], prefix) {
			return strings.TrimSuffix(inner[len(prefix):], ")")
		}
	}
	return value
}

// values reads $null as an empty value.
func values(list []string) []string {
	out := slices.Clone(list)
	for i, v := range out {
		if strings.EqualFold(v, "$null") {
			out[i] = ""
		}
	}
	return out
}

func isTrue(v Value) bool {
	return !v.Given || len(v.Strings) == 1 && (strings.EqualFold(v.Strings[0], "$true") || v.Strings[0] == "1" || strings.EqualFold(v.Strings[0], "true"))
}

func isBool(s string) bool {
	return slices.ContainsFunc([]string{"$true", "$false", "true", "false", "1", "0"}, func(b string) bool { return strings.EqualFold(b, s) })
}

func findCmdlet(line string, c Command) (*cmdlet, error) {
	var names []string
	for i := range cmdlets {
		if strings.EqualFold(cmdlets[i].name, c.Name) || strings.EqualFold(strings.TrimSuffix(cmdlets[i].name, ".ps1"), c.Name) {
			return &cmdlets[i], nil
		}
		names = append(names, cmdlets[i].name)
	}
	e := bad("there is no cmdlet %s", c.Name)
	if near := nearest(c.Name, names); near != "" {
		e.Corrected = line[:c.at] + near + line[c.end:]
	}
	return nil, e
}

// find is the parameter that argument i names: exactly, by an unambiguous beginning as in PowerShell, or by position.
func (s *cmdlet) find(line string, c Command, i int) (param, error) {
	a := c.Arguments[i]
	all := slices.Concat(s.params, common)
	if a.Name == "" {
		j := slices.IndexFunc(s.params, func(p param) bool { return p.form == argument })
		if j < 0 || i > 0 {
			return param{}, bad("%q belongs to no parameter of %s", strings.Join(a.Value.Strings, ","), s.name)
		}
		return s.params[j], nil
	}
	var begins []param
	var names []string
	for _, p := range all {
		if strings.EqualFold(p.name, a.Name) {
			return p, nil
		}
		if len(a.Name) < len(p.name) && strings.EqualFold(p.name[:len(a.Name)], a.Name) {
			begins = append(begins, p)
		}
		names = append(names, p.name)
	}
	if len(begins) == 1 {
		return begins[0], nil
	}
	if len(begins) > 1 {
		var list []string
		for _, p := range begins {
			list = append(list, "-"+p.name)
		}
		return param{}, bad("-%s can mean %s", a.Name, strings.Join(list, " or "))
	}
	e := bad("%s has no parameter -%s", s.name, a.Name)
	if near := nearest(a.Name, names); near != "" {
		e.Corrected = line[:a.at+1] + near + line[a.at+1+len(a.Name):]
	}
	return param{}, e
}

// checkValue refuses a value that the parameter cannot have.
func checkValue(line string, c Command, i int, p param) error {
	a := c.Arguments[i]
	switch p.form {
	case boolean, onOff:
		switch {
		case !a.Value.Given:
			return &SyntaxError{"-" + p.name + " needs $true or $false", line[:a.end] + " $true" + line[a.end:]}
		case len(a.Value.Strings) == 1 && a.Value.Strings[0] == "":
			return ateTrue(p.name)
		case len(a.Value.Strings) != 1 || !isBool(a.Value.Strings[0]):
			return bad("-%s is $true or $false, not %q", p.name, strings.Join(a.Value.Strings, ","))
		}
	case toggle, choice:
		if a.Value.Given && (len(a.Value.Strings) != 1 || !isBool(a.Value.Strings[0])) {
			return bad("-%s is a switch and takes no value %q", p.name, strings.Join(a.Value.Strings, ","))
		}
	case text, argument, file:
		if !a.Value.Given {
			return withoutValue(line, c, i+1, p)
		}
		if a.Value.Edit != nil || p.form != argument && len(a.Value.Strings) > 1 {
			return bad("-%s takes one value", p.name)
		}
		if v := a.Value.Strings[0]; p.values != nil && exactly(v, p.values) == "" {
			e := bad("-%s is one of %s, not %q", p.name, strings.Join(p.values, ", "), v)
			if near := nearest(v, p.values); near != "" {
				e.Corrected = line[:a.valueAt] + strings.Replace(line[a.valueAt:], v, near, 1)
			}
			return e
		}
	case list:
		if !a.Value.Given {
			return bad("-%s has no value", p.name)
		}
	}
	return nil
}

// withoutValue explains why p has no value: what follows may have been meant as one, with a dash too many.
func withoutValue(line string, c Command, next int, p param) error {
	e := bad("-%s has no value", p.name)
	if next < len(c.Arguments) {
		if a := c.Arguments[next]; exactly(a.Name, p.values) != "" {
			e.Corrected = line[:a.at] + exactly(a.Name, p.values) + line[a.at+1+len(a.Name):]
		}
	}
	return e
}
