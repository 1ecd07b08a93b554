package login

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/availd/availd/internal/fault"
)

const (
	argonTime, argonMemory, argonThreads, argonLen = 2, 19 * 1024, 1, 32

	minPassword, maxPassword = 8, 1024 // bytes
)

// NewPassword makes the PHC string of a password that somebody chose, or refuses it (fault.Invalid) by its length.
func NewPassword(password string) (phc string, err error) {
	switch {
	case len(password) < minPassword:
		return "", fault.New(fault.Invalid, "a password needs at least %d characters", minPassword)
	case len(password) > maxPassword:
		return "", fault.New(fault.Invalid, "a password has at most %d bytes", maxPassword)
	}
	return HashPassword(password), nil
}

// HashPassword makes the PHC string of a password (argon2id, 19 MiB, two passes).
func HashPassword(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	sum := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonLen)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", argonMemory, argonTime, argonThreads, enc.EncodeToString(salt), enc.EncodeToString(sum))
}

// CheckPassword compares a password with a PHC string that HashPassword made.
func CheckPassword(phc, password string) bool {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var m, t uint32
	var p uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil || m > 1<<20 || t > 16 || p == 0 {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) == 0 {
		return false
	}
	return subtle.ConstantTimeCompare(argon2.IDKey([]byte(password), salt, t, m, p, uint32(len(want))), want) == 1
}
