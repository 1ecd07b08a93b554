package cli_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shellLines types lines in the shell of an installation.
func shellLines(t *testing.T, database string, lines []line) {
	t.Helper()
	for _, c := range lines {
		status, out, errOut := shellRun(t, "", "--database", database, "shell", "-c", c.typed)
		if status != c.status || !strings.Contains(out+errOut, c.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", c.typed, status, c.status, c.want, out, errOut)
		}
	}
}

func TestRoomsAndListsOfRoomsAreKeptAsInTheField(t *testing.T) {
	database := installation(t)
	shellLines(t, database, []line{
		{"New-Mailbox -Name 'Room 1' -PrimarySmtpAddress room1@domain.com -Room", 0, ""},
		{"mailbox create beamer@domain.com --resource-type Equipment", 0, ""},
		{"mailbox create room2@domain.com --resource-type Hall", 1, `"Hall" is not one of Room, Equipment, Regular`},
		{"mailbox create room2@domain.com", 0, ""},
		{"Set-Mailbox room2@domain.com -Type Room -HiddenFromAddressListsEnabled $true", 0, ""},
		{"Get-Mailbox -RecipientTypeDetails RoomMailbox | ft PrimarySmtpAddress,HiddenFromAddressListsEnabled", 0, "PrimarySmtpAddress  HiddenFromAddressListsEnabled\nroom1@domain.com    false\nroom2@domain.com    true\n"},
		{"Get-Mailbox beamer | fl RecipientTypeDetails", 0, ": EquipmentMailbox"},
		{"mailbox list --output json", 0, `"RecipientTypeDetails": "UserMailbox"`},
		{"mailbox show --type Hall", 1, `"Hall" is not one of UserMailbox, RoomMailbox, EquipmentMailbox`},
		{"New-DistributionGroup -Name Berlin -PrimarySmtpAddress berlin@domain.com -Members room1@domain.com,room2@domain.com -RoomList", 0, ""},
		{"group create staff@domain.com --member johan@domain.com", 0, ""},
		{"Get-DistributionGroup -RecipientTypeDetails RoomList | ft DisplayName,RecipientTypeDetails", 0, "DisplayName  RecipientTypeDetails\nBerlin       RoomList\n"},
		{"group list", 0, "staff@domain.com"},
		{"group show berlin@domain.com", 0, "Members                            : room1@domain.com, room2@domain.com"},
		{"room list", 0, "room2@domain.com"},
		{"room list berlin@domain.com", 0, "Room 1"},
		{"room list staff@domain.com", 1, "staff@domain.com is no list of rooms"},
		{"room list none@domain.com", 3, "not found"},
		{"group set berlin@domain.com --member room1@domain.com --member anna@domain.com", 0, "warning: anna@domain.com is no room, and stands in the list of rooms berlin@domain.com"},
		{"room list berlin@domain.com --output json", 0, "room1@domain.com"},
		{"Set-DistributionGroup none@domain.com -RoomList", 3, "not found"},
		{"Set-DistributionGroup berlin@domain.com -RoomList:$false -HiddenFromAddressListsEnabled $true", 0, ""},
		{"audit --output list", 0, "Detail : HiddenFromAddressListsEnabled: false → true; RoomList: true → false"},
		{"audit --output list", 0, `Detail : HiddenFromAddressListsEnabled: false → true; ResourceType: "" → "Room"`},
		{"Remove-DistributionGroup berlin@domain.com", 0, ""},
		{"Remove-Mailbox room1@domain.com", 0, ""},
	})
	_, out, _ := run(t, database, "room list")
	if strings.Contains(out, "room1") || strings.Contains(out, "beamer") || strings.Contains(out, "johan") {
		t.Errorf("rooms are\n%s", out)
	}
}

