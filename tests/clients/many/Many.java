import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Scanner;

/** many.py for Java. */
final class Many {
    private Many() {}

    public static void main(String[] none) throws Exception {
        Scanner in = new Scanner(System.in, StandardCharsets.UTF_8);
        while (in.hasNextLine()) {
            String[] given = in.nextLine().split(" ", -1);
            for (int i = 0; i < given.length; i++) {
                byte[] bytes = Base64.getDecoder().decode(given[i]);
                given[i] = new String(bytes, StandardCharsets.UTF_8);
            }
            try {
                long now = Long.parseLong(given[3]);
                System.out.println(Mint.mint(given[0], given[1], given[2], now, given[4]));
            } catch (IllegalArgumentException error) {
                System.out.println("! " + error.getMessage());
            }
        }
    }
}
