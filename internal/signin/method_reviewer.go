package signin

import (
	"context"
	"strings"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// reviewerDigits is the length of a code that stays the same. No code that is mailed is as long.
const reviewerDigits = 10

// IsReviewerCode tells a reviewer's code from one that was mailed, by its form.
func IsReviewerCode(typed string) bool {
	code := withoutSpaces(typed)
	return len(code) == reviewerDigits && strings.Trim(code, "0123456789") == ""
}

// FinishReview returns the reviewer's account of the address for which this browser was sent a code, when the code is the one that stays
// the same. Errors as of FinishSignIn.
func (s *Service) FinishReview(ctx context.Context, identities Identities, challenge id.ID, code, browser string) (Account, error) {
	return identities.FinishReview(ctx, challenge, secret.Hash(browser), func(stored string) bool {
		return secret.EqualString(stored, withoutSpaces(code))
	})
}
