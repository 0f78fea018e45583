<?php

declare(strict_types=1);

/** Returns the user part of the JID for a name, say an e-mail address (XEP-0106). */
function escape_name(string $name): string
{
    if ($name === '' || trim($name, ' ') !== $name) {
        throw new \InvalidArgumentException('The name is empty, or begins or ends with a space.');
    }
    if (preg_match('/[\x00-\x1fA-Z\x7f]/', $name)) {
        throw new \InvalidArgumentException(
            'The name has a capital letter or a control character: lower-case it.'
        );
    }
    if (!preg_match('//u', $name)) {
        throw new \InvalidArgumentException('The name is not UTF-8.');
    }
    $forbidden = '~[ "&\'/:<>@]|\\\\(?=2[0267f]|3[ace]|40|5c)~';
    $escape = fn (array $found) => sprintf('\\%02x', ord($found[0]));
    return preg_replace_callback($forbidden, $escape, $name);
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    if ($argc !== 2) {
        fwrite(STDERR, "usage: php escape.php NAME\n");
        exit(2);
    }
    try {
        echo escape_name($argv[1]), "\n";
    } catch (InvalidArgumentException $error) {
        fwrite(STDERR, "escape.php: {$error->getMessage()}\n");
        exit(2);
    }
}
