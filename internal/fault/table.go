package fault

import "log/slog"

const (
	avail = "Microsoft.Exchange.InfoWorker.Common.Availability."
	lInfo = slog.LevelInfo
	lWarn = slog.LevelWarn
	lErr  = slog.LevelError
)

// Texts of WS-Security and EWS faults that administrators search for; byte-exact.
const (
	textInvalidSecurity      = "An error occurred when verifying security for the message."
	textInvalidSecurityToken = "An error occurred when processing the security tokens in the message."
	textFailedAuthentication = "At least one security token in the message could not be validated."
	textInternal             = "An internal server error occurred. The operation failed."
	textBusy                 = "The server cannot service this request right now. Try again later."
	textAccessDenied         = "Access is denied. Check credentials and try again."
	textSTS                  = "Authentication Failure"
)

// The columns: kind, name, EWS, exception type, code, WSSE, Autodiscover, WS-Trust, HTTP, exit, level, text.
var table = [kinds]Row{
	Internal:                          {Internal, "internal", "ErrorInternalServerError", "", 0, "", "InternalServerError", "RequestFailed", 500, 2, lErr, textInternal},
	ServerBusy:                        {ServerBusy, "server_busy", "ErrorServerBusy", "", 0, "", "ServerBusy", "RequestFailed", 500, 4, lWarn, textBusy},
	Timeout:                           {Timeout, "timeout", "ErrorTimeoutExpired", avail + "TimeoutExpiredException", 0, "", "InternalServerError", "RequestFailed", 200, 4, lWarn, "Request could not be processed in time. Timeout occurred during 'Waiting-For-Request-Completion'."},
	MalformedXML:                      {MalformedXML, "malformed_xml", "ErrorSchemaValidation", "", 0, "", "InvalidRequest", "InvalidRequest", 500, 1, lInfo, "The request failed schema validation."},
	SchemaValidation:                  {SchemaValidation, "schema_validation", "ErrorSchemaValidation", "", 0, "", "InvalidRequest", "InvalidRequest", 500, 1, lInfo, "The request failed schema validation."},
	MustUnderstand:                    {MustUnderstand, "must_understand", "ErrorInvalidRequest", "", 0, "", "InvalidRequest", "InvalidRequest", 500, 1, lInfo, "A header marked mustUnderstand was not understood."},
	VersionMismatch:                   {VersionMismatch, "version_mismatch", "ErrorInvalidRequest", "", 0, "", "InvalidRequest", "InvalidRequest", 500, 1, lInfo, "The envelope is not of the SOAP version that this endpoint speaks."},
	InvalidRequest:                    {InvalidRequest, "invalid_request", "ErrorInvalidRequest", "", 0, "", "InvalidRequest", "InvalidRequest", 500, 1, lInfo, "The request is invalid."},
	UnknownOperation:                  {UnknownOperation, "unknown_operation", "ErrorInvalidOperation", "", 0, "", "InvalidRequest", "InvalidRequest", 500, 1, lInfo, "The operation is not served here."},
	TooLarge:                          {TooLarge, "too_large", "ErrorRequestStreamTooBig", "", 0, "", "InvalidRequest", "InvalidRequest", 413, 1, lInfo, "The request is too large."},
	UnsupportedMediaType:              {UnsupportedMediaType, "unsupported_media_type", "", "", 0, "", "", "", 415, 1, lInfo, "The content type or encoding is not supported."},
	MethodNotAllowed:                  {MethodNotAllowed, "method_not_allowed", "", "", 0, "", "", "", 405, 1, lInfo, "The method is not allowed."},
	Unauthorized:                      {Unauthorized, "unauthorized", "", "", 0, "", "", "", 401, 5, lInfo, "Credentials are missing or wrong."},
	AccessDenied:                      {AccessDenied, "access_denied", "ErrorAccessDenied", "", 0, "", "InvalidUser", "FailedAuthentication", 500, 5, lInfo, textAccessDenied},
	InvalidSecurity:                   {InvalidSecurity, "invalid_security", "ErrorAccessDenied", "", 0, "InvalidSecurity", "", "FailedAuthentication", 500, 5, lWarn, textInvalidSecurity},
	InvalidSecurityToken:              {InvalidSecurityToken, "invalid_security_token", "ErrorAccessDenied", "", 0, "InvalidSecurityToken", "", "FailedAuthentication", 500, 5, lWarn, textInvalidSecurityToken},
	FailedAuthentication:              {FailedAuthentication, "failed_authentication", "ErrorAccessDenied", "", 0, "FailedAuthentication", "", "FailedAuthentication", 500, 5, lWarn, textFailedAuthentication},
	InvalidServerVersion:              {InvalidServerVersion, "invalid_server_version", "ErrorInvalidServerVersion", "", 0, "", "", "", 500, 1, lInfo, "The specified server version is invalid."},
	MissingArgument:                   {MissingArgument, "missing_argument", "ErrorMissingArgument", "", 0, "", "InvalidRequest", "", 500, 1, lInfo, "A required argument is missing."},
	MailboxDataArrayEmpty:             {MailboxDataArrayEmpty, "mailbox_data_array_empty", "ErrorMailboxDataArrayEmpty", "", 0, "", "", "", 500, 1, lInfo, "The MailboxDataArray is empty."},
	MailboxDataArrayTooBig:            {MailboxDataArrayTooBig, "mailbox_data_array_too_big", "ErrorMailboxDataArrayTooBig", "", 0, "", "", "", 500, 1, lInfo, "The MailboxDataArray has too many entries."},
	InvalidTimeInterval:               {InvalidTimeInterval, "invalid_time_interval", "ErrorInvalidTimeInterval", "", 0, "", "", "", 500, 1, lInfo, "The end of the time window must be after its start."},
	TimeIntervalTooBig:                {TimeIntervalTooBig, "time_interval_too_big", "ErrorTimeIntervalTooBig", "", 0, "", "", "", 500, 1, lInfo, "The time window is too long."},
	InvalidMergedFreeBusyInterval:     {InvalidMergedFreeBusyInterval, "invalid_merged_interval", "ErrorInvalidMergedFreeBusyInterval", "", 0, "", "", "", 500, 1, lInfo, "MergedFreeBusyIntervalInMinutes must be from 5 to 1440."},
	InvalidFreeBusyViewType:           {InvalidFreeBusyViewType, "invalid_view_type", "ErrorInvalidFreeBusyViewType", "", 0, "", "", "", 500, 1, lInfo, "The requested view is not valid."},
	TimeZone:                          {TimeZone, "time_zone", "ErrorTimeZone", avail + "TimeZoneException", 0, "", "", "", 500, 1, lInfo, "The time zone isn't valid."},
	MailRecipientNotFound:             {MailRecipientNotFound, "mail_recipient_not_found", "ErrorMailRecipientNotFound", avail + "MailRecipientNotFoundException", 5009, "", "InvalidUser", "", 200, 3, lInfo, "Unable to resolve the e-mail address to an Active Directory object."},
	InvalidSMTPAddress:                {InvalidSMTPAddress, "invalid_smtp_address", "ErrorInvalidSmtpAddress", avail + "InvalidSmtpAddressException", 5035, "", "InvalidUser", "", 200, 1, lInfo, "The e-mail address is not a valid SMTP address."},
	NoFreeBusyAccess:                  {NoFreeBusyAccess, "no_free_busy_access", "ErrorNoFreeBusyAccess", avail + "NoFreeBusyAccessException", 5037, "", "InvalidUser", "", 200, 5, lInfo, "The caller does not have access to free/busy data."},
	ProxyRequestFailed:                {ProxyRequestFailed, "proxy_request_failed", "ErrorProxyRequestProcessingFailed", avail + "ProxyWebRequestProcessingException", 5016, "", "", "", 200, 4, lWarn, "Proxy web request failed."},
	ProxyRequestNotAllowed:            {ProxyRequestNotAllowed, "proxy_request_not_allowed", "ErrorProxyRequestNotAllowed", avail + "CrossOrganizationProxyNotAllowedForExternalOrganization", 0, "", "InvalidUser", "", 200, 5, lInfo, "The cross-organization request is not allowed because the requester is from a different organization"},
	AutodiscoverFailed:                {AutodiscoverFailed, "autodiscover_failed", "ErrorAutoDiscoverFailed", avail + "AutoDiscoverFailedException", 5039, "", "", "", 200, 4, lWarn, "Autodiscover failed for the e-mail address."},
	AddressSpaceNotFound:              {AddressSpaceNotFound, "address_space_not_found", "ErrorAddressSpaceNotFound", avail + "AddressSpaceNotFoundException", 0, "", "", "", 200, 3, lInfo, "Configuration information for the domain could not be found in Active Directory."},
	RelationshipUnusable:              {RelationshipUnusable, "relationship_unusable", "ErrorMailRecipientNotFound", avail + "MailRecipientNotFoundException", 5009, "", "", "", 200, 3, lWarn, "The organization relationship can't be used. Please confirm that the organization relationship is configured correctly."},
	MailTipsDisabled:                  {MailTipsDisabled, "mail_tips_disabled", "ErrorMailTipsDisabled", "", 0, "", "", "", 200, 5, lInfo, "MailTips aren't available for your organization."},
	PhotoNotFound:                     {PhotoNotFound, "photo_not_found", "ErrorItemNotFound", "", 0, "", "", "", 200, 3, lInfo, "The specified object was not found in the store."},
	ResultSetTooBig:                   {ResultSetTooBig, "result_set_too_big", "ErrorResultSetTooBig", avail + "ResultSetTooBigException", 0, "", "", "", 200, 2, lInfo, "The result set contains too many calendar entries."},
	FreeBusyDLLimitReached:            {FreeBusyDLLimitReached, "free_busy_dl_limit_reached", "ErrorFreeBusyDLLimitReached", avail + "FreeBusyDLLimitReachedException", 0, "", "", "", 200, 2, lInfo, "The distribution group has too many members."},
	FreeBusyGenerationFailed:          {FreeBusyGenerationFailed, "free_busy_generation_failed", "ErrorFreeBusyGenerationFailed", avail + "FreeBusyGenerationFailedException", 0, "", "InternalServerError", "", 200, 4, lErr, "The free/busy data could not be read."},
	MeetingSuggestionGenerationFailed: {MeetingSuggestionGenerationFailed, "meeting_suggestion_generation_failed", "ErrorMeetingSuggestionGenerationFailed", "", 0, "", "", "", 200, 4, lErr, "The meeting suggestions could not be made."},
	NameResolutionNoResults:           {NameResolutionNoResults, "name_resolution_no_results", "ErrorNameResolutionNoResults", "", 0, "", "", "", 200, 3, lInfo, "No results were found."},
	NameResolutionMultipleResults:     {NameResolutionMultipleResults, "name_resolution_multiple_results", "ErrorNameResolutionMultipleResults", "", 0, "", "", "", 200, 3, lInfo, "Multiple results were found."},
	InvalidNameForNameResolution:      {InvalidNameForNameResolution, "invalid_name_for_name_resolution", "ErrorInvalidNameForNameResolution", "", 0, "", "", "", 200, 1, lInfo, "The name is not valid for name resolution: it has neither a letter nor a digit."},
	InvalidUserOofSettings:            {InvalidUserOofSettings, "invalid_user_oof_settings", "ErrorInvalidUserOofSettings", "", 0, "", "", "", 200, 1, lInfo, "The user's Out of Office settings are not valid: the internal or the external reply is missing."},
	InvalidScheduledOofDuration:       {InvalidScheduledOofDuration, "invalid_scheduled_oof_duration", "ErrorInvalidScheduledOofDuration", "", 0, "", "", "", 200, 1, lInfo, "The time window of scheduled replies must end after it begins, and in the future."},
	InvalidArgument:                   {InvalidArgument, "invalid_argument", "ErrorInvalidArgument", "", 0, "", "", "", 200, 1, lInfo, "An argument is not valid."},
	InvalidUser:                       {InvalidUser, "invalid_user", "", "", 0, "", "InvalidUser", "", 200, 3, lInfo, "The user is not valid."},
	InvalidDomain:                     {InvalidDomain, "invalid_domain", "", "", 0, "", "InvalidDomain", "", 200, 3, lInfo, "The domain is not valid."},
	NotFederated:                      {NotFederated, "not_federated", "ErrorOrganizationNotFederated", "", 0, "", "NotFederated", "", 200, 3, lInfo, "The organization is not federated."},
	InvalidSetting:                    {InvalidSetting, "invalid_setting", "", "", 0, "", "InvalidSetting", "", 200, 1, lInfo, "The setting does not exist."},
	SettingIsNotAvailable:             {SettingIsNotAvailable, "setting_not_available", "", "", 0, "", "SettingIsNotAvailable", "", 200, 3, lInfo, "Setting is not available."},
	STSFailedAuthentication:           {STSFailedAuthentication, "sts_failed_authentication", "", "", 0, "", "", "FailedAuthentication", 500, 5, lWarn, textSTS},
	STSInvalidScope:                   {STSInvalidScope, "sts_invalid_scope", "", "", 0, "", "", "InvalidScope", 500, 3, lWarn, "The request scope is invalid or unsupported."},
	STSInvalidRequest:                 {STSInvalidRequest, "sts_invalid_request", "", "", 0, "", "", "InvalidRequest", 500, 1, lInfo, "The request was invalid or malformed."},
	STSExpiredData:                    {STSExpiredData, "sts_expired_data", "", "", 0, "", "", "ExpiredData", 500, 5, lInfo, "The request data is out-of-date."},
	Invalid:                           {Invalid, "invalid", "", "", 0, "", "", "", 400, 1, lInfo, "The value is not valid."},
	NotFound:                          {NotFound, "not_found", "", "", 0, "", "", "", 404, 3, lInfo, "There is no such object."},
	Conflict:                          {Conflict, "conflict", "", "", 0, "", "", "", 409, 3, lInfo, "The object exists already."},
	Unavailable:                       {Unavailable, "unavailable", "ErrorInternalServerTransientError", "", 0, "", "ServerBusy", "RequestFailed", 503, 4, lErr, "The store or the network cannot be reached."},
}

// Row returns what k becomes on each wire.
func (k Kind) Row() Row {
	if k >= kinds {
		return table[Internal]
	}
	return table[k]
}

// Table returns all rows in the order of their kinds.
func Table() []Row { return append([]Row(nil), table[:]...) }

// InAnswer is the first kind that a part of an answer can have by its EWS response code, such as one mailbox; false where
// none has that code.
func InAnswer(code string) (Kind, bool) {
	for _, row := range table {
		if code != "" && row.EWS == code && (row.HTTP == 200 || row.ExceptionType != "") {
			return row.Kind, true
		}
	}
	return Internal, false
}
