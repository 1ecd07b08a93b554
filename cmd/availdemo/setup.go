package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

type organization struct {
	Name           string `json:"name"`
	Domain         string `json:"domain"`
	ApplicationURI string `json:"application_uri"`
	EWSURL         string `json:"ews_url"`
	AutodiscoverEP string `json:"autodiscover_url"`
	AdminURL       string `json:"admin_url"`
	CAFile         string `json:"ca_file"`
	EncryptionCert string `json:"encryption_cert"`
	Database       string `json:"database"`
	MasterKeyFile  string `json:"master_key_file,omitempty"` // what availd --master-key-file takes; Postgres only
	Users          []user `json:"users"`

	port, admin int
	process     *process
	postgres    *process // its own server, with -postgres
}

type user struct {
	Address  string `json:"address"`
	Password string `json:"password"`
}

type gatewayInfo struct {
	Issuer      string `json:"issuer"`
	STSURL      string `json:"sts_url"`
	MetadataURL string `json:"metadata_url"`
	SigningKey  string `json:"signing_key"`
	SigningCert string `json:"signing_cert"`
}

type demo struct {
	options
	availd, fedgateway string
	ca, cert, key      string
	gateway            gatewayInfo
	gatewayPort        int
	gatewayProcess     *process
	contoso, fabrikam  *organization
	running            []*process

	temporary bool // the folder goes when the demo ends
	schemas   []string
}

const (
	issuer   = "urn:federation:demo"
	password = "correct horse battery"
	hostName = "localhost"
)

