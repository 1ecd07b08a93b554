package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/federation"
	"github.com/availd/availd/internal/store"
)

// partnerList names those for whom the gateway may issue tokens to us: the partners of all enabled relationships.
func partnerList(cfg *store.Config) federation.PartnerList {
	var l federation.PartnerList
	for _, r := range cfg.Relationships {
		if !r.Enabled {
			continue
		}
		if r.TargetApplicationUri != "" && !slices.Contains(l.ApplicationUris, r.TargetApplicationUri) {
			l.ApplicationUris = append(l.ApplicationUris, r.TargetApplicationUri)
		}
		l.Domains = append(l.Domains, r.DomainNames...)
	}
	return l
}

// digest tells one list at one gateway from another.
func digest(t *federation.Trust, l federation.PartnerList) string {
	lines := append([]string{t.TokenIssuerUri, t.TokenIssuerEpr, t.ApplicationUri}, l.ApplicationUris...)
	for _, d := range l.Domains {
		lines = append(lines, d.String())
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// PublishPartners tells the gateway the list of our partners, where the trust says that we speak to it ourselves and the
// list is another than the one it has. A gateway that requires mutual wish issues no token without it (step 4 of a lookup).
func (a *Admin) PublishPartners(ctx context.Context) error {
	cfg, err := a.config(ctx)
	if err != nil || !cfg.Trust.Configured() || provisioner(cfg.Trust) != federation.Statements {
		return err
	}
	l := partnerList(cfg)
	is := digest(cfg.Trust, l)
	if cfg.Settings[store.SettingPublishedPartners] == is {
		return nil
	}
	_, err = a.tell(ctx, cfg.Trust, func(ctx context.Context, c *http.Client, t *federation.Trust, now time.Time) error {
		return federation.PublishPartners(ctx, c, t, l, now)
	})
	if err != nil {
		return err
	}
	return problem(a.Store.PutSetting(ctx, store.SettingPublishedPartners, is))
}

// partnersChanged publishes the list after a change of a relationship, unless that failed with err. A gateway that cannot
// be told now is told by a node later.
func (a *Admin) partnersChanged(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	if err := a.PublishPartners(ctx); err != nil {
		a.warn("the gateway was not told of the change and is told again every minute while availd runs: " + err.Error())
	}
	return nil
}
