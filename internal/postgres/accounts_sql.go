package postgres

import (
	"database/sql/driver"
	"strconv"
	"strings"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
)

// accountStatements are the statements of one kind of accounts. Those with a $ are for one round trip, those with @ for gorm.
type accountStatements struct {
	findByEmail, createAccount, replaceHash, setHash, lockAccount, lockByEmail                    string
	createSession, findSession, endSession, endSessions                                           string
	listSessions, endOwnSession, lockSession, endEarlier, countLater, raiseEpoch                  string
	lockForDeletion, endAllChallenges, deleteAccount                                              string
	dropChallenges, createChallenge, countAttempt, whoseChallenge, finishChallenge, findChallenge string
	endChallenges                                                                                 string
	signAllOut                                                                                    []string // after a restore
}

// Every statement on a tenant table names the project, in its key and in its conditions; row-level security is the second wall.
var (
	userStatements = newAccountStatements(strings.NewReplacer(
		"{accounts}", "users", "{sessions}", "user_sessions", "{challenges}", "user_challenges",
		"{columns}", "project_id, ", "{values}", "CAST(@project AS uuid), ", "{tenant}", "project_id = @project AND ",
		"{way columns}", "method, identity_id, ", "{way values}", "CAST(@method AS text), CAST(@identity AS uuid), ", "{way}", wayIsOffered,
		"{value}", "$2", "{tenant $}", "project_id = $1 AND ", "{tenant text $}", "project_id = $1::text::uuid AND ", "{tenant s$}", "s.project_id = $1 AND a.project_id = $1 AND ",
		"{known as}", knownAs("a"), "{reviewer}", "a.reviewer_address IS NOT NULL", "{may review}", "AND "+strings.ReplaceAll(noReviewIsOver, "u.", "a."),
	))
	memberStatements = newAccountStatements(strings.NewReplacer(
		"{accounts}", "members", "{sessions}", "member_sessions", "{challenges}", "member_challenges",
		"{columns}", "", "{values}", "", "{tenant}", "", "{way columns}", "", "{way values}", "", "{way}", "",
		"{value}", "$1", "{tenant $}", "", "{tenant text $}", "", "{tenant s$}", "", "{known as}", memberKnownAs("a"), "{reviewer}", "false", "{may review}", "",
	))
)

const (
	// wayIsOffered keeps a sign-in out that began before its way was switched off, whichever page it comes from, or before a reviewer's day
	// passed.
	wayIsOffered = `WHERE EXISTS (SELECT FROM projects WHERE id = @project AND CAST(@method AS text) = ANY (sign_in_methods))
		AND (CAST(@provider AS uuid) IS NULL OR EXISTS (SELECT FROM upstream_providers WHERE project_id = @project AND id = @provider AND enabled))
		AND EXISTS (SELECT FROM users u WHERE u.project_id = @project AND u.id = CAST(@account AS uuid) AND ` + noReviewIsOver + `)`

	auditUser = `INSERT INTO audit_log (project_id, id, actor, action, target) VALUES (@project, @id, @actor, @action, @target)`

	auditMember = `INSERT INTO organization_audit_log (organization_id, id, actor, action, target)
		SELECT organization_id, CAST(@id AS uuid), CAST(@actor AS text), CAST(@action AS text), CAST(@target AS text)
		FROM organization_members WHERE member_id = @account`
)

// memberKnownAs is how a member without an address is called. member is how the statement calls the row.
func memberKnownAs(member string) string {
	return strings.ReplaceAll(`CASE WHEN {member}.email IS NULL THEN coalesce(
			(SELECT nullif(i.contact, '') || ' at GitHub' FROM member_identities i WHERE i.account_id = {member}.id ORDER BY i.last_used_at DESC LIMIT 1),
			'an account without address') ELSE '' END`, "{member}", member)
}

// knownAs is how a user without a sign-in address is called: as a provider knows them, or as a reviewer. user is how the statement calls the row.
func knownAs(user string) string {
	return strings.ReplaceAll(`CASE WHEN {user}.email IS NULL THEN coalesce({user}.reviewer_address || ' (reviewer)',
			(SELECT coalesce(nullif(i.contact, ''), nullif({user}.name, ''), 'an account') || coalesce(' at ' || p.name, '')
				FROM user_identities i LEFT JOIN upstream_providers p ON p.project_id = i.project_id AND p.id = i.provider_id
				WHERE i.project_id = {user}.project_id AND i.account_id = {user}.id ORDER BY i.last_used_at DESC LIMIT 1),
			'an account without address') ELSE '' END`, "{user}", user)
}

