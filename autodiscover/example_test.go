package autodiscover_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/availd/availd/autodiscover"
	"github.com/availd/availd/smtpaddr"
)

func ExampleClient_GetUserSettings() {
	server := httptest.NewTLSServer(as("own"))
	defer server.Close()

	client := &autodiscover.Client{HTTP: server.Client(), Username: "ann@contoso.example", Password: "secret"}
	url := server.URL + "/autodiscover/autodiscover.svc"
	settings, err := client.GetUserSettings(context.Background(), url, smtpaddr.MustAddress("tom@contoso.example"), "ExternalEwsUrl", "EwsSupportedSchemas")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(settings["ExternalEwsUrl"])

	_, err = client.GetUserSettings(context.Background(), url, smtpaddr.MustAddress("nobody@contoso.example"), "ExternalEwsUrl")
	var refused *autodiscover.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Code)
	}
	// Output:
	// https://mail.contoso.example/EWS/Exchange.asmx
	// InvalidUser
}

func ExampleClient_GetFederationInformation() {
	server := httptest.NewTLSServer(as("anonymous"))
	defer server.Close()

	client := &autodiscover.Client{HTTP: server.Client()}
	info, err := client.GetFederationInformation(context.Background(), server.URL+"/autodiscover/autodiscover.svc", smtpaddr.MustDomain("contoso.example"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.ApplicationUri)
	for _, d := range info.Domains {
		fmt.Println(d)
	}
	// Output:
	// exchangedelegation.contoso.example
	// exchangedelegation.contoso.example
	// contoso.example
}
