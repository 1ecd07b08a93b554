#!/usr/bin/env bash
# A federated lookup by hand: openssl, xmlsec1, xmllint and curl, no Go. It starts a demo in profile exchange (SHA-1 and
# 3DES, as the published Exchange traces have them), mints a delegation token with the gateway's signing key, signs and
# posts GetUserAvailability, and compares the digits with `availd freebusy`. Then it asks the gateway for a token by an
# RST of its own making and opens the token with the target's key.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
bin/availdemo -profile exchange -dir "$work/demo" >"$work/demo.out" 2>&1 &
demo=$!
trap 'kill $demo 2>/dev/null || true; wait $demo 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 300); do
	grep -q 'It stays up' "$work/demo.out" && break
	kill -0 $demo 2>/dev/null || { cat "$work/demo.out"; exit 1; }
	sleep 0.1
done
fail() { echo "by hand: $*" >&2; exit 1; }

# --- what demo.json says
field() { sed -n "s/.*\"$1\": \"\(.*\)\".*/\1/p" "$work/demo/demo.json" | sed -n "${2:-1}p"; }
issuer=$(field issuer) sts=$(field sts_url) signing_key=$(field signing_key)
contoso_uri=$(field application_uri 1) fabrikam_uri=$(field application_uri 2)
contoso_ews=$(field ews_url 1)/wssecurity contoso_svc=$(field autodiscover_url 1)/wssecurity fabrikam_ews=$(field ews_url 2)
ca=$(field ca_file) cert=$(field encryption_cert 1) contoso_db=$(field database 1) fabrikam_db=$(field database 2)

# --- names
SAML=urn:oasis:names:tc:SAML:1.0:assertion DS=http://www.w3.org/2000/09/xmldsig# XENC=http://www.w3.org/2001/04/xmlenc#
WSSE=http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd
WSU=http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd
WSA=http://www.w3.org/2005/08/addressing WST=http://schemas.xmlsoap.org/ws/2005/02/trust
C14N=http://www.w3.org/2001/10/xml-exc-c14n#
SKI=http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509SubjectKeyIdentifier
stamp() { date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ; }
ski() { # the certificate's Subject Key Identifier in base64
	local hex
	hex=$(openssl x509 -in "$1" -noout -ext subjectKeyIdentifier | tail -n 1 | tr -d ' :')
	printf "$(sed 's/../\\x&/g' <<<"$hex")" | base64 -w 0
}
reference() { echo "<ds:Reference URI=\"#$1\"><ds:Transforms>$2<ds:Transform Algorithm=\"$C14N\"/></ds:Transforms><ds:DigestMethod Algorithm=\"${DS}sha1\"/><ds:DigestValue/></ds:Reference>"; }
signature() { # method, references, key info
	echo "<ds:Signature xmlns:ds=\"$DS\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"$C14N\"/><ds:SignatureMethod Algorithm=\"$DS$1\"/>$2</ds:SignedInfo><ds:SignatureValue/>$3</ds:Signature>"
}
enveloped="<ds:Transform Algorithm=\"${DS}enveloped-signature\"/>"
strip() { sed -e '1s/^<?xml[^>]*?>//' "$1"; }
by_ski() { echo "<o:SecurityTokenReference xmlns:o=\"$WSSE\"><o:KeyIdentifier ValueType=\"$SKI\">$(ski "$1")</o:KeyIdentifier></o:SecurityTokenReference>"; }

