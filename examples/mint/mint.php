<?php

declare(strict_types=1);

/**
 * Returns a fresh token with which a user of this application logs in to Prosody.
 *
 * $jid is a prepared "user@host". Only tests give $now and $nonce.
 */
function mint(
    string $jid,
    #[\SensitiveParameter]
    string $otpSeed,
    #[\SensitiveParameter]
    string $tokenSecret,
    ?int $now = null,
    ?string $nonce = null
): string {
    check_prepared($jid);
    $now ??= time();
    $random = fn () => implode('', array_map(fn () => random_int(0, 9), range(1, 20)));
    $nonce ??= sprintf('%012d', $now) . $random();
    if ($tokenSecret === '') {
        throw new \InvalidArgumentException('The token secret is empty.');
    }
    if ($now >= 10 ** 12) {
        throw new \InvalidArgumentException('The time is not in seconds.');
    }

    $digest = hash_hmac('sha1', pack('J', intdiv($now, 30)), base32_decode($otpSeed), true);
    $offset = ord($digest[19]) & 15;
    $otp = (unpack('N', $digest, $offset)[1] & 0x7fffffff) % 100_000_000;

    $digits = sprintf('%08d', $otp) . $nonce;
    return $digits . ' ' . base64_encode(hash_hmac('sha256', $digits . $jid, $tokenSecret, true));
}

/** Refuses what cannot be a prepared "user@host". */
function check_prepared(string $jid): void
{
    $shape = '~^[^\p{Z}\p{Cc}"&\'/:<>@]+@[^\p{Z}\p{Cc}/@]+$~Du';
    // Latin, Greek, Cyrillic, Armenian. Prosody does not lower-case every other capital.
    $upperCase = '~(?=[A-\x{233}\x{386}-\x{3ab}\x{400}-\x{42f}\x{531}-\x{556}])\p{Lu}~u';
    if (!preg_match($shape, $jid) || preg_match($upperCase, $jid)) {
        throw new \InvalidArgumentException(
            'The JID is not a prepared user@host: write it in lower case, without spaces or' .
            ' a /resource, and without "&\'/:<>@ in the user.'
        );
    }
}

/** Decodes base32 (RFC 4648), in upper or lower case, with or without padding. */
function base32_decode(
    #[\SensitiveParameter]
    string $text
): string {
    if (!preg_match('/^[A-Z2-7]+=*$/iD', $text)) {
        throw new \InvalidArgumentException('The OTP seed is not base32.');
    }
    $bits = '';
    foreach (str_split(rtrim(strtoupper($text), '=')) as $letter) {
        $bits .= sprintf('%05b', strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $letter));
    }
    $bytes = str_split(substr($bits, 0, strlen($bits) - strlen($bits) % 8), 8);
    return implode('', array_map(fn ($byte) => chr(bindec($byte)), $bytes));
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    [$seed, $secret] = [getenv('XTOKEN_OTP_SEED'), getenv('XTOKEN_TOKEN_SECRET')];
    [, $jid, $now, $nonce] = $argv + [null, null, null, null];
    $areSet = $seed !== false && $secret !== false && $jid !== null;
    if (!$areSet || $argc > 4 || !ctype_digit($now ?? '0')) {
        fwrite(STDERR, "usage: php mint.php JID [UNIX_TIME [NONCE]]," .
            " with XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET set\n");
        exit(2);
    }
    try {
        echo mint($jid, $seed, $secret, $now === null ? null : (int) $now, $nonce), "\n";
    } catch (InvalidArgumentException $error) {
        fwrite(STDERR, "mint.php: {$error->getMessage()}\n");
        exit(2);
    }
}
