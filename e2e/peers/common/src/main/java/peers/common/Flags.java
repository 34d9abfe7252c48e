package peers.common;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Command line flags of the form --name value; a flag may stand there several times. */
public final class Flags {
    private final Map<String, List<String>> values = new LinkedHashMap<>();

    public Flags(String[] args, Set<String> known) {
        for (int i = 0; i < args.length; i += 2) {
            String name = args[i].startsWith("--") ? args[i].substring(2) : "";
            if (!known.contains(name) || i + 1 == args.length) {
                System.err.println("flag " + args[i] + " is unknown or has no value; known are " + known);
                System.exit(2);
            }
            values.computeIfAbsent(name, n -> new ArrayList<>()).add(args[i + 1]);
        }
    }

    public String get(String name, String otherwise) {
        List<String> all = all(name);
        return all.isEmpty() ? otherwise : all.get(all.size() - 1);
    }

    public int number(String name, int otherwise) {
        return Integer.parseInt(get(name, Integer.toString(otherwise)));
    }

    /** A value in hexadecimal digits. */
    public byte[] bytes(String name) {
        return HexFormat.of().parseHex(get(name, ""));
    }

    public List<String> all(String name) {
        return values.getOrDefault(name, List.of());
    }

    public boolean has(String name) {
        return values.containsKey(name);
    }
}
