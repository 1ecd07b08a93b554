// Command testsummary reads `go test -json` and prints each package, the output of what failed, the reasons of
// what was skipped, and one closing line: "N passed, N failed, N skipped".
package main

import (
	"bufio"
	"encoding/json"
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

func main() {
	if !summarize(os.Stdin, os.Stdout) {
		os.Exit(1)
	}
}

// summarize returns whether everything passed and at least one test ran.
func summarize(in io.Reader, out io.Writer) bool {
	var passed, failed, skipped int
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
			case e.Action == "skip":
				skipped++
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
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	return failed == 0 && passed > 0
}
