package peers.common;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** Line commands on standard input: a word and its arguments, separated by blanks. */
public final class Commands {
    /** Carries out a command; false ends the program. */
    public interface Handler {
        boolean handle(String[] words) throws Exception;
    }

    /** Reads until "quit" or the end of input. A command that fails prints an event "error". */
    public static void run(Handler handler) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null;) {
            String[] words = line.trim().split(" +");
            if (words[0].isEmpty()) {
                continue;
            }
            if (words[0].equals("quit")) {
                return;
            }
            try {
                if (!handler.handle(words)) {
                    return;
                }
            } catch (Exception | LinkageError e) {
                new Event("error").with("command", line).with("message", e.toString()).print();
            }
        }
    }

    private Commands() {
    }
}