# --- the clear assertion: subject, proof key encrypted to the target, e-mail address, action; signed rsa-sha1
openssl rand 32 >"$work/proof.bin"
wrapped=$(openssl pkeyutl -encrypt -certin -inkey "$cert" -pkeyopt rsa_padding_mode:oaep -in "$work/proof.bin" | base64 -w 0)
mint() { # action, file
	local id subject
	id=uuid-$(openssl rand -hex 16)
	subject="<saml:Subject><saml:NameIdentifier Format=\"http://schemas.xmlsoap.org/claims/UPN\">rita@$fabrikam_uri</saml:NameIdentifier><saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:holder-of-key</saml:ConfirmationMethod><ds:KeyInfo xmlns:ds=\"$DS\"><e:EncryptedKey xmlns:e=\"$XENC\"><e:EncryptionMethod Algorithm=\"${XENC}rsa-oaep-mgf1p\"/><ds:KeyInfo>$(by_ski "$cert")</ds:KeyInfo><e:CipherData><e:CipherValue>$wrapped</e:CipherValue></e:CipherData></e:EncryptedKey></ds:KeyInfo></saml:SubjectConfirmation></saml:Subject>"
	cat >"$work/assertion.xml" <<-EOF
	<saml:Assertion xmlns:saml="$SAML" MajorVersion="1" MinorVersion="1" AssertionID="$id" Issuer="$issuer" IssueInstant="$(stamp now)"><saml:Conditions NotBefore="$(stamp now)" NotOnOrAfter="$(stamp '+1 hour')"><saml:AudienceRestrictionCondition><saml:Audience>$contoso_uri</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions><saml:AttributeStatement>$subject<saml:Attribute AttributeName="EmailAddress" AttributeNamespace="http://schemas.xmlsoap.org/claims"><saml:AttributeValue>rita@fabrikam.example</saml:AttributeValue></saml:Attribute><saml:Attribute AttributeName="action" AttributeNamespace="http://schemas.xmlsoap.org/ws/2006/12/authorization/claims"><saml:AttributeValue>$1</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>$(signature rsa-sha1 "$(reference "$id" "$enveloped")" "")</saml:Assertion>
	EOF
	xmlsec1 --sign --privkey-pem "$signing_key" --id-attr:AssertionID "$SAML:Assertion" --output "$work/signed.xml" "$work/assertion.xml" >/dev/null 2>&1 || fail 'xmlsec1 did not sign the assertion'
	strip "$work/signed.xml" >"$work/plain.xml"
	cat >"$work/template.xml" <<-EOF
	<EncryptedData xmlns="$XENC" Id="Assertion0" Type="${XENC}Element"><EncryptionMethod Algorithm="${XENC}tripledes-cbc"/><ds:KeyInfo xmlns:ds="$DS"><EncryptedKey><EncryptionMethod Algorithm="${XENC}rsa-oaep-mgf1p"/><CipherData><CipherValue/></CipherData></EncryptedKey></ds:KeyInfo><CipherData><CipherValue/></CipherData></EncryptedData>
	EOF
	xmlsec1 --encrypt --pubkey-cert-pem "$cert" --session-key des-192 --xml-data "$work/plain.xml" --output "$work/encrypted.xml" "$work/template.xml" >/dev/null 2>&1 || fail 'xmlsec1 did not encrypt'
	# name the key by its Subject Key Identifier
	strip "$work/encrypted.xml" | tr -d '\n' | sed "s|rsa-oaep-mgf1p\"/><CipherData>|rsa-oaep-mgf1p\"/><ds:KeyInfo>$(by_ski "$cert" | sed 's/[&|]/\\&/g')</ds:KeyInfo><CipherData>|" >"$2"
	echo "$id" >"$2.id"
}

