package shell

import "strings"

// Value is a parameter's value: one or several strings, or a list edit such as @{Add="a","b";Remove="c"}.
type Value struct {
	Strings []string
	Edit    map[string][]string // by "add" and "remove"
	Given   bool                // false: the parameter stands alone, as a switch does
}

// Argument is one -Name Value; Name is "" for a value without a name.
type Argument struct {
	Name    string
	Value   Value
	at, end int // of the name
	valueAt int
}

// Command is one part of a pipeline: a cmdlet, a filter or a format.
type Command struct {
	Name      string
	Arguments []Argument
	Filter    string // of ?{ … }; Name is "" then
	at, end   int
}

// Parse reads one line into the pipelines that ; separates.
func Parse(line string) ([][]Command, error) {
	line = plain(line)
	tokens, err := lex(line)
	if err != nil {
		return nil, err
	}
	var out [][]Command
	var current []Command
	for len(tokens) > 0 {
		if tokens[0].kind == separator {
			if len(current) > 0 {
				out = append(out, current)
			}
			current, tokens = nil, tokens[1:]
			continue
		}
		var c Command
		if c, tokens, err = parseCommand(line, tokens); err != nil {
			return nil, err
		}
		current = append(current, c)
		if len(tokens) == 0 || tokens[0].kind == separator {
			continue
		}
		if tokens[0].kind != pipe {
			return nil, bad("%q is not understood here", line[tokens[0].at:])
		}
		if tokens = tokens[1:]; len(tokens) == 0 {
			return nil, bad("nothing stands behind the last |")
		}
	}
	if len(current) > 0 {
		out = append(out, current)
	}
	return out, nil
}

