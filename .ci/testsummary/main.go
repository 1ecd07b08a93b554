// Command testsummary reads `go test -json` and prints each package, the output of what failed, the reasons of
// what was skipped, and one closing line: "N passed, N failed, N skipped". The tests that the last column of the table
// given by -ran names (package and name) must be among those that passed; where CI is not true they may have been skipped.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
	ImportPath                    string
	Elapsed                       float64
}

const module = "github.com/availd/availd/"

func main() {
	table := flag.String("ran", "", "table whose last column names tests that must have run")
	flag.Parse()
	var named []string
	if *table != "" {
		b, err := os.ReadFile(*table)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		named = tests(string(b))
	}
	if !summarize(os.Stdin, os.Stdout, named) {
		os.Exit(1)
	}
}

// tests are the tests in the last column of a table, as keys of the summary.
func tests(table string) (out []string) {
	for line := range strings.Lines(table) {
		last := strings.TrimSpace(line[strings.LastIndexByte(line, '\t')+1:])
		if room, name, ok := strings.Cut(last, " "); ok && strings.HasPrefix(name, "Test") {
			out = append(out, module+room+" "+name)
		}
	}
	return out
}

// summarize returns whether everything passed, the named tests among it, and at least one test ran.
func summarize(in io.Reader, out io.Writer, named []string) bool {
	var passed, failed, skipped int
	ran := map[string]bool{}
	output := map[string][]string{}
	bad := map[string]bool{}
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprint(out, string(line))
				continue
			}
			key := e.Package + e.ImportPath + " " + e.Test
			switch e.Action {
			case "output", "build-output":
				output[key] = append(output[key], e.Output)
				continue
			case "build-fail":
				fmt.Fprint(out, strings.Join(output[key], ""))
				continue
			case "pass", "fail", "skip":
			default:
				continue
			}
			switch {
			case e.Test == "" && e.Action == "fail":
				fmt.Fprintf(out, "FAIL %s (%.1fs)\n", e.Package, e.Elapsed)
				if !bad[e.Package] { // nothing below failed: the package itself did
					failed++
					fmt.Fprint(out, strings.Join(output[key], ""))
				}
			case e.Test == "" && e.Action == "pass":
				fmt.Fprintf(out, "ok   %s (%.1fs)\n", e.Package, e.Elapsed)
			case e.Test == "":
			case e.Action == "pass":
				passed++
				ran[key] = true
			case e.Action == "skip":
				skipped++
				ran[key] = os.Getenv("CI") != "true"
				fmt.Fprintf(out, "skip %s: %s\n", key, strings.TrimSpace(strings.Join(output[key], " ")))
			default:
				failed++
				bad[e.Package] = true
				fmt.Fprintf(out, "--- FAIL %s\n%s", key, strings.Join(output[key], ""))
			}
			delete(output, key)
		}
		if err != nil {
			break
		}
	}
	for _, key := range named {
		if !ran[key] {
			failed++
			ran[key] = true // once
			fmt.Fprintf(out, "--- FAIL %s: it is named as a proof and has not passed\n", key)
		}
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	return failed == 0 && passed > 0
}
