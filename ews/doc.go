// Package ews is Exchange Web Services as far as free/busy needs it ([MS-OXWAVLS]): GetUserAvailability with suggestions,
// server and client; and what programs call before they ask for free/busy: GetServerTimeZones, GetFolder, ConvertId and
// ResolveNames. Every other operation is answered with a proper fault.
package ews

// Namespaces of the EWS schema.
const (
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	nsErrors   = "http://schemas.microsoft.com/exchange/services/2006/errors"
)
