// Asks the web application, and returns its answer. The message of an error is for the user.

const AWAY = 'The web application does not answer. Check your network.';

// Returns a signal that ends a request after 20 s.
function deadline() {
  const request = new AbortController();
  setTimeout(() => request.abort(), 20_000);
  return request.signal;
}

export async function ask(path, { signal = deadline(), ...options } = {}) {
  const response = await fetch(path, { signal, ...options }).catch(() => {
    throw new Error(AWAY);
  });
  if (response.status === 401) {
    location.replace('/');
    throw new Error('You are signed out. Sign in again.');
  }
  if (!response.ok) {
    throw new Error(`The web application answers with status ${response.status}. See its log.`);
  }
  return response.json().catch((error) => {
    const isHere = error instanceof SyntaxError; // else the answer has not come to its end
    const words = 'The web application answers with a page that is not JSON. Sign in again.';
    throw new Error(isHere ? words : AWAY);
  });
}
