package endpoints

import (
	"cmp"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// Activity keeps the connection timeline. Neither method waits for anything.
type Activity interface {
	Record(issuer id.ID, step tenants.Activity)
	// Skip counts a step that is not recorded, since strangers cause too many.
	Skip()
}

// What strangers may add to a project's timeline, on one node: many steps at once, then 20 a second. The same look at a document from the
// same place is told once in a while; so is a token that no MCP server can use.
var (
	perProjectSteps = web.Rate{Burst: 1000, Every: 50 * time.Millisecond}
	perSourceRepeat = web.Rate{Burst: 1, Every: tenants.ActivityLoose}
)

// agentMax bounds what is kept of a User-Agent header, in bytes.
const agentMax = 200

const (
	failureKey = "endpoints.failure"
	stepKey    = "endpoints.step"
	quietKey   = "endpoints.quiet"
)

// failed notes what went wrong where the answer is a page or a redirect and not an error.
func failed(c echo.Context, err error) { c.Set(failureKey, err) }

// became notes that the request was another step than its route stands for.
func became(c echo.Context, step tenants.Step) { c.Set(stepKey, step) }

// quiet keeps a request out of the timeline, because it showed a page and decided nothing.
func quiet(c echo.Context) { c.Set(quietKey, true) }

// recorded keeps the step that a route stands for in the timeline. It stands before the limits of the route, so that their refusals show.
func (h *Handler) recorded(step tenants.Step) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if h.activity == nil {
				return next(c)
			}
			trace := &oauth.Trace{}
			c.SetRequest(c.Request().WithContext(oauth.WithTrace(c.Request().Context(), trace)))
			err := next(c)
			told := err
			if noted, ok := c.Get(failureKey).(error); ok && told == nil {
				told = noted
			}
			taken, other := c.Get(stepKey).(tenants.Step)
			if !other {
				taken = step
			}
			if told != nil || c.Get(quietKey) == nil {
				h.record(c, taken, trace, told)
			}
			return err
		}
	}
}

func (h *Handler) record(c echo.Context, step tenants.Step, trace *oauth.Trace, err error) {
	a := tenants.Activity{
		ID: id.New(), At: h.now(), AttemptID: trace.FlowID, Step: step, Outcome: tenants.OutcomeOK,
		ClientID: trace.ClientID, ClientName: trace.ClientName, ClientVersion: trace.ClientVersion,
		Source: network(c), Agent: agent(c), RequestID: web.RequestID(c), UserID: trace.UserID, GrantID: trace.GrantID, ServerID: trace.ServerID,
	}
	a.Test = tenants.IsTestAgent(a.Agent)
	if a.Test && a.ClientID == tenants.TestClientID { // refused, as it should be
		return
	}
	switch {
	case step == tenants.StepAuthorize:
		if trace.Document != nil {
			h.storeActivity(c, withError(documentStep(a), trace.Document.Err))
		}
		if a.AttemptID.IsZero() { // it failed before it had an id: an attempt of its own
			a.AttemptID = a.ID
		}
	case step == tenants.StepToken && trace.GrantType == oauth.GrantRefreshToken:
		a.Step = tenants.StepRefresh
	case step == tenants.StepCall && trace.Refusal != nil:
		a.Step, err = tenants.StepRefusal, trace.Refusal
	}
	h.storeActivity(c, withError(withNote(a, trace), err))
}

// documentStep is the look at the client's metadata document, as a step of its own before the request that needed it.
func documentStep(a tenants.Activity) tenants.Activity {
	a.ID, a.Step, a.AttemptID, a.ServerID = id.New(), tenants.StepDocument, id.ID{}, id.ID{}
	return a
}

// withNote adds to a good outcome what a developer should know.
func withNote(a tenants.Activity, trace *oauth.Trace) tenants.Activity {
	switch {
	case trace.Forgiven:
		a.Parameter, a.Got, a.Expected = "refresh_token", "number "+strconv.FormatUint(trace.Presented, 10), "number "+strconv.FormatUint(trace.Living, 10)
		a.Reason = "The refresh token before the current one was presented within the grace, and got the same answer"
		a.Advice = "Nothing to do: a retry, or two copies of the client that share one token store."
	case len(trace.Requested) > 0:
		a.Parameter, a.Got, a.Expected = "scope", strings.Join(trace.Requested, " "), strings.Join(trace.Granted, " ")
		a.Reason = "Scopes that this project does not have were left out"
		a.Advice = "Add them to the project if they should exist."
	}
	return a
}

// withError describes a failure as the surface would, and what to do.
func withError(a tenants.Activity, err error) tenants.Activity {
	if err == nil {
		return a
	}
	status, shown := describe(err)
	a.Outcome = tenants.OutcomeRefused
	if status >= http.StatusInternalServerError {
		a.Outcome = tenants.OutcomeFailed
	}
	a.Code, a.Parameter, a.Got, a.Expected, a.Advice = string(shown.Code), shown.Parameter, shown.Got, shown.Expected, shown.Advice()
	a.Reason = strings.TrimSuffix(cmp.Or(shown.Reason, shown.Description), ".")
	return a
}

func (h *Handler) storeActivity(c echo.Context, a tenants.Activity) {
	issuer := issuerOf(c).ID
	repeats := []string{string(a.Step), issuer.String(), a.GrantID.String(), a.ServerID.String(), a.Source, a.Agent}
	switch again := h.strangers.Local(perSourceRepeat, repeats...) != nil; {
	case again && a.Step == tenants.StepMetadata && a.Outcome == tenants.OutcomeOK, again && a.Step == tenants.StepCall:
		return
	case again && a.Step == tenants.StepRefusal && a.GrantID.IsZero():
		return
	case a.GrantID.IsZero() && h.strangers.Local(perProjectSteps, "steps", issuer.String()) != nil:
		h.activity.Skip()
		return
	}
	h.activity.Record(issuer, a)
}

// network is enough of the source's address to tell connections apart, and too little to find a person.
func network(c echo.Context) string {
	address, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return ""
	}
	address = address.Unmap().WithZone("")
	bits := 24
	if address.Is6() {
		bits = 48
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// agent is the User-Agent header without what no program writes there.
func agent(c echo.Context) string {
	text := c.Request().UserAgent()
	text = strings.ToValidUTF8(text[:min(len(text), agentMax)], "")
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, text)
}