func TestWhatSendersAreToldIsSetAsInTheField(t *testing.T) {
	database := installation(t)
	tip := strings.Repeat("ü", 175)
	shellLines(t, database, []line{
		{"Set-Mailbox johan@domain.com -MailTip 'Reads mail on Mondays' -MaxReceiveSize 10MB -ModerationEnabled $true -RequireSenderAuthenticationEnabled $true -AcceptMessagesOnlyFrom anna@domain.com", 0, ""},
		{"mailbox set johan@domain.com --mailbox-full", 0, ""},
		{"mailbox set anna@domain.com --alias a@domain.com", 0, ""},
		{"mailbox set johan@domain.com --accept-messages-only-from a@domain.com", 0, ""}, // who is in the list already
		{"Get-Mailbox johan | fl MailTip,MaxReceiveSize,MailboxFull,ModerationEnabled,RequireSenderAuthenticationEnabled,AcceptMessagesOnlyFrom", 0,
			"MailTip                            : Reads mail on Mondays\nMaxReceiveSize                     : 10 MB (10,485,760 bytes)\nMailboxFull                        : true\nModerationEnabled                  : true\nRequireSenderAuthenticationEnabled : true\nAcceptMessagesOnlyFrom             : anna@domain.com\n"},
		{"audit --output list", 0, `AcceptMessagesOnlyFrom: +"anna@domain.com"; MailTip: none → "Reads mail on Mondays"; MaxReceiveSize: none → 10485760; ModerationEnabled: none → true`},
		{"mailbox set johan@domain.com --mail-tip '" + tip + "'", 0, ""},
		{"mailbox set johan@domain.com --mail-tip '" + tip + "u'", 1, "a MailTip has at most 175 characters, and this one 176"},
		{"mailbox set johan@domain.com --accept-messages-only-from nobody@domain.com", 3, "sender nobody@domain.com: not found"},
		{"group create staff@domain.com --mail-tip 'Many people' --max-receive-size 512KB", 0, ""},
		{"group create 'two@domain.com' --mail-tip ''", 0, ""},
		{"mailbox set johan@domain.com --accept-messages-only-from staff@domain.com", 1, "staff@domain.com is a group; name the senders in it"},
		{"Get-DistributionGroup staff@domain.com | fl MailTip,MaxReceiveSize", 0, "MailTip        : Many people\nMaxReceiveSize : 512 KB (524,288 bytes)\n"},
		{"mailbox set johan@domain.com --max-receive-size much", 1, `"much" is no size such as 10MB or unlimited`},
		{"mailbox set johan@domain.com --max-receive-size 9999999999TB", 1, `is no size`},
		{"mailbox set johan@domain.com --max-receive-size 0", 1, `"0" is no size`},
		{"mailbox set johan@domain.com --max-receive-size '1.5 MB (1,572,864 bytes)'", 1, "is no size"},
		{"mailbox set johan@domain.com --max-receive-size '3 KB (3,072 bytes)'", 0, ""},
		{"mailbox show johan@domain.com --output json", 0, `"MaxReceiveSize": "3 KB (3,072 bytes)"`},
		{"Set-Mailbox johan@domain.com -MaxReceiveSize Unlimited -MailTip $null -AcceptMessagesOnlyFrom $null", 0, ""},
		{"Get-Mailbox johan | fl MaxReceiveSize,MailTip,AcceptMessagesOnlyFrom", 0, "MaxReceiveSize         : Unlimited\nMailTip                : \nAcceptMessagesOnlyFrom : \n"},
	})
	if status, _, errOut := shellRun(t, "", "--database", database, "mailbox", "set", "johan@domain.com", "--mail-tip", "two\nlines"); status != 1 || !strings.Contains(errOut, "a MailTip is one line") {
		t.Errorf("exit %d: %s", status, errOut)
	}
}

