import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Makes the tokens with which the users of a web application log in to Prosody. */
public final class Mint {
    private static final SecureRandom RANDOM = new SecureRandom();

    private Mint() {}

    /** A fresh token for {@code jid}, which is "user@host" as prepared. */
    public static String mint(String jid, String otpSeed, String tokenSecret) throws GeneralSecurityException {
        long now = Instant.now().getEpochSecond();
        return mint(jid, otpSeed, tokenSecret, now, freshNonce(now));
    }

    /** As above with the Unix time and the nonce of a test. */
    static String mint(String jid, String otpSeed, String tokenSecret, long now, String nonce)
            throws GeneralSecurityException {
        if (now >= 1_000_000_000_000L) {
            throw new IllegalArgumentException("the time is not in seconds");
        }
        byte[] step = ByteBuffer.allocate(8).putLong(now / 30).array();
        byte[] digest = hmac("HmacSHA1", decodeBase32(otpSeed), step);
        int offset = digest[digest.length - 1] & 15;
        int otp = (ByteBuffer.wrap(digest).getInt(offset) & 0x7fffffff) % 100_000_000;

        // Locale.ROOT: elsewhere digits may not be ASCII.
        String digits = String.format(Locale.ROOT, "%08d%s", otp, nonce);
        byte[] signature = hmac("HmacSHA256", utf8(tokenSecret), utf8(digits + jid));
        return digits + " " + Base64.getEncoder().encodeToString(signature);
    }

    private static String freshNonce(long now) {
        Stream<String> random = RANDOM.ints(20, 0, 10).mapToObj(Integer::toString);
        return String.format(Locale.ROOT, "%012d", now) + random.collect(Collectors.joining());
    }

    private static byte[] hmac(String algorithm, byte[] key, byte[] message) throws GeneralSecurityException {
        Mac mac = Mac.getInstance(algorithm);
        mac.init(new SecretKeySpec(key, algorithm)); // which refuses an empty key
        return mac.doFinal(message);
    }

    private static byte[] utf8(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        // Half a character became a "?"; U+FFFD stands for what could not be read.
        if (text.indexOf('\uFFFD') >= 0 || !text.equals(new String(bytes, StandardCharsets.UTF_8))) {
            throw new IllegalArgumentException("the address or the token secret is not UTF-8");
        }
        return bytes;
    }

    /** RFC 4648 base32, in upper or lower case, with or without padding. */
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
