<?php

// PHP: POST /chat-token gives a user who is signed in a token for the chat.

declare(strict_types=1);

require __DIR__ . '/mint.php'; // examples/mint/mint.php, beside this file

ini_set('display_errors', '0'); // errors are for the log

// --- The endpoint: paste this ------------------------------------------------------------------

/** Returns an environment variable. Under php-fpm, the pool sets it: env[NAME] = value. */
function setting(string $name, string $default = ''): string
{
    $value = getenv($name) ?: $default;
    if ($value === '') {
        error_log("$name is not set: copy otp_seed and token_secret from Prosody's configuration.");
        refuse(500, 'The chat is not set up. The log says why.');
    }
    return $value;
}

/**
 * Returns the user's address in the chat, and a token for it.
 *
 * $user is what never changes about an account: its number, or its name in lower case.
 */
function mint_for(string|int $user): array
{
    $jid = $user . '@' . setting('XMPP_HOST', 'localhost');
    return [$jid, mint($jid, setting('XTOKEN_OTP_SEED'), setting('XTOKEN_TOKEN_SECRET'))];
}

function service(): string
{
    return setting('XMPP_WEBSOCKET', 'ws://localhost:5280/xmpp-websocket');
}

function refuse(int $status, string $message = ''): never
{
    http_response_code($status);
    header('Content-Type: text/plain; charset=utf-8');
    echo $message;
    exit;
}

function send(array $answer): never
{
    header('Content-Type: application/json');
    echo json_encode($answer, JSON_THROW_ON_ERROR);
    exit;
}

function is_tls(): bool
{
    $isLocal = in_array($_SERVER['REMOTE_ADDR'] ?? '', ['127.0.0.1', '::1'], true);
    return !in_array($_SERVER['HTTPS'] ?? '', ['', 'off'], true)
        || $isLocal && ($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https';
}

/**
 * Lets only a POST pass that no page of another site makes.
 *
 * Browsers say in Sec-Fetch-Site where a request comes from; without TLS, and old ones, only in
 * Origin. A request with neither comes from no browser, so from no page of another site.
 */
function expect_own_post(): void
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        header('Allow: POST');
        refuse(405);
    }
    $site = $_SERVER['HTTP_SEC_FETCH_SITE'] ?? null;
    $own = (is_tls() ? 'https://' : 'http://') . $_SERVER['HTTP_HOST'];
    if ($site === null ? ($_SERVER['HTTP_ORIGIN'] ?? $own) !== $own : $site !== 'same-origin') {
        refuse(403);
    }
}

function chat_token(): never
{
    header('Cache-Control: no-store');
    expect_own_post();
    $user = signed_in(); // from your session, never from the request
    try {
        [$jid, $token] = mint_for($user);
    } catch (InvalidArgumentException $error) {
        $quoted = json_encode($user, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
        error_log("There is no token for the user $quoted: {$error->getMessage()}");
        refuse(500, 'This account has no address in the chat. The log says why.');
    }
    send(['jid' => $jid, 'token' => $token, 'service' => service()]);
}

// --- The demonstration: yours is in its place already ------------------------------------------

const USERS = ['alice', 'bob', 'carol'];

function start_session(bool $readOnly = false): void
{
    session_start([
        'name' => 'session',
        'cookie_httponly' => true,
        'cookie_samesite' => 'Strict',
        'cookie_secure' => is_tls(),
        'use_strict_mode' => true, // an id that this server did not give out is replaced
        'cache_limiter' => '',
        'read_and_close' => $readOnly,
    ]);
}

function signed_in(): string
{
    start_session(true);
    return $_SESSION['user'] ?? refuse(401);
}

function sign_in(): never
{
    expect_own_post();
    $user = $_POST['user'] ?? null;
    if (!in_array($user, USERS, true)) { // your application checks a password here
        refuse(403, 'No such user.');
    }
    start_session();
    session_regenerate_id(true);
    $_SESSION['user'] = $user;
    header('Location: /strophe.html', true, 303);
    exit;
}

function sign_out(): never
{
    expect_own_post();
    start_session();
    session_destroy();
    header('Location: /', true, 303);
    exit;
}

/** Answers with what the page shows: who is signed in, and whom to write to. */
function me(): never
{
    header('Cache-Control: no-store');
    $user = signed_in();
    $jid = fn (string $name) => $name . '@' . setting('XMPP_HOST', 'localhost');
    $contacts = array_map($jid, array_values(array_diff(USERS, [$user])));
    send(['jid' => $jid($user), 'websocket' => service(), 'contacts' => $contacts]);
}

/** Sends a file of examples/webchat/. */
function page(string $path): never
{
    $isLibrary = preg_match('~^/lib/(strophe|converse)(/.+)~', $path, $part);
    $file = __DIR__ . '/../../webchat/'
        . ($isLibrary ? "node_modules/$part[1].js/dist$part[2]" : "public$path");
    $file .= $path === '/' ? 'index.html' : '';
    if (str_contains($path, '..') || !is_file($file)) {
        refuse(404);
    }
    $types = ['html' => 'text/html', 'css' => 'text/css', 'js' => 'text/javascript'];
    $type = $types[pathinfo($file, PATHINFO_EXTENSION)] ?? 'application/octet-stream';
    header("Content-Type: $type; charset=utf-8");
    readfile($file);
    exit;
}

try {
    mint_for('somebody');
} catch (InvalidArgumentException $error) {
    $names = 'XTOKEN_OTP_SEED, XTOKEN_TOKEN_SECRET or XMPP_HOST';
    error_log("$names is wrong: {$error->getMessage()}");
    refuse(500, 'The chat is not set up. The log says why.');
}
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
match ($path) {
    '/chat-token' => chat_token(),
    '/sign-in' => sign_in(),
    '/sign-out' => sign_out(),
    '/me' => me(),
    default => page((string) $path),
};
