// Package fault is every way to fail, and the one table of what each becomes on each wire.
package fault

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Kind is the closed list of failures.
type Kind uint8

// The kinds. Per mailbox (P) kinds stand in a Result; the others refuse the whole request.
const (
	Internal Kind = iota
	ServerBusy
	Timeout // P
	MalformedXML
	SchemaValidation
	MustUnderstand
	VersionMismatch
	InvalidRequest
	UnknownOperation
	TooLarge
	UnsupportedMediaType
	MethodNotAllowed
	Unauthorized
	AccessDenied
	InvalidSecurity
	InvalidSecurityToken
	FailedAuthentication
	InvalidServerVersion
	MissingArgument
	MailboxDataArrayEmpty
	MailboxDataArrayTooBig
	InvalidTimeInterval
	TimeIntervalTooBig
	InvalidMergedFreeBusyInterval
	InvalidFreeBusyViewType
	TimeZone                 // the zone is missing or malformed
	MailRecipientNotFound    // P
	InvalidSMTPAddress       // P
	NoFreeBusyAccess         // P
	ProxyRequestFailed       // P: the remote call failed
	ProxyRequestNotAllowed   // P: an external request would have to be forwarded
	AutodiscoverFailed       // P
	AddressSpaceNotFound     // P: no relationship covers the domain
	RelationshipUnusable     // P: the relationship exists but cannot be used to ask
	MailTipsDisabled         // P: the relationship gives no MailTips
	PhotoNotFound            // P
	ResultSetTooBig          // P
	FreeBusyDLLimitReached   // P: a group of too many members
	FreeBusyGenerationFailed // P: store or calendar unreadable
	MeetingSuggestionGenerationFailed
	NameResolutionNoResults       // in an answer: nobody is called so
	NameResolutionMultipleResults // in an answer: several are
	InvalidNameForNameResolution  // in an answer: nothing that could be a name
	InvalidUserOofSettings        // in an answer
	InvalidScheduledOofDuration   // in an answer
	InvalidArgument               // in an answer
	InvalidUser                   // autodiscover, per user
	InvalidDomain                 // autodiscover
	NotFederated                  // autodiscover
	InvalidSetting                // autodiscover
	SettingIsNotAvailable         // autodiscover
	STSFailedAuthentication
	STSInvalidScope
	STSInvalidRequest
	STSExpiredData
	Invalid  // a bad value typed by an administrator
	NotFound // an object an administrator named
	Conflict
	Unavailable // store or network gone, as an administrator sees it
	kinds
)

// Row is what a kind becomes. Empty strings: that wire has no such thing.
type Row struct {
	Kind          Kind
	Name          string // for logs and metrics labels (closed set)
	EWS           string // ResponseCode
	ExceptionType string // EWS per-mailbox MessageXml, class name with Microsoft.Exchange.InfoWorker.Common.Availability prefix where documented
	ExceptionCode int    // 0 = left out
	WSSE          string // local name of the WS-Security fault code
	Autodiscover  string // ErrorCode
	WSTrust       string // subcode local name
	HTTP          int
	Exit          int
	Level         slog.Level
	Text          string // wire text when the error brings none
}

// Error is one failure. Message may go to the wire; Cause never does.
type Error struct {
	Kind      Kind
	Message   string // "" = the row's text
	Cause     error
	BackOff   time.Duration // ServerBusy
	Line, Col int           // SchemaValidation
}

// New makes an Error whose message may be shown to the caller.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Because makes an Error with the kind's own text and a cause for the log.
func Because(k Kind, cause error) *Error { return &Error{Kind: k, Cause: cause} }

// Error is for the log: kind, message and cause.
func (e *Error) Error() string {
	s := e.Kind.Row().Name + ": " + e.Text()
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Text is what may go to the wire.
func (e *Error) Text() string {
	if e.Message != "" {
		return e.Message
	}
	return e.Kind.Row().Text
}

// As returns err as *Error; anything else becomes Internal with err as cause. nil stays nil.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Because(Internal, err)
}

// KindOf returns the kind of err.
func KindOf(err error) Kind { return As(err).Kind }
