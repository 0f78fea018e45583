import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Mints the tokens with which the users of a web application log in to Prosody. */
public final class Mint {
    private static final SecureRandom RANDOM = new SecureRandom();

    private Mint() {}

    /** Returns a fresh token for {@code jid}, a prepared "user@host". */
    public static String mint(String jid, String otpSeed, String tokenSecret)
            throws GeneralSecurityException {
        long now = Instant.now().getEpochSecond();
        return mint(jid, otpSeed, tokenSecret, now, freshNonce(now));
    }

    /** Does the same with the Unix time and the nonce of a test. */
    static String mint(String jid, String otpSeed, String tokenSecret, long now, String nonce)
            throws GeneralSecurityException {
        checkPrepared(jid);
        if (now >= 1_000_000_000_000L) {
            throw new IllegalArgumentException("the time is not in seconds");
        }
        byte[] step = ByteBuffer.allocate(8).putLong(now / 30).array();
        byte[] digest = hmac("HmacSHA1", decodeBase32(otpSeed), step);
        int offset = digest[digest.length - 1] & 15;
        int otp = (ByteBuffer.wrap(digest).getInt(offset) & 0x7fffffff) % 100_000_000;

        // Locale.ROOT, because the digits of other locales may not be ASCII.
        String digits = String.format(Locale.ROOT, "%08d%s", otp, nonce);
        byte[] signature = hmac("HmacSHA256", utf8(tokenSecret), utf8(digits + jid));
        return digits + " " + Base64.getEncoder().encodeToString(signature);
    }

    /** Refuses what cannot be a prepared "user@host". */
    private static void checkPrepared(String jid) {
        // Cs and U+FFFD: half a character, and what stands for bytes that are not UTF-8.
        String barred = "\\p{Z}\\p{Cc}\\p{Cs}\\uFFFD/@";
        String shape = "[^" + barred + "\"&':<>]+@[^" + barred + "]+";
        // Latin, Greek, Cyrillic, Armenian. Prosody does not lower-case every other capital.
        String upper = "[A-\\u0233\\u0386-\\u03AB\\u0400-\\u042F\\u0531-\\u0556&&\\p{Lu}]";
        if (!jid.matches(shape) || Pattern.compile(upper).matcher(jid).find()) {
            throw new IllegalArgumentException("the JID is not a prepared user@host: write it in"
                    + " lower case, without spaces or a /resource,"
                    + " and without \"&'/:<>@ in the user");
        }
    }

    private static String freshNonce(long now) {
        Stream<String> random = RANDOM.ints(20, 0, 10).mapToObj(Integer::toString);
        return String.format(Locale.ROOT, "%012d", now) + random.collect(Collectors.joining());
    }

    private static byte[] hmac(String algorithm, byte[] key, byte[] message)
            throws GeneralSecurityException {
        Mac mac = Mac.getInstance(algorithm);
        mac.init(new SecretKeySpec(key, algorithm)); // refuses an empty key
        return mac.doFinal(message);
    }

    private static byte[] utf8(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        // Half a character became a "?"; U+FFFD stands for bytes that are not UTF-8.
        String decoded = new String(bytes, StandardCharsets.UTF_8);
        if (text.indexOf('\uFFFD') >= 0 || !text.equals(decoded)) {
            throw new IllegalArgumentException("the token secret is not UTF-8");
        }
        return bytes;
    }

    /** Decodes base32 (RFC 4648), in upper or lower case, with or without padding. */
    private static byte[] decodeBase32(String text) {
        String letters = text.toUpperCase(Locale.ROOT).replaceAll("=+$", "");
        ByteBuffer bytes = ByteBuffer.allocate(letters.length() * 5 / 8);
        int pending = 0;
        int bits = 0;
        for (char letter : letters.toCharArray()) {
            int value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter);
            if (value < 0) {
                throw new IllegalArgumentException("the OTP seed is not base32");
            }
            pending = pending << 5 | value;
            bits += 5;
            if (bits >= 8) {
                bits -= 8;
                bytes.put((byte) (pending >> bits));
            }
        }
        return bytes.array();
    }

    public static void main(String[] args) throws GeneralSecurityException {
        Map<String, String> environment = System.getenv();
        String seed = environment.get("XTOKEN_OTP_SEED");
        String secret = environment.get("XTOKEN_TOKEN_SECRET");
        boolean isTimeGood = args.length < 2 || args[1].matches("[0-9]{1,18}");
        if (args.length < 1 || args.length > 3 || !isTimeGood || seed == null || secret == null) {
            System.err.println("usage: java Mint.java JID [UNIX_TIME [NONCE]],"
                    + " with XTOKEN_OTP_SEED and XTOKEN_TOKEN_SECRET set");
            System.exit(2);
        }
        long now = args.length > 1 ? Long.parseLong(args[1]) : Instant.now().getEpochSecond();
        String nonce = args.length > 2 ? args[2] : freshNonce(now);
        try {
            System.out.println(mint(args[0], seed, secret, now, nonce));
        } catch (IllegalArgumentException error) {
            System.err.println("Mint.java: " + error.getMessage());
            System.exit(2);
        }
    }
}