func parseCommand(line string, tokens []token) (Command, []token, error) {
	t := tokens[0]
	switch {
	case t.kind == filter:
		return Command{Filter: t.text, at: t.at, end: t.end}, tokens[1:], nil
	case t.kind != word:
		return Command{}, nil, bad("a cmdlet is expected where %q stands", line[t.at:])
	}
	c := Command{Name: strings.TrimPrefix(strings.TrimPrefix(t.text, `.\`), "./"), at: t.at, end: t.end}
	tokens = tokens[1:]
	switch strings.ToLower(c.Name) {
	case "where", "where-object":
		if len(tokens) == 0 || tokens[0].kind != filter {
			return c, nil, bad("%s needs { $_.Property -eq \"value\" }", c.Name)
		}
		return Command{Filter: tokens[0].text, at: c.at, end: tokens[0].end}, tokens[1:], nil
	}
	for len(tokens) > 0 && tokens[0].kind != pipe && tokens[0].kind != separator {
		a := Argument{at: tokens[0].at, end: tokens[0].end}
		if tokens[0].kind == parameter {
			a.Name = tokens[0].text
			colon := tokens[0].colon
			tokens = tokens[1:]
			if !startsValue(tokens) {
				if colon {
					return c, nil, ateTrue(a.Name)
				}
				c.Arguments = append(c.Arguments, a)
				continue
			}
		}
		a.valueAt = tokens[0].at
		var err error
		if a.Value, tokens, err = parseValue(line, tokens); err != nil {
			return c, nil, err
		}
		c.Arguments = append(c.Arguments, a)
	}
	return c, tokens, nil
}

// ateTrue is what to say of -Switch: with nothing behind it: $true is a variable of the common shells, and empty there.
func ateTrue(name string) error {
	return bad("-%s: has an empty value: your shell ate $true; quote it: '-%s:$true'", name, name)
}

func startsValue(tokens []token) bool {
	return len(tokens) > 0 && (tokens[0].kind == word || tokens[0].kind == open)
}

func parseValue(line string, tokens []token) (Value, []token, error) {
	if tokens[0].kind == open {
		return parseEdit(line, tokens[1:])
	}
	if tokens[0].kind != word {
		return Value{}, nil, bad("a value is expected where %q stands", line[tokens[0].at:])
	}
	v := Value{Given: true, Strings: []string{tokens[0].text}}
	tokens = tokens[1:]
	for len(tokens) > 0 && tokens[0].kind == comma {
		if len(tokens) < 2 || tokens[1].kind != word {
			return v, nil, bad("a value is missing behind a comma")
		}
		v.Strings = append(v.Strings, tokens[1].text)
		tokens = tokens[2:]
	}
	return v, tokens, nil
}

// parseEdit reads what is behind @{: Add="a","b";Remove="c"}.
func parseEdit(line string, tokens []token) (Value, []token, error) {
	v := Value{Given: true, Edit: map[string][]string{}}
	for {
		switch {
		case len(tokens) == 0:
			return v, nil, &SyntaxError{"a list edit is not closed with }", line + "}"}
		case tokens[0].kind == shut:
			return v, tokens[1:], nil
		case tokens[0].kind == separator:
			tokens = tokens[1:]
			continue
		case tokens[0].kind != word:
			return v, nil, bad("a list edit is written @{Add=\"a\",\"b\";Remove=\"c\"}")
		}
		key, first, ok := strings.Cut(tokens[0].text, "=")
		action := strings.ToLower(strings.TrimSpace(key))
		tokens = tokens[1:]
		if !ok && len(tokens) > 0 && strings.HasPrefix(tokens[0].text, "=") { // Add = "a"
			first, ok = strings.TrimPrefix(tokens[0].text, "="), true
			tokens = tokens[1:]
		}
		if first == "" && startsValue(tokens) {
			first, tokens = tokens[0].text, tokens[1:]
		}
		if !ok || first == "" || action != "add" && action != "remove" {
			return v, nil, bad("a list edit knows Add and Remove, not %q", key)
		}
		v.Edit[action] = append(v.Edit[action], first)
		for len(tokens) > 1 && tokens[0].kind == comma && tokens[1].kind == word {
			v.Edit[action] = append(v.Edit[action], tokens[1].text)
			tokens = tokens[2:]
		}
	}
}

// Statement is what is run at once, and the physical line of the text on which it begins, from 1.
type Statement struct {
	Line int
	Text string
}

// Lines joins the physical lines of a text into statements: a backtick at the end, a | or a comma at the end, or a line
// that begins with a parameter goes on with the line before, as pasted text breaks.
func Lines(text string) []Statement {
	var out []Statement
	joined, number := false, 0
	for raw := range strings.SplitSeq(text, "\n") {
		number++
		line := strings.TrimSpace(plain(strings.TrimRight(raw, "\r")))
		if line == "" || strings.HasPrefix(line, "#") {
			joined = false
			continue
		}
		goesOn := len(out) > 0 && (joined || len(line) > 1 && line[0] == '-' && line[1] != ' ')
		line, joined = unfinished(line)
		if goesOn {
			out[len(out)-1].Text += " " + line
		} else {
			out = append(out, Statement{number, line})
		}
	}
	return out
}

// Unfinished tells whether a line goes on in the next one.
func Unfinished(line string) bool {
	_, more := unfinished(strings.TrimSpace(plain(line)))
	return more
}

// unfinished is a line without its backtick, and whether it goes on in the next one.
func unfinished(line string) (rest string, more bool) {
	if body, ok := strings.CutSuffix(line, "`"); ok {
		return strings.TrimSpace(body), true
	}
	return line, strings.HasSuffix(line, "|") || strings.HasSuffix(line, ",")
}

// FromArgs writes the words that an ordinary shell has made of a cmdlet as a line again: availd New-X -Name "a b".
func FromArgs(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		name, value := "", a
		if p := plain(a); len(p) > 1 && p[0] == '-' && (p[1]|0x20) >= 'a' && (p[1]|0x20) <= 'z' {
			var colon bool
			if name, value, colon = strings.Cut(p, ":"); !colon {
				words[i] = p
				continue
			}
			name += ":"
			if value == "" {
				words[i] = name
				continue
			}
		}
		if !strings.HasPrefix(value, "@{") && (value == "" || strings.ContainsAny(value, " \t|;{}#?\"'")) {
			quote := "'"
			if strings.Contains(value, "'") {
				quote = `"`
			}
			value = quote + value + quote
		}
		words[i] = name + value
	}
	return strings.Join(words, " ")
}
