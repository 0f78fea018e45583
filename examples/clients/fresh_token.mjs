// Asks the web application for a token. Promises { jid, token, service }: who the user is, the
// token, and the URL of the XMPP server.

export async function freshToken() {
  const response = await fetch('/chat-token', { method: 'POST' });
  if (response.ok) return response.json();
  const error = new Error(`The web application gives no token: HTTP status ${response.status}`);
  error.status = response.status;
  throw error;
}

// Returns whether trying again is of no use: nobody is signed in (401), or the page that asks is of
// another site (403).
export const isSignedOut = (error) => error.status === 401 || error.status === 403;