# --- a message with the token, signed with the proof key over Timestamp and To
message() { # token, to, action, body, file, other headers
	# The Timestamp's id is new for each message: the signature covers it, and two messages of one second must differ.
	local stamp_id=uuid-$(cat /proc/sys/kernel/random/uuid)
	local str="<o:SecurityTokenReference><o:KeyIdentifier ValueType=\"http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.0#SAMLAssertionID\">$(cat "$1.id")</o:KeyIdentifier></o:SecurityTokenReference>"
	cat >"$work/unsigned.xml" <<-EOF
	<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="$WSA" xmlns:u="$WSU" xmlns:o="$WSSE"><s:Header><a:Action s:mustUnderstand="1">$3</a:Action><a:MessageID>urn:uuid:$(cat /proc/sys/kernel/random/uuid)</a:MessageID><a:To s:mustUnderstand="1" u:Id="_1">$2</a:To><o:Security s:mustUnderstand="1"><u:Timestamp u:Id="$stamp_id"><u:Created>$(stamp now)</u:Created><u:Expires>$(stamp '+5 minutes')</u:Expires></u:Timestamp>$(cat "$1")$(signature hmac-sha1 "$(reference "$stamp_id" '')$(reference _1 '')" "<ds:KeyInfo>$str</ds:KeyInfo>")</o:Security>${6:-}</s:Header><s:Body>$4</s:Body></s:Envelope>
	EOF
	xmlsec1 --sign --hmackey "$work/proof.bin" --id-attr:Id "$WSU:Timestamp" --id-attr:Id "$WSA:To" \
		--node-xpath '/*/*[local-name()="Header"]/*[local-name()="Security"]/*[local-name()="Signature"]' --output "$5" "$work/unsigned.xml" >/dev/null 2>&1 || fail 'xmlsec1 did not sign the message'
}
post() { curl -sS --cacert "$ca" -H "Content-Type: $1" --data-binary "@$3" "$2"; }

day=$(date -u +%Y-%m-%d) next=$(date -u -d tomorrow +%Y-%m-%d)
none='<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>'
M=http://schemas.microsoft.com/exchange/services/2006/messages T=http://schemas.microsoft.com/exchange/services/2006/types
gua() { # view
	echo "<m:GetUserAvailabilityRequest xmlns:m=\"$M\" xmlns:t=\"$T\"><t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>$none</t:StandardTime><t:DaylightTime>$none</t:DaylightTime></t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>tom@contoso.example</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>${day}T00:00:00</t:StartTime><t:EndTime>${next}T00:00:00</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>$1</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
}

mint MSExchange.SharingCalendarFreeBusy "$work/token.xml"
message "$work/token.xml" "$contoso_ews" "$M/GetUserAvailability" "$(gua DetailedMerged)" "$work/request.xml"
post 'text/xml; charset=utf-8' "$contoso_ews" "$work/request.xml" >"$work/answer.xml"
mine=$(sed -n 's/.*<t:MergedFreeBusy>\([0-9]*\)<.*/\1/p' "$work/answer.xml")
[ -n "$mine" ] || { cat "$work/answer.xml"; tail -n 3 "$work/demo/contoso.log"; fail 'no digits came back'; }
theirs=$(bin/availd freebusy tom@contoso.example --as rita@fabrikam.example --password-file "$work/demo/password" --ca-file "$ca" --server "$fabrikam_ews" --output json | sed -n 's/.*"MergedFreeBusy": "\([0-9]*\)".*/\1/p')
[ "$mine" = "$theirs" ] || fail "by hand $mine, by availd $theirs"
echo "token minted by hand: $mine, as availd freebusy says"
valid() { # what they are, files
	[ -n "${EWS_XSD_DIR:-}" ] || { echo "EWS_XSD_DIR is not set: $1 not validated"; return; }
	xmllint --noout --nonet --schema "$EWS_XSD_DIR/validate.xsd" "${@:2}" 2>"$work/xmllint" || { grep -v ' validates$' "$work/xmllint"; fail "$1: not valid"; }
	echo "$1: valid against the schema of EWS"
}
valid "the partner's answer" "$work/answer.xml"

