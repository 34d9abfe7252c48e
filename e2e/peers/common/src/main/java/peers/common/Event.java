package peers.common;

import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Map;

/** One line of JSON on standard output. */
public final class Event {
    private final Map<String, Object> fields = new LinkedHashMap<>();

    public Event(String name) {
        fields.put("event", name);
    }

    public Event with(String name, Object value) {
        if (value != null) {
            fields.put(name, value);
        }
        return this;
    }

    public void print() {
        StringBuilder b = new StringBuilder();
        write(b, fields);
        synchronized (System.out) {
            System.out.println(b);
            System.out.flush();
        }
    }

    private static void write(StringBuilder b, Object v) {
        if (v instanceof Map<?, ?> map) {
            b.append('{');
            String comma = "";
            for (Map.Entry<?, ?> e : map.entrySet()) {
                b.append(comma);
                text(b, String.valueOf(e.getKey()));
                b.append(':');
                write(b, e.getValue());
                comma = ",";
            }
            b.append('}');
        } else if (v instanceof Iterable<?> list) {
            b.append('[');
            String comma = "";
            for (Object o : list) {
                b.append(comma);
                write(b, o);
                comma = ",";
            }
            b.append(']');
        } else if (v == null || v instanceof Boolean) {
            b.append(v);
        } else if (v instanceof Double d && (d.isNaN() || d.isInfinite())) {
            text(b, d.toString());
        } else if (v instanceof Number) {
            b.append(v);
        } else if (v instanceof Date d) {
            b.append(d.getTime() / 1000);
        } else if (v instanceof byte[] bytes) {
            text(b, Base64.getEncoder().encodeToString(bytes));
        } else {
            text(b, v.toString());
        }
    }

    private static void text(StringBuilder b, String s) {
        b.append('"');
        for (char c : s.toCharArray()) {
            if (c == '"' || c == '\\') {
                b.append('\\').append(c);
            } else if (c < 0x20) {
                b.append(String.format("\\u%04x", (int) c));
            } else {
                b.append(c);
            }
        }
        b.append('"');
    }
}
