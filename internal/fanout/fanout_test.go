package fanout_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/availd/availd/internal/fanout"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/orgrel"
	"github.com/availd/availd/smtpaddr"
)

type relationships map[string]*orgrel.OrganizationRelationship

func (r relationships) RelationshipForDomain(_ context.Context, d smtpaddr.Domain) (*orgrel.OrganizationRelationship, error) {
	return r[d.String()], nil
}

// round asks contoso.example and contoso.org, one partner, and fabrikam.example; unknown.example is nobody's.
func round(ask func(ctx context.Context, rel *orgrel.OrganizationRelationship, at []int) (func(), error)) (r fanout.Round, people fanout.People, failed map[int]error) {
	contoso, fabrikam := &orgrel.OrganizationRelationship{ID: "1", Name: "Contoso"}, &orgrel.OrganizationRelationship{ID: "2", Name: "Fabrikam"}
	var mu sync.Mutex
	failed = map[int]error{}
	r = fanout.Round{Relationships: relationships{"contoso.example": contoso, "contoso.org": {ID: "1", Name: "Contoso"}, "fabrikam.example": fabrikam}, Deadline: time.Minute,
		Usable: func(*orgrel.OrganizationRelationship) error { return nil }, Ask: ask, Fail: func(at []int, err error) {
			mu.Lock()
			defer mu.Unlock()
			for _, i := range at {
				failed[i] = err
			}
		}}
	people = fanout.People{}
	for i, d := range []string{"contoso.example", "fabrikam.example", "contoso.org", "unknown.example", "contoso.example"} {
		people[smtpaddr.MustDomain(d)] = append(people[smtpaddr.MustDomain(d)], i)
	}
	return r, people, failed
}

func TestEachPartnerIsAskedOnceAndInPartsForMore(t *testing.T) {
	for most, want := range map[int]int{0: 2, 2: 3, 1: 4} {
		var mu sync.Mutex
		calls, answered := 0, map[int]string{}
		r, people, failed := round(func(_ context.Context, rel *orgrel.OrganizationRelationship, at []int) (func(), error) {
			mu.Lock()
			defer mu.Unlock()
			calls++
			return func() {
				mu.Lock()
				defer mu.Unlock()
				for _, i := range at {
					answered[i] = rel.Name
				}
			}, nil
		})
		r.Most = most
		r.Run(t.Context(), people)
		if calls != want || len(answered) != 4 || answered[2] != "Contoso" || len(failed) != 1 || fault.KindOf(failed[3]) != fault.AddressSpaceNotFound {
			t.Errorf("at most %d: %d calls, %v, %v", most, calls, answered, failed)
		}
	}
}

func TestAnAnswerAfterTheDeadlineIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where time passes only while everybody waits
		late, kept := make(chan struct{}), false
		r, people, failed := round(func(ctx context.Context, rel *orgrel.OrganizationRelationship, _ []int) (func(), error) {
			if rel.Name == "Fabrikam" {
				return func() {}, nil
			}
			<-ctx.Done()
			<-late
			return func() { kept = true }, nil
		})
		r.Run(t.Context(), people)
		close(late)
		synctest.Wait()
		if _, hers := failed[1]; hers || fault.KindOf(failed[0]) != fault.Timeout || fault.KindOf(failed[2]) != fault.Timeout || kept {
			t.Errorf("kept %t, %v", kept, failed)
		}
	})
}
