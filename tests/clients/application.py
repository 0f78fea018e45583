"""A web application that serves files, and mints for the users that its pages are for."""

import functools
import http
import http.server
import json
import pathlib
import threading

from mint import mint
from server import ROOT

LIBRARIES = ROOT / "examples/webchat/node_modules"


# Where the URLs of pages lead, beside the pages themselves.
FILES = {
    "/fresh_token.mjs": ROOT / "examples/clients/fresh_token.mjs",
    "/xtoken.js": ROOT / "examples/webchat/public/xtoken.js",
    "/lib/strophe/": LIBRARIES / "strophe.js/dist",
    "/lib/converse/": LIBRARIES / "converse.js/dist",
}


class Application:
    """Serves `folder`. `users` maps a page to the user for whom it gets tokens."""

    def __init__(self, folder, key, users, service):
        self.folder, self.key, self.users, self.service = folder, key, users, service
        handler = functools.partial(Handler, self)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def path(self, url):
        for prefix, path in FILES.items():
            if url.startswith(prefix):
                return pathlib.Path(f"{path}/{url.removeprefix(prefix)}".rstrip("/"))
        return self.folder / url.removeprefix("/")


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, application, *arguments):
        self.application = application
        super().__init__(*arguments)

    def translate_path(self, url):
        return str(self.application.path(url.partition("?")[0]))

    def do_GET(self):
        if self.path.startswith("/credentials"):
            jid, token = self.token()
            self.answer({"jid": jid, "password": token})
        else:
            super().do_GET()

    def do_POST(self):
        if self.page() not in self.application.users:
            return self.send_error(http.HTTPStatus.UNAUTHORIZED)
        jid, token = self.token()
        self.answer({"jid": jid, "token": token, "service": self.application.service})

    def page(self):
        return self.headers["Referer"].removeprefix(self.application.address)

    def token(self):
        jid = f"{self.application.users[self.page()]}@localhost"
        return jid, mint(jid, self.application.key)

    def answer(self, value):
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass
