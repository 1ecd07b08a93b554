package ews

import (
	"context"
	"slices"

	"github.com/availd/availd/directory"
	"github.com/availd/availd/internal/xmlsec"
	"github.com/availd/availd/smtpaddr"
)

// ResolveNames finds whom text means in the endpoint's address book: an address, or the beginning of one or of a name.
// At most 100 entries come; whole tells that there are no others. Where nobody is found the error is an [*Error] with the
// ResponseCode ErrorNameResolutionNoResults.
func (c *Client) ResolveNames(ctx context.Context, text string) (list []directory.Entry, whole bool, err error) {
	body := append(openRequest("ResolveNames", ` ReturnFullContactData="false" SearchScope="ActiveDirectory"`), "<m:UnresolvedEntry>"...)
	resp, err := c.ask(ctx, "ResolveNames", append(xmlsec.AppendText(body, text), "</m:UnresolvedEntry></m:ResolveNames>"...))
	if err != nil {
		return nil, false, err
	}
	message, err := onlyMessage(resp, "ResolveNamesResponseMessage")
	if err != nil {
		return nil, false, err
	}
	set := message.Child(nsMessages, "ResolutionSet")
	list, err = readEntries(set, func(e xmlsec.Element) xmlsec.Element { return e.Child(nsTypes, "Mailbox") })
	last, _ := set.Attr("IncludesLastItemInRange")
	return list, last == "true" || last == "1", err
}

// ExpandDL lists the direct members of a group, by its address or name; a group inside it is one entry of the type
// PublicDL.
func (c *Client) ExpandDL(ctx context.Context, group string) ([]directory.Entry, error) {
	resp, err := c.ask(ctx, "ExpandDL", appendGroup(openRequest("ExpandDL", ""), "Mailbox", group, "ExpandDL"))
	if err != nil {
		return nil, err
	}
	message, err := onlyMessage(resp, "ExpandDLResponseMessage")
	if err != nil {
		return nil, err
	}
	return readEntries(message.Child(nsMessages, "DLExpansion"), func(e xmlsec.Element) xmlsec.Element { return e })
}

// GetRoomLists lists the endpoint's lists of rooms, whose addresses GetRooms takes; there may be none.
func (c *Client) GetRoomLists(ctx context.Context) ([]directory.Entry, error) {
	resp, err := c.ask(ctx, "GetRoomLists", append(openRequest("GetRoomLists", ""), "</m:GetRoomLists>"...))
	if err != nil {
		return nil, err
	}
	if err := succeeded(resp); err != nil {
		return nil, err
	}
	return readEntries(resp.Child(nsMessages, "RoomLists"), func(e xmlsec.Element) xmlsec.Element { return e })
}

// GetRooms lists the rooms of a list of rooms. Their free/busy is asked like anybody's.
func (c *Client) GetRooms(ctx context.Context, list smtpaddr.Address) ([]directory.Entry, error) {
	resp, err := c.ask(ctx, "GetRooms", appendGroup(openRequest("GetRooms", ""), "RoomList", list.String(), "GetRooms"))
	if err != nil {
		return nil, err
	}
	if err := succeeded(resp); err != nil {
		return nil, err
	}
	return readEntries(resp.Child(nsMessages, "Rooms"), func(e xmlsec.Element) xmlsec.Element { return e.Child(nsTypes, "Id") })
}

// GetUserOofSettings reads the automatic replies of the caller's mailbox, and who outside may get any ([MS-OXWOOF]). Of another
// mailbox the error is an [*Error].
func (c *Client) GetUserOofSettings(ctx context.Context, of smtpaddr.Address) (s directory.OofSettings, allowed directory.ExternalAudience, err error) {
	body := append(appendOwner(openRequest("GetUserOofSettingsRequest", ""), of), "</m:GetUserOofSettingsRequest>"...)
	resp, err := c.ask(ctx, "GetUserOofSettings", body)
	if err != nil {
		return s, "", err
	}
	if err := succeeded(resp.Child(nsMessages, "ResponseMessage")); err != nil {
		return s, "", err
	}
	e := resp.Child(nsTypes, "OofSettings")
	if e.IsZero() {
		return s, "", lie("it has no OofSettings")
	}
	if s, err = readOofSettings(e); err != nil {
		return s, "", lie("its OofSettings are malformed")
	}
	text, err := textOf(resp.Child(nsMessages, "AllowExternalOof"))
	return s, directory.ExternalAudience(text), err
}

// SetUserOofSettings replaces the automatic replies of the caller's mailbox: Start and End count where State is
// [directory.OofScheduled] ([MS-OXWOOF]).
func (c *Client) SetUserOofSettings(ctx context.Context, of smtpaddr.Address, s directory.OofSettings) error {
	body := appendOofSettings(appendOwner(openRequest("SetUserOofSettingsRequest", ""), of), "UserOofSettings", s)
	resp, err := c.ask(ctx, "SetUserOofSettings", append(body, "</m:SetUserOofSettingsRequest>"...))
	if err != nil {
		return err
	}
	return succeeded(resp.Child(nsMessages, "ResponseMessage"))
}