func TestAutomaticRepliesAreSetAsInTheField(t *testing.T) {
	database := installation(t)
	dir := t.TempDir()
	text := writeFile(t, dir, "reply.html", "<p>Fort,\nbis bald</p>")
	long := writeFile(t, dir, "long.html", strings.Repeat("x", 128<<10+1))
	latin1 := writeFile(t, dir, "latin1.txt", "Zur\xFCck am Montag")
	colour := writeFile(t, dir, "colour.txt", "\x1B[31mred\u009B0m\r\nend")
	shellLines(t, database, []line{
		{"mailbox set johan@domain.com --time-zone Europe/Berlin", 0, ""},
		{"Get-MailboxAutoReplyConfiguration johan | fl", 0, "AutoReplyState   : Disabled\nExternalAudience : All\nStartTime        : \n"},
		{"Get-MailboxAutoReplyConfiguration nobody", 3, "nobody: not found"},
		{"Set-MailboxAutoReplyConfiguration -Identity johan -AutoReplyState Enabled", 1, "automatic replies that are Enabled need an internal message"},
		{"mailbox oof set johan --state Away", 1, `"Away" is not one of Disabled, Enabled, Scheduled`},
		{"mailbox oof set johan --external-audience World", 1, `"World" is not one of None, Known, All`},
		{"mailbox oof set johan --internal-message-file " + dir + "/none", 1, "no such file"},
		{"mailbox oof set johan --internal-message x --internal-message-file " + text, 1, "none of the others can be"},
		{"mailbox oof set johan --internal-message-file " + long, 1, "the internal message has 131073 bytes, and at most 131072 are kept"},
		{"mailbox oof set johan --internal-message-file /dev/zero", 1, "the internal message has 131073 bytes, and at most 131072 are kept"},
		{"mailbox oof set johan --internal-message-file " + dir, 1, "is a directory"},
		{"mailbox oof set johan --internal-message-file " + latin1, 1, "the internal message is not UTF-8"},
		{"mailbox oof set johan --internal-message-file " + colour, 0, ""},
		{"mailbox oof show johan", 0, "InternalMessage  : \uFFFD[31mred\uFFFD0m\nend\n"},
		{"mailbox oof set johan --internal-message ''", 0, ""},
		{"mailbox oof set johan --state Scheduled --internal-message x --start 2096-12-24", 1, "scheduled automatic replies need a start and an end"},
		{"mailbox oof set johan --state Scheduled --internal-message x --start 2096-12-24 --end 2096-12-23", 1, "cannot end at 2096-12-22T23:00:00Z, before they start at 2096-12-23T23:00:00Z"},
		{"mailbox oof set johan --state Scheduled --internal-message x --start 2006-12-23 --end 2006-12-24", 1, "cannot end at 2006-12-23T23:00:00Z, which is past"},
		{"mailbox oof set johan --start tomorrow", 1, `"tomorrow" is not a time such as 2026-11-24T09:00`},
		{"mailbox oof set johan --state Enabled --internal-message Away", 0, "warning: the external message is empty: nobody outside is told that johan@domain.com is away"},
		{"mailbox oof set johan@domain.com --internal-message-file " + text + " --external-message Gone", 0, ""},
		{"Set-MailboxAutoReplyConfiguration johan -AutoReplyState Scheduled -StartTime 2096-12-24T08:00 -EndTime 2097-01-02T00:00:00Z -ExternalMessage 'Away'", 0, ""},
		{"Get-MailboxAutoReplyConfiguration johan | fl", 0, "StartTime        : 2096-12-24T07:00:00Z\nEndTime          : 2097-01-02T00:00:00Z\nInternalMessage  : <p>Fort,\nbis bald</p>\nExternalMessage : Away\n"},
		{"mailbox oof show johan --output json", 0, `"StartTime": "2096-12-24T07:00:00Z"`},
		{"mailbox oof set johan --state Disabled --start '' --end ''", 0, ""},
		{"mailbox oof show johan --output json", 0, `"StartTime": null`},
	})
	_, out, _ := run(t, database, "audit --output json")
	for _, want := range []string{`AutoReplyState: \"Disabled\" → \"Enabled\"; InternalMessage: \"\" → \"(4 characters)\"`, `ExternalMessage: \"\" → \"(4 characters)\"; InternalMessage: \"(4 characters)\" → \"(21 characters)\"`,
		`AutoReplyState: \"Enabled\" → \"Scheduled\"; EndTime: none → \"2097-01-02T00:00:00Z\"; ExternalMessage: \"(4 characters)\" → \"(4 characters), others\"; StartTime`} {
		if !strings.Contains(unescaped(t, out), want) {
			t.Errorf("the audit lacks %s\n%s", want, out)
		}
	}
	if strings.Contains(out, "Away") || strings.Contains(out, "Fort") {
		t.Error("a reply stands in the audit")
	}
}

