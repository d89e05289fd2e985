"""Your own login, in Python without any package: mcpauth sends people here, and this site says who they are.

Run: MCPAUTH_LOGIN_SECRET=mcpauth_ol_… python3 python.py 3000
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

SECRET = os.environ["MCPAUTH_LOGIN_SECRET"]
ISSUERS = os.environ.get("MCPAUTH_ISSUERS", "").split()  # the issuer URLs of your project


def signed_in_person(request):
    """Replace this with your own session. Hand over only addresses that you have verified."""
    return {"subject": "u-42", "email": "grace@acme.example", "name": "Grace Hopper", "organizations": [{"id": "navy", "name": "Navy"}]}


class Login(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path != "/login" or query.get("iss") not in ISSUERS:  # the secret goes to nobody else
            self.send_error(404)
            return
        person = signed_in_person(self)  # your session; if there is none, show your own sign-in page first
        body = json.dumps({"request": query.get("request", ""), **person}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
        try:
            with urlopen(Request(query["iss"] + "/api/oauth/login", body, headers), timeout=10) as answer:
                target = json.load(answer)["redirect_to"]
        except HTTPError as refused:
            self.send_error(502, json.load(refused)["error_description"])
            return
        self.send_response(303)
        self.send_header("Location", target)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()


HTTPServer(("localhost", int(sys.argv[1]) if len(sys.argv) > 1 else 3000), Login).serve_forever()
