#!/usr/bin/env python3
"""A server of tokens for docker-registry: token_server.py PORT KEY CERTIFICATE ISSUER USER PASSWORD LOG

Gives one to that user for what is asked for, and to others for nothing (distribution, "Token Authentication Implementation").
"""
import base64, http.server, json, subprocess, sys, time, urllib.parse

port, key, certificate, issuer, user, password, log = sys.argv[1:8]
der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], check=True, capture_output=True).stdout


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(service, scopes):
    now = int(time.time())
    access = [{"type": kind, "name": name, "actions": actions.split(",")} for kind, name, actions in scopes]
    claims = {"iss": issuer, "sub": user, "aud": service, "nbf": now - 10, "iat": now, "exp": now + 120, "jti": str(now), "access": access}
    header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    text = encoded(json.dumps(header).encode()) + b"." + encoded(json.dumps(claims).encode())
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text, check=True, capture_output=True).stdout
    return (text + b"." + encoded(signature)).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        given = self.headers.get("Authorization", "")
        known = given == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        with open(log, "a") as out:
            out.write(f"{known} {' '.join(query.get('scope', []))}\n")
        if given and not known:
            self.answer(401, {"details": "incorrect username or password"})
            return
        scopes = [scope.split(":") for scope in query.get("scope", [])] if known else []
        self.answer(200, {"token": token(query.get("service", [""])[0], scopes), "expires_in": 120})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
