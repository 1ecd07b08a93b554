// Package shell understands lines as an Exchange administrator types and pastes them: cmdlets with their parameters,
// pipes between them, a filter, Format-List. It is no general language: each cmdlet becomes one verb of availd's command
// line, and what a verb prints as JSON is what goes through the pipe.
package shell
