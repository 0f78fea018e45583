<?php

// many.py for PHP.

declare(strict_types=1);

require $argv[1];

while (($line = fgets(STDIN)) !== false) {
    $given = array_map('base64_decode', explode(' ', rtrim($line, "\n")));
    [$jid, $seed, $secret, $now, $nonce] = $given;
    try {
        echo mint($jid, $seed, $secret, (int) $now, $nonce), "\n";
    } catch (InvalidArgumentException $error) {
        echo '! ', $error->getMessage(), "\n";
    }
}
