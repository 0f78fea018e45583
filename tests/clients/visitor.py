"""A visitor of a web application, without a browser."""

import http.cookiejar
import urllib.error
import urllib.request


class Visitor:
    """Sends requests to the web application, and keeps its cookies, as a browser does."""

    def __init__(self, application):
        self.address = application.address
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def ask(self, path, data=None, method=None, **headers):
        """Returns status, headers and text of the answer. With `data`, sends a POST."""
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        try:
            with self.opener.open(request, timeout=10) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def sign_in(self, user, **headers):
        return self.ask("sign-in", f"user={user}".encode(), **headers)[0]

    @property
    def session(self):
        """Returns the cookie of the session."""
        (cookie,) = [cookie for cookie in self.cookies if cookie.name == "session"]
        return cookie