// MailTipsConfiguration reads what the endpoint says of MailTips (GetServiceConfiguration). What Exchange 2010 does not
// know yet is zero.
func (c *Client) MailTipsConfiguration(ctx context.Context) (out directory.MailTipsConfiguration, err error) {
	const operation = "GetServiceConfiguration"
	resp, err := c.ask(ctx, operation, append(openRequest(operation, ""), "<m:RequestedConfiguration><m:ConfigurationName>MailTips</m:ConfigurationName></m:RequestedConfiguration></m:"+operation+">"...))
	if err != nil {
		return out, err
	}
	if err := succeeded(resp); err != nil {
		return out, err
	}
	message, err := onlyMessage(resp, "ServiceConfigurationResponseMessageType")
	if err != nil {
		return out, err
	}
	e := message.Child(nsMessages, "MailTipsConfiguration")
	if e.IsZero() {
		return out, lie("it has no MailTipsConfiguration")
	}
	return readMailTipsConfiguration(e)
}

func readMailTipsConfiguration(e xmlsec.Element) (out directory.MailTipsConfiguration, err error) {
	for name, into := range map[string]*bool{"MailTipsEnabled": &out.Enabled, "ShowExternalRecipientCount": &out.ShowExternalRecipientCount, "PolicyTipsEnabled": &out.PolicyTipsEnabled} {
		flag, err := readFlag(e.Child(nsTypes, name))
		if err != nil {
			return out, err
		}
		*into = flag != nil && *flag
	}
	for name, into := range map[string]*int{"MaxRecipientsPerGetMailTipsRequest": &out.MaxRecipients, "MaxMessageSize": &out.MaxMessageSize, "LargeAudienceThreshold": &out.LargeAudienceThreshold, "LargeAudienceCap": &out.LargeAudienceCap} {
		n, err := readCount(e.Child(nsTypes, name))
		if err != nil {
			return out, err
		}
		if n != nil {
			*into = *n
		}
	}
	for d := range e.Child(nsTypes, "InternalDomains").Children() {
		name, _ := d.Attr("Name")
		below, _ := d.Attr("IncludeSubdomains")
		domain, err := smtpaddr.ParseDomain(name)
		if err != nil {
			return out, lie("%.100q is no domain", name)
		}
		out.InternalDomains = append(out.InternalDomains, directory.SmtpDomain{Name: domain, IncludeSubdomains: below == "true" || below == "1"})
	}
	return out, nil
}

// appendGroup writes an EmailAddressType and closes the request.
func appendGroup(dst []byte, element, group, request string) []byte {
	dst = xmlsec.AppendText(append(dst, "<m:"+element+"><t:EmailAddress>"...), group)
	return append(dst, "</t:EmailAddress></m:"+element+"></m:"+request+">"...)
}

func appendOwner(dst []byte, of smtpaddr.Address) []byte {
	dst = xmlsec.AppendText(append(dst, "<t:Mailbox><t:Address>"...), of.String())
	return append(dst, "</t:Address><t:RoutingType>SMTP</t:RoutingType></t:Mailbox>"...)
}

// readEntries reads a list that must be there, if only empty.
func readEntries(list xmlsec.Element, address func(xmlsec.Element) xmlsec.Element) (out []directory.Entry, err error) {
	if list.IsZero() {
		return nil, lie("it has no list")
	}
	for e := range list.Children() {
		entry, err := readEntry(address(e))
		if err != nil {
			return nil, err
		}
		out = append(out, entry)
	}
	return out, nil
}

// readEntry reads an EmailAddressType. What is not routed by SMTP has a name and no Address.
func readEntry(e xmlsec.Element) (entry directory.Entry, err error) {
	var address, kind string
	for name, into := range map[string]*string{"Name": &entry.Name, "EmailAddress": &address, "MailboxType": &kind} {
		if *into, err = textOf(e.Child(nsTypes, name)); err != nil {
			return entry, lie("%s", err)
		}
	}
	entry.Type = directory.MailboxType(kind)
	if kind != "" && !slices.Contains(mailboxTypes, kind) || address == "" && entry.Name == "" {
		return entry, lie("an entry %.60q of the type %.40q with the address %.100q", entry.Name, kind, address)
	}
	if address != "" && smtp(e.Child(nsTypes, "RoutingType")) {
		if entry.Address, err = smtpaddr.ParseProxyAddress(address); err != nil {
			return entry, lie("%.100q is no address", address)
		}
	}
	if entry.Name == "" {
		entry.Name = address
	}
	return entry, nil
}
