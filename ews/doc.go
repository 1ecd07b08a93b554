// Package ews is Exchange Web Services as far as free/busy needs it ([MS-OXWAVLS]): GetUserAvailability with suggestions,
// server and client; what senders are told of their recipients, GetMailTips and GetUserPhoto, likewise both ends and over
// relationships; what programs call before they ask for free/busy: GetServerTimeZones, GetFolder and ConvertId; and the
// address book, server and client: ResolveNames, ExpandDL, GetRoomLists, GetRooms, GetUserOofSettings, SetUserOofSettings
// ([MS-OXWOOF]) and GetServiceConfiguration ([MS-OXWCONFIG]). Every other operation is answered with a proper fault.
package ews

// Namespaces of the EWS schema.
const (
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	nsErrors   = "http://schemas.microsoft.com/exchange/services/2006/errors"
)
