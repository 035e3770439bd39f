"""An identity provider on this machine, as a pipeline or a Kubernetes cluster has one: a document, keys, and JWTs."""

import contextlib
import http.server
import json
import threading
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "api://AzureADTokenExchange"


class Issuer:
    """Issues tokens signed with its present key."""

    def __init__(self, address):
        self.address = address
        self.rotate("first")

    def rotate(self, key_id):
        self.key_id = key_id
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwks(self):
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": self.key_id, "use": "sig", "alg": "RS256"}]}

    def token(self, subject, **claims):
        now = int(time.time())
        usual = {"iss": self.address, "sub": subject, "aud": AUDIENCE, "iat": now, "exp": now + 300}
        return jwt.encode({**usual, **claims}, self.key, algorithm="RS256", headers={"kid": self.key_id})


@contextlib.contextmanager
def running():
    """An issuer that answers while the block runs."""
    issuer = None

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answers = {
                "/.well-known/openid-configuration": lambda: {
                    "issuer": issuer.address,
                    "jwks_uri": f"{issuer.address}/keys",
                },
                "/keys": issuer.jwks,
            }
            answer = answers.get(self.path)
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            if answer:
                self.wfile.write(json.dumps(answer()).encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield issuer
        server.shutdown()
        thread.join()