# --- every view by every RequestServerVersion that there is, and by none: one token, a message for each
versions=(none Exchange2007 Exchange2007_SP1 Exchange2009 Exchange2010 Exchange2010_SP1 Exchange2010_SP2 Exchange2012 Exchange2013 Exchange2013_SP1 Exchange2015 Exchange2016 Exchange2019 V2015_10_05 V2016_01_06 V2016_04_13 V2016_07_13 V2016_10_10 V2017_01_07 V2017_04_14 V2017_07_11)
mkdir "$work/views"
for view in MergedOnly FreeBusy FreeBusyMerged Detailed DetailedMerged; do
	for version in "${versions[@]}"; do
		header="<t:RequestServerVersion xmlns:t=\"$T\" Version=\"$version\"/>"
		[ "$version" = none ] && header=
		message "$work/token.xml" "$contoso_ews" "$M/GetUserAvailability" "$(gua $view)" "$work/views/$view@$version.request" "$header"
		printf 'url = "%s"\ncacert = "%s"\nheader = "Content-Type: text/xml; charset=utf-8"\ndata-binary = "@%s"\noutput = "%s"\nsilent\nshow-error\nnext\n' \
			"$contoso_ews" "$ca" "$work/views/$view@$version.request" "$work/views/$view@$version.xml"
	done
done | sed '$d' >"$work/views.config"
curl --config "$work/views.config"
events() { grep -o '<t:StartTime>[^<]*</t:StartTime><t:EndTime>[^<]*</t:EndTime><t:BusyType>[^<]*<' "$1" || true; }
for answer in "$work/views/"*.xml; do
	view=$(basename "${answer%@*}") digits= details=0 busy=
	case $view in *Merged*) digits=$mine ;; esac
	case $view in MergedOnly) ;; *) busy=$(events "$work/answer.xml") ;; esac
	case $view in Detailed*) details=$(grep -o '<t:BusyType>' "$work/answer.xml" | wc -l) ;; esac
	if ! grep -q "<t:FreeBusyViewType>$view<" "$answer" || [ "$(sed -n 's/.*<t:MergedFreeBusy>\([0-9]*\)<.*/\1/p' "$answer")" != "$digits" ] ||
		[ "$(events "$answer")" != "$busy" ] || [ "$(grep -o '<t:CalendarEventDetails>' "$answer" | wc -l)" != "$details" ]; then
		cat "$answer"
		fail "$(basename "$answer") is not what the first answer says"
	fi
done
echo "five views by ${#versions[@]} versions: the same digits, events and details"
valid "their answers" "$work/views/"*.xml

# --- the other operations that a token opens, before and after the relationship grants them
ask() { # operation, body, file
	message "$work/token.xml" "$contoso_ews" "$M/$1" "<m:$1 xmlns:m=\"$M\" xmlns:t=\"$T\">$2</m:$1>" "$work/ask.xml"
	post 'text/xml; charset=utf-8' "$contoso_ews" "$work/ask.xml" >"$3"
}
tips='<m:SendingAs><t:EmailAddress>rita@fabrikam.example</t:EmailAddress></m:SendingAs><m:Recipients><t:Mailbox><t:EmailAddress>tom@contoso.example</t:EmailAddress></t:Mailbox></m:Recipients><m:MailTipsRequested>All</m:MailTipsRequested>'
photo='<m:Email>tom@contoso.example</m:Email><m:SizeRequested>HR48x48</m:SizeRequested>'
bin/availd mailbox oof set tom@contoso.example --state Enabled --external-audience All --internal-message 'For colleagues' --external-message 'In the mountains' --database "$contoso_db"
bin/availd mailbox photo set tom@contoso.example --file ews/testdata/getuserphoto/tom.jpg --database "$contoso_db"
ask GetMailTips "$tips" "$work/tips.xml" && grep -q ErrorMailTipsDisabled "$work/tips.xml" || fail 'MailTips that nobody granted'
ask GetUserPhoto "$photo" "$work/photo.xml" && grep -q ErrorItemNotFound "$work/photo.xml" || fail 'a photo that nobody granted'
bin/availd orgrel set Fabrikam --mail-tips-access --mail-tips-access-level Limited --photos --database "$contoso_db"
sleep 1
ask GetMailTips "$tips" "$work/tips.xml" && grep -q '<t:Message>In the mountains<' "$work/tips.xml" || { cat "$work/tips.xml"; fail 'no automatic reply'; }
ask GetUserPhoto "$photo" "$work/photo.xml" && grep -q "<PictureData>$(base64 -w 0 ews/testdata/getuserphoto/tom.jpg)<" "$work/photo.xml" || { cat "$work/photo.xml"; fail 'another photo'; }
echo 'MailTips and a photo: refused, and given a second after the relationship grants them'
valid 'these answers' "$work/tips.xml" "$work/photo.xml"

