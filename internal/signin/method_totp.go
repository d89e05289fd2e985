package signin

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"image/png"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

const (
	// SecondFactorLifetime is how long a person may take between the first step and the second.
	SecondFactorLifetime = 5 * time.Minute
	// MaxSecondFailures wrong passwords stop an account's second step for a while (catalogue 128).
	MaxSecondFailures = 5
	// SecondFactorPause is the time that they are counted in, and the time it stops for.
	SecondFactorPause = 15 * time.Minute
	// RecoveryCodes is how many codes a person is given, each good once.
	RecoveryCodes = 10

	totpSecretSize = 20 // bytes, as of RFC 4226 section 4
	totpPeriod     = 30 // seconds
)

// SecondFactor is what an account asks for besides the first step.
type SecondFactor struct {
	Enabled       bool
	RecoveryCodes int // left
}

// SecondFactors is where a project keeps them.
type SecondFactors interface {
	FindSecondFactor(ctx context.Context, account id.ID) (SecondFactor, error)
	// EnableTOTP stores the secret whose password of that step was just shown; ErrConflict when there is one already,
	// ErrNotOffered for a reviewer's account, which others share.
	EnableTOTP(ctx context.Context, account id.ID, totpSecret []byte, step int64, recoveryHashes [][]byte) error
	// UseTOTP asks check for the step that a password is of, which has to be later than every one before. ErrCode when it is not;
	// ErrTooMany after MaxSecondFailures; ErrNotFound without a second factor.
	UseTOTP(ctx context.Context, account id.ID, check func(totpSecret []byte) (step int64, ok bool)) error
	// UseRecoveryCode takes one code away. Errors as of UseTOTP.
	UseRecoveryCode(ctx context.Context, account id.ID, hash []byte) error
	// DisableTOTP succeeds when there is nothing to disable.
	DisableTOTP(ctx context.Context, account id.ID) error
}

// NewTOTPSecret draws a secret.
func NewTOTPSecret() []byte { return secret.Bytes(totpSecretSize) }

// TOTPText is a secret as people type it into an app: base32 in groups of four.
func TOTPText(totpSecret []byte) string {
	text := base32Text(totpSecret)
	var groups []string
	for ; len(text) > 4; text = text[4:] {
		groups = append(groups, text[:4])
	}
	return strings.Join(append(groups, text), " ")
}

func base32Text(totpSecret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(totpSecret)
}

// TOTPPicture is a PNG that an authenticator app reads.
func TOTPPicture(totpSecret []byte, project, email string) ([]byte, error) {
	label := strings.ReplaceAll(project, ":", " ") // parts the two in the format
	key, err := otp.NewKeyFromURL("otpauth://totp/" + url.PathEscape(label+":"+email) + "?" +
		url.Values{"secret": {base32Text(totpSecret)}, "issuer": {label}}.Encode())
	if err != nil {
		return nil, err
	}
	picture, err := key.Image(220, 220)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = png.Encode(&out, picture)
	return out.Bytes(), err
}

// TOTPStep returns the step that a password is of: the current one, or one before or after it, for clocks that differ (RFC 6238
// section 5.2).
func TOTPStep(totpSecret []byte, password string, at time.Time) (step int64, ok bool) {
	options := totp.ValidateOpts{Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
	for _, away := range []int64{0, -1, 1} {
		moment := at.Add(time.Duration(away) * totpPeriod * time.Second)
		expected, err := totp.GenerateCodeCustom(base32Text(totpSecret), moment, options)
		if err == nil && secret.EqualString(expected, password) && !ok {
			step, ok = moment.Unix()/totpPeriod, true
		}
	}
	return step, ok
}

// NewRecoveryCodes draws codes of 50 bits, and the hashes to store.
func NewRecoveryCodes() (codes []string, hashes [][]byte) {
	for range RecoveryCodes {
		text := strings.ToLower(base32Text(secret.Bytes(7)))[:10]
		codes, hashes = append(codes, text[:5]+"-"+text[5:]), append(hashes, recoveryHash(text))
	}
	return codes, hashes
}

func recoveryHash(text string) []byte { return secret.Hash("recovery " + text) }

// EnableTOTP turns the second step on once the app has shown a right password, and returns the recovery codes. ErrConflict: it is on.
func EnableTOTP(ctx context.Context, store SecondFactors, account id.ID, totpSecret []byte, typed string, now time.Time) ([]string, error) {
	password, err := readCode(typed)
	if err != nil {
		return nil, FieldError{Field: codeField, Message: "Enter the six digits that the app shows."}
	}
	step, ok := TOTPStep(totpSecret, password, now)
	if !ok {
		return nil, FieldError{Field: codeField, Message: "These are not the digits that belong to this key. Wait for the next ones, and check the clock of the device."}
	}
	codes, hashes := NewRecoveryCodes()
	return codes, store.EnableTOTP(ctx, account, totpSecret, step, hashes)
}

// CheckSecondFactor takes a password of the app or a recovery code. Errors: FieldError, ErrTooMany, ErrNotFound, ErrUnavailable.
func CheckSecondFactor(ctx context.Context, store SecondFactors, account id.ID, typed string, now time.Time) error {
	wrong := FieldError{Field: codeField, Message: "Enter the six digits that the app shows now, or a recovery code that you did not use yet."}
	password, err := readCode(typed)
	if err == nil {
		err = store.UseTOTP(ctx, account, func(totpSecret []byte) (int64, bool) { return TOTPStep(totpSecret, password, now) })
	} else {
		text := strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(typed))
		if len(text) != 10 {
			return wrong
		}
		err = store.UseRecoveryCode(ctx, account, recoveryHash(text))
	}
	if errors.Is(err, ErrCode) {
		return wrong
	}
	return err
}