// unescaped writes JSON with > and → as they are.
func unescaped(t *testing.T, s string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// picture writes a picture of one colour.
func picture(t *testing.T, path string, width, height int, encode func(io.Writer, image.Image) error) string {
	t.Helper()
	var b bytes.Buffer
	p := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White})
	if err := encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return writeFile(t, filepath.Dir(path), filepath.Base(path), b.String())
}

func asJPEG(w io.Writer, p image.Image) error { return jpeg.Encode(w, p, nil) }

func TestPhotosAreJPEGsOfBoundedSizeAndComeBackByteForByte(t *testing.T) {
	database := installation(t)
	dir := t.TempDir()
	good := picture(t, dir+"/good.jpg", 48, 64, asJPEG)
	largest := picture(t, dir+"/largest.jpg", 4096, 1, asJPEG)
	wide := picture(t, dir+"/wide.jpg", 4097, 1, asJPEG)
	other := picture(t, dir+"/other.jpg", 8, 8, png.Encode) // whatever its name says
	head, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	large := writeFile(t, dir, "large.jpg", string(head)+strings.Repeat("x", 500<<10))
	cut := writeFile(t, dir, "cut.jpg", string(head[:30]))
	empty := writeFile(t, dir, "empty.jpg", "")
	shellLines(t, database, []line{
		{"mailbox photo show johan", 3, "johan@domain.com has no photo"},
		{"mailbox photo remove johan", 3, "johan@domain.com has no photo"},
		{"mailbox photo set johan", 1, `"file"`},
		{"mailbox photo set nobody --file " + good, 3, "nobody: not found"},
		{"mailbox photo set johan --file " + dir + "/none.jpg", 1, "no such file"},
		{"mailbox photo set johan --file " + wide, 1, "wide.jpg has 4097 x 1 pixels, and a photo at most 4096 x 4096"},
		{"mailbox photo set johan --file " + other, 1, "other.jpg is no JPEG but image/png"},
		{"mailbox photo set johan --file " + large, 1, "large.jpg is larger than the 500 KB that a photo may have"},
		{"mailbox photo set johan --file " + cut, 1, "cut.jpg is no JPEG that can be read"},
		{"mailbox photo set johan --file " + empty, 1, "empty.jpg is no JPEG"},
		{"mailbox photo set johan --file " + largest, 0, ""},
		{`Set-UserPhoto "Johan Veldhuis" -PictureData ([System.IO.File]::ReadAllBytes("` + good + `"))`, 0, ""},
		{"Get-UserPhoto johan | fl Identity,Width,Height", 0, "Identity : johan@domain.com\nWidth    : 48\nHeight   : 64\n"},
		{"mailbox photo show johan --file " + dir + "/back.jpg", 0, "WhenChanged"},
		{"audit --output list", 0, "Verb   : mailbox photo set\nObject : johan@domain.com\nDetail : 48 x 64 pixels, "},
		{"Remove-UserPhoto johan", 0, ""},
		{"Get-UserPhoto johan", 3, "has no photo"},
		{"audit --output list", 0, "Verb   : mailbox photo remove"},
	})
	if back, err := os.ReadFile(dir + "/back.jpg"); err != nil || !bytes.Equal(back, head) {
		t.Errorf("%d bytes came back, %d were put: %v", len(back), len(head), err)
	}
}