# --- the same question of an own user: nothing but curl and Basic authentication
cat >"$work/basic.xml" <<EOF
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><t:RequestServerVersion xmlns:t="$T" Version="Exchange2013"/></s:Header><s:Body>$(gua DetailedMerged)</s:Body></s:Envelope>
EOF
curl -sS --cacert "$ca" -u "rita@fabrikam.example:$(cat "$work/demo/password")" -H 'Content-Type: text/xml; charset=utf-8' \
	--data-binary "@$work/basic.xml" "$fabrikam_ews" >"$work/basic-answer.xml"
[ "$(sed -n 's/.*<t:MergedFreeBusy>\([0-9]*\)<.*/\1/p' "$work/basic-answer.xml")" = "$mine" ] || { cat "$work/basic-answer.xml"; fail 'Basic authentication brought other digits'; }
echo 'curl with Basic authentication: the same digits'
valid "the own user's answer" "$work/basic-answer.xml"

post 'text/xml; charset=utf-8' "$contoso_ews" "$work/request.xml" | grep -q 'An error occurred when verifying security for the message.' || fail 'a replay was not refused'
echo 'the same message again: refused'

mint MSExchange.Autodiscover "$work/autodiscover-token.xml"
AD=http://schemas.microsoft.com/exchange/2010/Autodiscover
message "$work/autodiscover-token.xml" "$contoso_svc" "$AD/Autodiscover/GetUserSettings" "<GetUserSettingsRequestMessage xmlns=\"$AD\"><Request><Users><User><Mailbox>tom@contoso.example</Mailbox></User></Users><RequestedSettings><Setting>ExternalEwsUrl</Setting></RequestedSettings></Request></GetUserSettingsRequestMessage>" "$work/settings.xml"
post 'text/xml; charset=utf-8' "$contoso_svc" "$work/settings.xml" | grep -q '<Name>ExternalEwsUrl</Name><Value>https://' || fail 'the Autodiscover token did not pass at the .svc'
message "$work/autodiscover-token.xml" "$contoso_ews" "$M/GetUserAvailability" "$(gua DetailedMerged)" "$work/request2.xml"
post 'text/xml; charset=utf-8' "$contoso_ews" "$work/request2.xml" | grep -q ErrorNoFreeBusyAccess || fail 'the Autodiscover token opened the calendar'
echo 'a token for Autodiscover: passes at Autodiscover.svc, ErrorNoFreeBusyAccess at Exchange.asmx'