// newAccountStatements fills in the names of tables and the tenant's condition, which are constants of this file.
func newAccountStatements(r *strings.Replacer) accountStatements {
	return accountStatements{
		findByEmail: r.Replace(`SELECT id, email, email_verified_at IS NOT NULL, blocked_at IS NOT NULL, epoch, coalesce(password_hash, '')
			FROM {accounts} WHERE {tenant $}email = {value}`),
		createAccount: r.Replace(`INSERT INTO {accounts} ({columns}id, email, email_verified_at, password_hash)
			VALUES ({values}@id, nullif(CAST(@email AS text), ''), CASE WHEN CAST(@email AS text) <> '' THEN now() END, nullif(CAST(@password_hash AS text), ''))`),
		replaceHash: r.Replace(`UPDATE {accounts} SET password_hash = @new WHERE {tenant}id = @account AND password_hash = @old`),
		lockAccount: r.Replace(`SELECT id, coalesce(email, '') AS email, email_verified_at IS NOT NULL AS email_verified, blocked_at IS NOT NULL AS blocked, epoch,
				{known as} AS known_as, {reviewer} AS reviewer
			FROM {accounts} a WHERE {tenant}id = @account FOR SHARE OF a`),

		setHash: r.Replace(`UPDATE {accounts} SET password_hash = @new WHERE {tenant}id = @account`),
		lockByEmail: r.Replace(`SELECT id, email, email_verified_at IS NOT NULL AS email_verified, blocked_at IS NOT NULL AS blocked, epoch
			FROM {accounts} WHERE {tenant}email = @email FOR UPDATE`),

		createSession: r.Replace(`INSERT INTO {sessions} ({columns}{way columns}id, token_hash, account_id, agent, expires_at)
			SELECT {values}{way values}CAST(@id AS uuid), CAST(@token_hash AS bytea), CAST(@account AS uuid), CAST(@agent AS text),
				now() + CAST(@seconds AS double precision) * interval '1 second' {way}
			RETURNING auth_time, expires_at`),
		findSession: r.Replace(`SELECT s.id, s.auth_time, s.expires_at, a.id, coalesce(a.email, ''), a.email_verified_at IS NOT NULL, a.epoch, {known as}, {reviewer}
			FROM {sessions} s JOIN {accounts} a ON a.id = s.account_id
			WHERE {tenant s$}s.token_hash = {value} AND s.ended_at IS NULL AND s.expires_at > now() AND a.blocked_at IS NULL {may review}`),
		endSession: r.Replace(`UPDATE {sessions} SET ended_at = now() WHERE {tenant}id = @id AND ended_at IS NULL RETURNING account_id`),

		endEarlier: r.Replace(`UPDATE {sessions} SET ended_at = now() WHERE {tenant}account_id = @account AND ended_at IS NULL
			AND (CAST(@id AS uuid) IS NULL AND id <> @kept OR id = @id) AND auth_time <= (SELECT auth_time FROM {sessions} WHERE {tenant}id = @kept)`),
		countLater: r.Replace(`SELECT count(*) AS many FROM {sessions} WHERE {tenant}account_id = @account AND ended_at IS NULL AND expires_at > now()
			AND (CAST(@id AS uuid) IS NULL OR id = @id) AND auth_time > (SELECT auth_time FROM {sessions} WHERE {tenant}id = @kept)`),
		listSessions: r.Replace(`SELECT id, auth_time, created_at, expires_at, agent FROM {sessions}
			WHERE {tenant}account_id = @account AND ended_at IS NULL AND expires_at > now() ORDER BY created_at DESC LIMIT ` + strconv.Itoa(signin.MaxListedSessions)),
		endOwnSession: r.Replace(`UPDATE {sessions} SET ended_at = now() WHERE {tenant}account_id = @account AND ended_at IS NULL AND id = @id`),
		lockSession: r.Replace(`SELECT id FROM {sessions}
			WHERE {tenant}account_id = @account AND id = @id AND ended_at IS NULL AND expires_at > now() FOR UPDATE`),
		raiseEpoch:       r.Replace(`UPDATE {accounts} SET epoch = epoch + 1 WHERE {tenant}id = @account RETURNING epoch`),
		lockForDeletion:  r.Replace(`SELECT id FROM {accounts} WHERE {tenant}id = @account FOR UPDATE`),
		endAllChallenges: r.Replace(`DELETE FROM {challenges} WHERE {tenant}email = (SELECT email FROM {accounts} WHERE {tenant}id = @account)`),
		deleteAccount:    r.Replace(`DELETE FROM {accounts} WHERE {tenant}id = @account`),
		endSessions: r.Replace(`UPDATE {sessions} SET ended_at = now()
			WHERE {tenant}account_id = @account AND ended_at IS NULL AND id IS DISTINCT FROM CAST(@kept AS uuid)`),

		signAllOut: []string{
			r.Replace(`UPDATE {accounts} SET epoch = epoch + 1 WHERE {tenant text $}true`),
			r.Replace(`UPDATE {sessions} SET ended_at = now() WHERE {tenant text $}ended_at IS NULL`),
		},

		dropChallenges: r.Replace(`DELETE FROM {challenges}
			WHERE {tenant}email = @email AND created_at < now() - interval '1 hour' AND expires_at < now()`),
		createChallenge: r.Replace(`INSERT INTO {challenges}
				({columns}id, purpose, email, browser_hash, code_mac, password_hash, detail, expires_at)
			SELECT {values}CAST(@id AS uuid), CAST(@purpose AS text), CAST(@email AS text), CAST(@browser AS bytea), CAST(@code_mac AS bytea),
				nullif(CAST(@password_hash AS text), ''), CAST(@detail AS text), now() + CAST(@seconds AS double precision) * interval '1 second'
			WHERE (SELECT count(*) FROM {challenges}
				WHERE {tenant}email = @email AND created_at > now() - interval '1 hour'
					AND (purpose = CAST(@apart AS text)) = (CAST(@purpose AS text) = CAST(@apart AS text))) < CAST(@cap AS bigint)`),
		countAttempt: r.Replace(`UPDATE {challenges} SET attempts = least(attempts, 1000000) + 1
			WHERE {tenant}id = @id AND browser_hash = @browser AND purpose = @purpose
			RETURNING code_mac, attempts <= CAST(@max AS integer) AND finished_at IS NULL AND expires_at > now() AS open`),
		whoseChallenge: r.Replace(`SELECT email FROM {challenges} WHERE {tenant}id = @id AND browser_hash = @browser AND purpose = @purpose`),
		finishChallenge: r.Replace(`UPDATE {challenges} SET finished_at = now()
			WHERE {tenant}id = @id AND browser_hash = @browser AND purpose = @purpose
				AND finished_at IS NULL AND expires_at > now() AND code_mac IS NOT NULL
			RETURNING email, coalesce(password_hash, '') AS password_hash, detail`),
		findChallenge: r.Replace(`SELECT email, '' AS password_hash, detail FROM {challenges}
			WHERE {tenant}id = @id AND browser_hash = @browser AND finished_at IS NULL AND expires_at > now()`),
		endChallenges: r.Replace(`UPDATE {challenges} SET finished_at = now()
			WHERE {tenant}email = (SELECT email FROM {accounts} WHERE {tenant}id = @account) AND finished_at IS NULL`),
	}
}

// values are the named parameters of a statement.
type values map[string]any

// named makes sure that one name is one parameter: behind a parenthesis gorm takes arrays and slices of bytes for lists.
func (v values) named() map[string]any {
	for name, value := range v {
		switch value := value.(type) {
		case id.ID:
			v[name] = parameter{value.Value}
		case []byte:
			v[name] = parameter{func() (driver.Value, error) { return value, nil }}
		}
	}
	return v
}

// parameter is one value, whatever it is made of.
type parameter struct{ value func() (driver.Value, error) }

// Value gives it to the database.
func (p parameter) Value() (driver.Value, error) { return p.value() }
