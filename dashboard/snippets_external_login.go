package dashboard

import (
	"fmt"

	"mcpauth.example/templates"
)

const externalLoginNode = `// GET /login?request=…&iss=…, in any Node framework
const issuer = %q;
if (url.searchParams.get("iss") !== issuer) throw new Error("the secret goes to nobody else");
const person = await signedInPerson(request); // your own session
const answer = await fetch(issuer + "/api/oauth/login", {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: "Bearer " + process.env.MCPAUTH_LOGIN_SECRET },
  body: JSON.stringify({ request: url.searchParams.get("request"), subject: person.id, email: person.email, name: person.name }),
});
redirect((await answer.json()).redirect_to);
`

const externalLoginPython = `# GET /login?request=…&iss=…, in any Python framework
ISSUER = %q
if query["iss"] != ISSUER:
    abort(400)  # the secret goes to nobody else
person = signed_in_person()  # your own session
answer = requests.post(
    ISSUER + "/api/oauth/login",
    headers={"Authorization": "Bearer " + os.environ["MCPAUTH_LOGIN_SECRET"]},
    json={"request": query["request"], "subject": person.id, "email": person.email, "name": person.name},
    timeout=10,
)
answer.raise_for_status()
redirect(answer.json()["redirect_to"])
`

const externalLoginGo = `// GET /login?request=…&iss=…
const issuer = %q
if r.FormValue("iss") != issuer {
	http.Error(w, "unknown issuer", http.StatusBadRequest) // the secret goes to nobody else
	return
}
person := signedInPerson(r) // your own session
body, _ := json.Marshal(map[string]string{"request": r.FormValue("request"), "subject": person.ID, "email": person.Email, "name": person.Name})
ask, _ := http.NewRequestWithContext(r.Context(), http.MethodPost, issuer+"/api/oauth/login", bytes.NewReader(body))
ask.Header.Set("Content-Type", "application/json")
ask.Header.Set("Authorization", "Bearer "+os.Getenv("MCPAUTH_LOGIN_SECRET"))
response, err := http.DefaultClient.Do(ask)
if err != nil {
	http.Error(w, "sign-in does not answer", http.StatusBadGateway)
	return
}
defer response.Body.Close()
var answer struct {
	RedirectTo string ` + "`json:\"redirect_to\"`" + `
}
if json.NewDecoder(response.Body).Decode(&answer) != nil || answer.RedirectTo == "" {
	http.Error(w, "sign-in refused", http.StatusBadGateway)
	return
}
http.Redirect(w, r, answer.RedirectTo, http.StatusSeeOther)
`

// externalLoginSnippets is what the customer's own page does, with the project's issuer; samples/own-login has whole programs.
func externalLoginSnippets(issuer string) []templates.Snippet {
	return []templates.Snippet{
		{Label: "Node", Language: "node", Code: fmt.Sprintf(externalLoginNode, issuer)},
		{Label: "Python", Language: "python", Code: fmt.Sprintf(externalLoginPython, issuer)},
		{Label: "Go", Language: "go", Code: fmt.Sprintf(externalLoginGo, issuer)},
	}
}
