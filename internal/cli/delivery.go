package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/availd/availd/internal/admin"
	"github.com/availd/availd/internal/fault"
	"github.com/availd/availd/mailbox"
)

// recipientFlags are what mailboxes and groups have in common.
func recipientFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String("name", "", "display name")
	f.Bool("hidden", false, "keep it out of address lists: it is found by its whole address only")
	f.String("mail-tip", "", "line that senders are shown, at most 175 characters; empty: none")
	f.String("max-receive-size", "", "largest message it takes, such as 10MB, or unlimited")
	f.Bool("moderation", false, "tell senders that messages are moderated")
	f.Bool("require-sender-authentication", false, "tell senders outside the organization that they may not send")
	f.StringArray("accept-messages-only-from", nil, "the only sender who may send (repeatable); empty: everybody")
}

func deliveryParams(g *given) admin.DeliveryParams {
	return admin.DeliveryParams{MailTip: g.text("mail-tip"), MaxReceiveSize: parsed(g, "max-receive-size", admin.ParseSize), ModerationEnabled: g.bool("moderation"),
		RequireSenderAuthenticationEnabled: g.bool("require-sender-authentication"), AcceptMessagesOnlyFrom: g.addresses("accept-messages-only-from")}
}

func deliveryProperties(d mailbox.Delivery) []property {
	return []property{{"MailTip", d.MailTip}, {"MaxReceiveSize", admin.FormatSize(d.MaxReceiveSize)}, {"ModerationEnabled", d.ModerationEnabled},
		{"RequireSenderAuthenticationEnabled", d.RequireSenderAuthenticationEnabled}, {"AcceptMessagesOnlyFrom", d.AcceptMessagesOnlyFrom}}
}

// The values of RecipientTypeDetails.
const (
	typeUser      = "UserMailbox"
	typeRoom      = "RoomMailbox"
	typeEquipment = "EquipmentMailbox"
	typeGroup     = "MailUniversalDistributionGroup"
	typeRoomList  = "RoomList"
)

func mailboxType(m *mailbox.Mailbox) string {
	switch m.ResourceType {
	case mailbox.Room:
		return typeRoom
	case mailbox.Equipment:
		return typeEquipment
	case mailbox.Person:
	}
	return typeUser
}

// recipientType reads --type, and tells whether a recipient is of it.
func recipientType(cmd *cobra.Command, known ...string) (func(string) bool, error) {
	typed, _ := cmd.Flags().GetString("type")
	if typed == "" {
		return func(string) bool { return true }, nil
	}
	if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, typed) }) {
		return nil, fault.New(fault.Invalid, "--type: %q is not one of %s", typed, strings.Join(known, ", "))
	}
	return func(t string) bool { return strings.EqualFold(t, typed) }, nil
}

func groupType(g *mailbox.Group) string {
	if g.RoomList {
		return typeRoomList
	}
	return typeGroup
}