func certPool(caFile string) (*tls.Config, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

func newOrganization(name, domain string, port, admin int, users ...string) *organization {
	o := &organization{Name: name, Domain: domain, ApplicationURI: "exchangedelegation." + domain, port: port, admin: admin}
	for _, u := range users {
		o.Users = append(o.Users, user{u + "@" + domain, password})
	}
	return o
}

// setUp builds the small world: certificates, gateway, two organizations, relationships both ways.
func (d *demo) setUp(ctx context.Context) (err error) {
	if d.dir, err = filepath.Abs(d.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	if d.availd, err = d.binary(ctx, "availd"); err != nil {
		return err
	}
	if d.fedgateway, err = d.binary(ctx, "fedgateway"); err != nil {
		return err
	}
	fmt.Println("Certificates for TLS")
	if _, err := d.typed(ctx, d.availd, "dev-ca", "--out", d.path("tls"), "--host", hostName, "--host", "127.0.0.1"); err != nil {
		return err
	}
	d.ca, d.cert, d.key = d.path("tls", "ca.pem"), d.path("tls", "server.pem"), d.path("tls", "server.key")
	if err := os.WriteFile(d.path("password"), []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	ports, err := freePorts(5)
	if err != nil {
		return err
	}
	d.gatewayPort = ports[0]
	if err := d.startGateway(); err != nil {
		return err
	}
	d.contoso = newOrganization("Contoso", "contoso.example", ports[1], ports[2], "tom", "anna", "room1")
	d.fabrikam = newOrganization("Fabrikam", "fabrikam.example", ports[3], ports[4], "rita", "bob")
	for _, o := range []*organization{d.contoso, d.fabrikam} {
		if err := d.setUpOrganization(ctx, o); err != nil {
			return err
		}
	}
	if err := d.relate(ctx, d.contoso, d.fabrikam); err != nil {
		return err
	}
	if err := d.relate(ctx, d.fabrikam, d.contoso); err != nil {
		return err
	}
	return d.writeInfo()
}

func (d *demo) startGateway(extra ...string) (err error) {
	base := fmt.Sprintf("https://%s:%d", hostName, d.gatewayPort)
	d.gateway = gatewayInfo{issuer, base + "/extSTS.srf", base + "/FederationMetadata/2006-12/FederationMetadata.xml", d.path("gateway", "signing.key"), d.path("gateway", "signing.pem")}
	args := append([]string{"serve", "--data", d.path("gateway"), "--listen", fmt.Sprintf("127.0.0.1:%d", d.gatewayPort), "--public-url", base,
		"--issuer", issuer, "--tls-cert", d.cert, "--tls-key", d.key, "--profile", d.profile}, extra...)
	fmt.Println("Federation gateway at", base)
	d.gatewayProcess, err = d.start("fedgateway", d.gatewayPort, d.fedgateway, args...)
	return err
}

func (d *demo) setUpOrganization(ctx context.Context, o *organization) error {
	short := o.Domain[:len(o.Domain)-len(".example")]
	o.Database, o.CAFile, o.EncryptionCert = d.path(short+".db"), d.ca, d.path(short+"-organization.pem")
	base := fmt.Sprintf("https://%s:%d", hostName, o.port)
	o.EWSURL, o.AutodiscoverEP = base+"/EWS/Exchange.asmx", base+"/Autodiscover/Autodiscover.svc"
	o.AdminURL = fmt.Sprintf("http://127.0.0.1:%d", o.admin)
	fmt.Printf("\n%s: trust, organization identifier, mailboxes\n", o.Name)
	var commands [][]string
	if d.postgres || d.databaseURL != "" {
		if err := d.inPostgres(ctx, o, short); err != nil {
			return err
		}
		o.MasterKeyFile = d.path(short + ".key")
		if _, err := d.typed(ctx, d.availd, "key", "create", "--out", o.MasterKeyFile); err != nil {
			return err
		}
		commands = append(commands, []string{"migrate"})
	}
	db := o.databaseFlags()
	commands = append(commands, [][]string{
		{"trust", "create", "Demo Gateway", "--metadata-url", d.gateway.MetadataURL, "--application-uri", o.ApplicationURI, "--profile", d.profile, "--ca-file", d.ca, "--allow-private"},
		{"trust", "export-certificate", "--out", o.EncryptionCert},
		{"org", "set", "--account-namespace", o.ApplicationURI, "--domain", o.Domain, "--accepted-domain", o.ApplicationURI, "--enabled"},
		{"url", "set", "--ews-external", o.EWSURL},
	}...)
	for i, u := range o.Users {
		file := d.path(fmt.Sprintf("%s-%d.ics", short, i))
		if err := os.WriteFile(file, []byte(calendar(short, i, time.Now())), 0o600); err != nil {
			return err
		}
		commands = append(commands, []string{"mailbox", "create", u.Address, "--time-zone", "Europe/Berlin", "--password-file", d.path("password")},
			[]string{"mailbox", "permission", "set", u.Address, "--default", "LimitedDetails"}, []string{"mailbox", "import", u.Address, file})
	}
	for _, c := range commands {
		if _, err := d.typed(ctx, d.availd, append(c, db...)...); err != nil {
			return err
		}
	}
	if _, err := d.typed(ctx, d.fedgateway, "org", "add", o.Name, "--data", d.path("gateway"), "--application-uri", o.ApplicationURI,
		"--account-namespace", o.ApplicationURI, "--domain", o.Domain, "--certificate", o.EncryptionCert); err != nil {
		return err
	}
	var err error
	o.process, err = d.start(short, o.port, d.availd, append([]string{"serve", "--listen", fmt.Sprintf("127.0.0.1:%d", o.port),
		"--admin-listen", fmt.Sprintf("127.0.0.1:%d", o.admin), "--tls-cert", d.cert, "--tls-key", d.key, "--host", hostName, "--drain-delay", "0s"}, db...)...)
	return err
}

// databaseFlags lead a command to the organization's data.
func (o *organization) databaseFlags() []string {
	flags := []string{"--database", o.Database}
	if o.MasterKeyFile != "" {
		flags = append(flags, "--master-key-file", o.MasterKeyFile)
	}
	return flags
}

// relate creates o's relationship with the partner.
func (d *demo) relate(ctx context.Context, o, partner *organization) error {
	fmt.Printf("\n%s: organization relationship with %s\n", o.Name, partner.Name)
	_, err := d.typed(ctx, d.availd, append(o.databaseFlags(), "orgrel", "create", partner.Name, "--domain", partner.Domain, "--free-busy-access",
		"--free-busy-access-level", "LimitedDetails", "--target-application-uri", partner.ApplicationURI,
		"--target-autodiscover-epr", partner.AutodiscoverEP+"/wssecurity", "--ca-file", d.ca, "--allow-address", "127.0.0.0/8", "--allow-address", "::1/128")...)
	return err
}

func (d *demo) writeInfo() error {
	b, err := json.MarshalIndent(map[string]any{"gateway": d.gateway, "organizations": []*organization{d.contoso, d.fabrikam}}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(d.path("demo.json"), append(b, '\n'), 0o600)
}

func (d *demo) printHelp() {
	fmt.Printf("\nIt stays up; end it with Ctrl-C. Everything lies in %s, described by demo.json.\n", d.dir)
	for _, o := range []*organization{d.contoso, d.fabrikam} {
		fmt.Printf("  %-9s %s  health and metrics %s\n", o.Name, o.EWSURL, o.AdminURL)
		for _, u := range o.Users {
			fmt.Printf("            %s  password %q\n", u.Address, u.Password)
		}
	}
	fmt.Printf("Try:\n  %s freebusy tom@contoso.example bob@fabrikam.example --as rita@fabrikam.example --password-file %s --ca-file %s --server %s\n",
		d.availd, d.path("password"), d.ca, d.fabrikam.EWSURL)
}

// calendar is a plausible week of one person.
func calendar(org string, person int, now time.Time) string {
	monday := now.UTC().AddDate(0, 0, -(int(now.UTC().Weekday())+6)%7)
	day := func(n int) string { return monday.AddDate(0, 0, n).Format("20060102") }
	event := func(uid, start, duration, summary, location, extra string) string {
		return fmt.Sprintf("BEGIN:VEVENT\r\nUID:%s-%d-%s\r\nDTSTAMP:%s\r\nDTSTART;TZID=Europe/Berlin:%s\r\nDURATION:%s\r\nSUMMARY:%s\r\nLOCATION:%s\r\n%sEND:VEVENT\r\n",
			org, person, uid, now.UTC().Format("20060102T150405Z"), start, duration, summary, location, extra)
	}
	shift := []string{"09", "10", "11"}[person%3]
	s := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//availd//demo//EN\r\n"
	s += event("standup", day(0)+"T"+shift+"0000", "PT30M", "Stand-up", "Room 1", "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\r\nATTENDEE:mailto:team@example.com\r\n")
	s += event("planning", day(1)+"T133000", "PT1H30M", "Planning", "Room 2", "")
	s += event("dentist", day(2)+"T160000", "PT1H", "Dentist", "Main Street", "CLASS:PRIVATE\r\n")
	s += event("maybe", day(3)+"T140000", "PT1H", "Coffee with a partner", "Lobby", "STATUS:TENTATIVE\r\n")
	s += event("away", day(4)+"T130000", "PT5H", "Out of office", "", "X-MICROSOFT-CDO-BUSYSTATUS:OOF\r\n")
	return s + "END:VCALENDAR\r\n"
}
