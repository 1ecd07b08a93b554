package orgrel

// Source is where a relationship's TargetApplicationUri and TargetAutodiscoverEpr come from. Exchange fills them in once
// and forgets; here, what came from discovery is looked up again.
type Source string

// The sources. The empty one, of relationships from before there was any, is Manual.
const (
	Manual Source = "manual"
	Auto   Source = "auto" // from what the partner tells of itself
)
