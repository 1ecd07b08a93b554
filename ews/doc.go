// Package ews is Exchange Web Services as far as free/busy needs it ([MS-OXWAVLS]): GetUserAvailability with suggestions,
// server and client; what senders are told of their recipients, GetMailTips and GetUserPhoto, likewise both ends and over
// relationships; what programs call before they ask for free/busy: GetServerTimeZones, GetFolder and ConvertId; FindItem and
// GetItem, by which they read a calendar; and the address book: ResolveNames, ExpandDL, GetRoomLists, GetRooms,
// GetUserOofSettings, SetUserOofSettings ([MS-OXWOOF]) and GetServiceConfiguration ([MS-OXWCONFIG]). Every other operation is
// answered with a proper fault.
//
// [Client] calls them, of availd and of Exchange servers: its methods are named after the operations, its errors are an
// [*Error] with the ResponseCode. Nothing that a program must name lies in an internal package.
//
// Not covered of the calendar: masters of series, other views than CalendarView, conditions and sort orders, bodies,
// attachments and attendees, and every change.
package ews

// Namespaces of the EWS schema.
const (
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	nsErrors   = "http://schemas.microsoft.com/exchange/services/2006/errors"
)
