package peers.leshan2;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;

import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.observation.ObservationListener;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.servers.security.InMemorySecurityStore;
import org.eclipse.leshan.servers.security.SecurityInfo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

/** The part of the REST interface of Leshan's demo server that a load generator needs: read, observe, keys and events. */
final class Http implements ObservationListener {
    private static final int THREADS = 200; // as many as the demo's Jetty has
    private static final String CLIENTS = "/api/clients/";
    private static final String KEYS = "/api/security/clients";

    private final LeshanServer server;
    private final InMemorySecurityStore security;
    private final ObjectMapper json = new ObjectMapper();
    private final Set<BlockingQueue<byte[]>> listeners = ConcurrentHashMap.newKeySet();

    static void start(InetSocketAddress address, LeshanServer server, InMemorySecurityStore security) throws IOException {
        // Without it each answer waits for the acknowledgement of the one before.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        Http h = new Http(server, security);
        server.getObservationService().addListener(h);
        HttpServer web = HttpServer.create(address, 1024);
        web.setExecutor(Executors.newFixedThreadPool(THREADS, r -> {
            Thread t = new Thread(r);
            t.setDaemon(true);
            return t;
        }));
        web.createContext(CLIENTS, x -> h.answer(x, h::device));
        web.createContext(KEYS, x -> h.answer(x, h::keys));
        web.createContext("/api/event", h::events);
        web.start();
    }

    private Http(LeshanServer server, InMemorySecurityStore security) {
        this.server = server;
        this.security = security;
    }

    private interface Call {
        /** Returns the body of a 200 answer, or null for 404. */
        Object run(HttpExchange x) throws Exception;
    }

    private void answer(HttpExchange x, Call call) throws IOException {
        int code = 200;
        byte[] body = {};
        try {
            Object result = call.run(x);
            if (result == null) {
                code = 404;
            } else {
                body = json.writeValueAsBytes(result);
            }
        } catch (Exception e) {
            code = 500;
            body = e.toString().getBytes(StandardCharsets.UTF_8);
        }
        x.getRequestBody().readAllBytes(); // else the connection is not used again
        x.getResponseHeaders().set("Content-Type", "application/json");
        x.sendResponseHeaders(code, body.length == 0 ? -1 : body.length);
        try (OutputStream out = x.getResponseBody()) {
            out.write(body);
        }
    }

    /** GET /api/clients/EP/3/0/9 reads, POST /api/clients/EP/3303/0/5700/observe observes. */
    private Object device(HttpExchange x) throws Exception {
        String rest = x.getRequestURI().getPath().substring(CLIENTS.length());
        int slash = rest.indexOf('/');
        Registration reg = slash < 0 ? null : server.getRegistrationService().getByEndpoint(rest.substring(0, slash));
        if (reg == null) {
            return null;
        }
        String path = rest.substring(slash);
        LwM2mResponse r;
        if (x.getRequestMethod().equals("GET")) {
            r = server.send(reg, new ReadRequest(path), 5000);
        } else if (path.endsWith("/observe")) {
            r = server.send(reg, new ObserveRequest(path.substring(0, path.length() - "/observe".length())), 5000);
        } else {
            return null;
        }
        if (r == null) {
            return Map.of("success", false, "status", "TIMEOUT");
        }
        LwM2mNode content = r instanceof ReadResponse read ? read.getContent() : null;
        return content == null ? Map.of("success", r.isSuccess(), "status", r.getCode().toString())
                : Map.of("success", r.isSuccess(), "status", r.getCode().toString(), "content", view(content));
    }

    private static Map<String, Object> view(LwM2mNode n) {
        if (n instanceof LwM2mSingleResource r) {
            return Map.of("kind", "singleResource", "id", r.getId(), "type", r.getType().toString(), "value", r.getValue());
        }
        return Map.of("value", Nodes.value(n));
    }

    /** PUT with {"endpoint", "tls": {"mode": "psk", "details": {"identity", "key"}}} adds a key, DELETE /EP takes it away. */
    private Object keys(HttpExchange x) throws Exception {
        if (x.getRequestMethod().equals("PUT")) {
            JsonNode in = json.readTree(x.getRequestBody().readAllBytes());
            JsonNode psk = in.at("/tls/details");
            security.add(SecurityInfo.newPreSharedKeyInfo(in.get("endpoint").asText(), psk.get("identity").asText(),
                    HexFormat.of().parseHex(psk.get("key").asText())));
        } else {
            // Not "compromised": for that, Leshan walks over all its connections at each call, long after the answer.
            security.remove(x.getRequestURI().getPath().substring(KEYS.length() + 1), false);
        }
        return Map.of();
    }

    /** Server-sent events, until the listener goes away. What is waiting leaves in one write. */
    private void events(HttpExchange x) throws IOException {
        BlockingQueue<byte[]> queue = new LinkedBlockingQueue<>();
        x.getResponseHeaders().set("Content-Type", "text/event-stream");
        x.sendResponseHeaders(200, 0);
        listeners.add(queue);
        try (OutputStream out = new BufferedOutputStream(x.getResponseBody(), 64 << 10)) {
            out.write(":\n\n".getBytes(StandardCharsets.UTF_8));
            out.flush();
            while (true) {
                for (byte[] b = queue.take(); b != null; b = queue.poll()) {
                    out.write(b);
                }
                out.flush();
            }
        } catch (IOException | InterruptedException e) {
            // It has gone.
        } finally {
            listeners.remove(queue);
            x.close();
        }
    }

    @Override
    public void onResponse(SingleObservation o, Registration r, ObserveResponse response) {
        if (listeners.isEmpty()) {
            return;
        }
        try {
            byte[] event = ("event: NOTIFICATION\ndata: " + json.writeValueAsString(
                    Map.of("ep", r.getEndpoint(), "res", o.getPath().toString(), "val", view(response.getContent()))) + "\n\n")
                    .getBytes(StandardCharsets.UTF_8);
            for (BlockingQueue<byte[]> q : listeners) {
                q.add(event);
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void newObservation(Observation o, Registration r) {
    }

    @Override
    public void cancelled(Observation o) {
    }

    @Override
    public void onResponse(CompositeObservation o, Registration r, ObserveCompositeResponse response) {
    }

    @Override
    public void onError(Observation o, Registration r, Exception error) {
    }
}