# --- a token request by hand, as Fabrikam
bin/availd trust export-certificate --with-private-key --database "$fabrikam_db" --out "$work/fabrikam.pem"
bin/availd trust export-certificate --with-private-key --database "$contoso_db" --out "$work/contoso.pem"
obo=saml-$(openssl rand -hex 16)
cat >"$work/obo.xml" <<EOF
<saml:Assertion xmlns:saml="$SAML" MajorVersion="1" MinorVersion="1" AssertionID="$obo" Issuer="$fabrikam_uri" IssueInstant="$(stamp now)"><saml:Conditions NotBefore="$(stamp now)" NotOnOrAfter="$(stamp '+5 minutes')"><saml:AudienceRestrictionCondition><saml:Audience>$issuer</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions><saml:AttributeStatement><saml:Subject><saml:NameIdentifier Format="http://schemas.xmlsoap.org/claims/UPN">rita@$fabrikam_uri</saml:NameIdentifier></saml:Subject><saml:Attribute AttributeName="EmailAddress" AttributeNamespace="http://schemas.xmlsoap.org/claims"><saml:AttributeValue>rita@fabrikam.example</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>$(signature rsa-sha1 "$(reference "$obo" "$enveloped")" "")</saml:Assertion>
EOF
xmlsec1 --sign --privkey-pem "$work/fabrikam.pem" --id-attr:AssertionID "$SAML:Assertion" --output "$work/obo-signed.xml" "$work/obo.xml" >/dev/null 2>&1 || fail 'xmlsec1 did not sign OnBehalfOf'
AUTH=http://schemas.xmlsoap.org/ws/2006/12/authorization
cat >"$work/rst.xml" <<EOF
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="$WSA" xmlns:u="$WSU" xmlns:o="$WSSE" xmlns:t="$WST"><s:Header><a:To s:mustUnderstand="1" u:Id="_1">$sts</a:To><a:Action s:mustUnderstand="1">$WST/RST/Issue</a:Action><a:MessageID>urn:uuid:$(cat /proc/sys/kernel/random/uuid)</a:MessageID><o:Security s:mustUnderstand="1"><u:Timestamp u:Id="_0"><u:Created>$(stamp now)</u:Created><u:Expires>$(stamp '+5 minutes')</u:Expires></u:Timestamp>$(signature rsa-sha1 "$(reference _0 '')$(reference _1 '')" "<ds:KeyInfo>$(by_ski "$work/fabrikam.pem")</ds:KeyInfo>")</o:Security></s:Header><s:Body><t:RequestSecurityToken><t:RequestType>$WST/Issue</t:RequestType><t:KeyType>$WST/SymmetricKey</t:KeyType><t:KeySize>256</t:KeySize><wsp:AppliesTo xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"><a:EndpointReference><a:Address>http://$contoso_uri</a:Address></a:EndpointReference></wsp:AppliesTo><t:OnBehalfOf>$(strip "$work/obo-signed.xml" | tr -d '\n')</t:OnBehalfOf><auth:AdditionalContext xmlns:auth="$AUTH"><auth:ContextItem Scope="$AUTH/ctx/requestor" Name="http://schemas.microsoft.com/wlid/requestor"><auth:Value>$fabrikam_uri</auth:Value></auth:ContextItem></auth:AdditionalContext><t:Claims xmlns:auth="$AUTH" Dialect="$AUTH/authclaims"><auth:ClaimType Uri="$AUTH/claims/action"><auth:Value>MSExchange.SharingCalendarFreeBusy</auth:Value></auth:ClaimType></t:Claims></t:RequestSecurityToken></s:Body></s:Envelope>
EOF
xmlsec1 --sign --privkey-pem "$work/fabrikam.pem" --id-attr:Id "$WSU:Timestamp" --id-attr:Id "$WSA:To" \
	--node-xpath '/*/*[local-name()="Header"]/*[local-name()="Security"]/*[local-name()="Signature"]' --output "$work/rst-signed.xml" "$work/rst.xml" >/dev/null 2>&1 || fail 'xmlsec1 did not sign the RST'
post 'application/soap+xml; charset=utf-8' "$sts" "$work/rst-signed.xml" >"$work/rstr.xml"
xmllint --xpath '//*[local-name()="RequestedSecurityToken"]/*' "$work/rstr.xml" >"$work/issued.xml" 2>/dev/null || { cat "$work/rstr.xml"; tail -n 2 "$work/demo/fedgateway.log"; fail 'the gateway issued nothing'; }
xmlsec1 --decrypt --privkey-pem "$work/contoso.pem" --output "$work/issued-clear.xml" "$work/issued.xml" >/dev/null 2>&1 || fail "xmlsec1 did not decrypt the gateway's token"
xmlsec1 --verify --pubkey-cert-pem "$(field signing_cert)" --id-attr:AssertionID "$SAML:Assertion" "$work/issued-clear.xml" >/dev/null 2>&1 || fail "the gateway's signature does not verify"
grep -q 'rita@fabrikam.example' "$work/issued-clear.xml" || fail 'the token is for somebody else'
echo 'a token asked for by hand: decrypts with the key of Contoso, verifies with the certificate of the gateway'
