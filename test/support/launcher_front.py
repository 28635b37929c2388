"""What the gateway is to a launcher, for tests of the launcher alone: it knows the token.

It checks no signature, so that a test may sign with any secret; it passes requests on as they are.
"""

import http.client
import json
import re
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = secrets.token_urlsafe(30)
ROOT_SECRET = secrets.token_urlsafe(30)
# One line for a launcher's standard input.
SECRETS_LINE = json.dumps({"token": TOKEN, "rootSecret": ROOT_SECRET}) + "\n"

_DROPPED = ("connection", "expect", "keep-alive", "transfer-encoding", "content-length")


class Front:
    """Listens on a free port of 127.0.0.1 and passes requests on to the launcher on `port`."""

    def __init__(self, port: int):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(port))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _pass_on(self) -> None:
            body = self._body()
            asked = f"{self.headers.get('Authorization', '')} {self.path}"
            caller = re.search(r"Credential=([^/%]+)(?:/|%2F)", asked)
            to_launcher = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
            to_launcher.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in _DROPPED:
                    to_launcher.putheader(name, value)
            to_launcher.putheader("x-lake-token", TOKEN)
            to_launcher.putheader("x-lake-caller", caller[1] if caller else "")
            to_launcher.putheader("Content-Length", str(len(body)))
            to_launcher.endheaders(body)
            answer = to_launcher.getresponse()
            content = answer.read()
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in _DROPPED:
                    self.send_header(name, value)
            # The length of an answer to HEAD is the object's.
            length = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            to_launcher.close()

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _pass_on

    return Handler
