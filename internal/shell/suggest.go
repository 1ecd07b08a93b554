package shell

import "strings"

// exactly finds s in list without regard to case.
func exactly(s string, list []string) string {
	for _, v := range list {
		if strings.EqualFold(v, s) {
			return v
		}
	}
	return ""
}

// nearest is the entry of list that s was probably meant to be: the one with the fewest changes, and not more than a
// third of its letters; "" when there is none.
func nearest(s string, list []string) string {
	best, least := "", 1<<30
	for _, v := range list {
		if d := distance(strings.ToLower(s), strings.ToLower(v)); d < least && d <= max(len(v)/3, 1) {
			best, least = v, d
		}
	}
	return best
}

// distance counts the letters to insert, remove, replace or swap between a and b (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
