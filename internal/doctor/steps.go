package doctor

import "fmt"

// Outcome of a test's result object, in Exchange's words.
type Outcome string

// The outcomes.
const (
	Success Outcome = "Success"
	Warning Outcome = "Warning"
	Error   Outcome = "Error"
)

// TestResult is one result object of a step-by-step test. Test-FederationTrust calls Outcome and Text Type and Message,
// Test-OrganizationRelationship Status and Description.
type TestResult struct {
	ID      string
	Outcome Outcome
	Text    string
}

// Failed tells whether any result is an error.
func Failed(results []TestResult) bool {
	for _, r := range results {
		if r.Outcome == Error {
			return true
		}
	}
	return false
}

// protocol is a test as it goes on: what it says, and the result objects. The objects are what counts; the text of a step
// is made of its objects, so that the two cannot differ.
type protocol struct {
	say     func(line string)
	results []TestResult
}

// step runs one step; note is added to a success. It returns false when the step failed.
func (p *protocol) step(text string, run func() (note string, found []TestResult)) bool {
	p.say(text)
	note, found := run()
	p.results = append(p.results, found...)
	for _, r := range found {
		if r.Outcome == Error {
			p.say("RESULT: Error. " + r.Text)
			return false
		}
	}
	for _, r := range found {
		if r.Outcome == Warning {
			p.say("RESULT: Warning. " + r.Text)
			return true
		}
	}
	p.say("RESULT: Success." + note)
	return true
}

func result(o Outcome, id, format string, args ...any) TestResult {
	return TestResult{id, o, fmt.Sprintf(format, args...)}
}

func one(o Outcome, id, format string, args ...any) []TestResult {
	return []TestResult{result(o, id, format, args...)}
}
