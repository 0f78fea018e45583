import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Makes user parts of JIDs from the names that a web application has for its users. */
public final class Escape {
    private static final Pattern FORBIDDEN =
            Pattern.compile("[ \"&'/:<>@]|\\\\(?=2[0267f]|3[ace]|40|5c)");
    private static final Pattern UNSUITABLE = Pattern.compile("[\\x00-\\x1fA-Z\\x7f]");
    private static final Pattern BROKEN = Pattern.compile("[\\p{Cs}\\uFFFD]");

    private Escape() {}

    /** Returns the user part of the JID for a name, say an e-mail address (XEP-0106). */
    public static String escapeName(String name) {
        if (name.isEmpty() || name.startsWith(" ") || name.endsWith(" ")) {
            throw new IllegalArgumentException("the name is empty, or begins or ends with a space");
        }
        if (UNSUITABLE.matcher(name).find()) {
            throw new IllegalArgumentException(
                    "the name has a capital letter or a control character: lower-case it");
        }
        // Half a character, or U+FFFD, which stands for bytes that are not UTF-8.
        if (BROKEN.matcher(name).find()) {
            throw new IllegalArgumentException("the name is not UTF-8");
        }
        return FORBIDDEN.matcher(name).replaceAll(found ->
                Matcher.quoteReplacement("\\" + Integer.toHexString(found.group().charAt(0))));
    }

    public static void main(String[] args) {
        if (args.length != 1) {
            System.err.println("usage: java Escape.java NAME");
            System.exit(2);
        }
        try {
            System.out.println(escapeName(args[0]));
        } catch (IllegalArgumentException error) {
            System.err.println("Escape.java: " + error.getMessage());
            System.exit(2);
        }
    }
}
